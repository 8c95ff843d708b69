// Package pairing has the line by which a laptop gets to know a robot. "fluxd pair" prints it, "fluxctl pair" reads it:
//
//	line := pairing.Ticket{Robot: "rover7", Addresses: []string{"rover7.local:8883"}, User: "ann", Password: secret,
//		Fingerprint: pairing.Fingerprint(authority)}.String()
//	ticket, err := pairing.Parse(line)
//
// The line is a secret: it holds the user's password. It has no character that a shell would interpret.
package pairing

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"

	"fluxd/bridge/protocol"
)

// ServerName is a name in each certificate that "fluxd pair" makes. A laptop that has pinned the robot's authority checks for it,
// not for the address by which it reaches the robot, which may change: the authority signs nothing but this robot's certificate.
const ServerName = "robot.fluxd.internal" // .internal is reserved for private use (ICANN, 2024-07-29)

const (
	// version begins a line. Another meaning gets another one.
	version = "fluxd1"
	// MaxLine is the longest line, in bytes.
	MaxLine = 4096
	// MaxAddresses is how many addresses a line may have.
	MaxAddresses = 16
)

// Ticket is what a line says.
type Ticket struct {
	Robot       string   // its name
	Addresses   []string // host:port of its broker: the same broker, by several ways
	User        string
	Password    string
	ServerName  string // in the broker's certificate; empty: the host of the address
	Fingerprint string // of the certificate that vouches for the broker, see Fingerprint
}

// Fingerprint returns what identifies a certificate: the SHA-256 of its DER, in 43 characters.
func Fingerprint(c *x509.Certificate) string {
	sum := sha256.Sum256(c.Raw)
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// String returns the line. The fingerprint is last: so its length shows that the line is whole.
func (t Ticket) String() string {
	var addresses []string
	for _, a := range t.Addresses {
		addresses = append(addresses, escape(a))
	}
	return strings.Join([]string{version, escape(t.Robot), strings.Join(addresses, ","), escape(t.User), escape(t.Password),
		escape(t.ServerName), t.Fingerprint}, "/")
}

// escape writes all but letters, digits and a few signs as %XX.
func escape(text string) string {
	var b strings.Builder
	for _, c := range []byte(text) {
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("._-:", c) >= 0 {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

// errLine is the error of a text that is no line. It does not quote the text, which may hold a password.
var errLine = errors.New(`expected the whole line that "fluxd pair" has printed on the robot: it begins with ` + version + "/")

// Parse reads a line. Its errors do not hold the password.
func Parse(line string) (Ticket, error) {
	line = strings.TrimSpace(line)
	parts := strings.Split(line, "/")
	switch known := parts[0] == version; {
	case len(line) > MaxLine:
		return Ticket{}, fmt.Errorf("%d bytes, %w", len(line), errLine)
	case !known && strings.HasPrefix(parts[0], "fluxd"):
		return Ticket{}, fmt.Errorf("the line begins with %.10q, and this fluxctl knows %s: update fluxctl, or fluxd on the robot",
			parts[0], version)
	case !known:
		return Ticket{}, errLine
	case len(parts) != 7:
		return Ticket{}, fmt.Errorf("it has %d parts of 7: it is not complete; %w", len(parts), errLine)
	}
	t := Ticket{Fingerprint: parts[6]}
	for i, to := range []*string{1: &t.Robot, 3: &t.User, 4: &t.Password, 5: &t.ServerName} {
		if to == nil {
			continue
		}
		text, err := url.PathUnescape(parts[i])
		if err != nil {
			return Ticket{}, fmt.Errorf("part %d cannot be read; %w", i+1, errLine)
		}
		*to = text
	}
	for _, one := range strings.Split(parts[2], ",") {
		address, err := url.PathUnescape(one)
		if err == nil {
			_, _, err = net.SplitHostPort(address)
		}
		if err != nil {
			return Ticket{}, fmt.Errorf("the addresses cannot be read; %w", errLine)
		}
		t.Addresses = append(t.Addresses, address)
	}
	return t, t.check()
}

// check returns an error for what no robot says.
func (t Ticket) check() error {
	sum, err := base64.RawURLEncoding.DecodeString(t.Fingerprint)
	if err != nil || len(sum) != sha256.Size {
		return fmt.Errorf("its last part, the fingerprint, is not complete; %w", errLine)
	}
	if err := protocol.CheckName(t.Robot); err != nil {
		return err
	}
	if err := protocol.CheckUser(t.User); err != nil {
		return err
	}
	switch {
	case t.Password == "":
		return fmt.Errorf("it has no password; %w", errLine)
	case len(t.Addresses) > MaxAddresses:
		return fmt.Errorf("%d addresses: expected at most %d", len(t.Addresses), MaxAddresses)
	}
	return nil
}
