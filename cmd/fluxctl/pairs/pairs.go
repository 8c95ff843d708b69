// Package pairs keeps the robots that a laptop is paired with: where they are, a user with a password, and the certificate of the
// robot's authority, which is pinned.
//
//	all, err := pairs.Load(file)
//	target, err := all["rover7"].Target(5 * time.Second)
//	broker, err := link.Dial(ctx, target)
//
// The file holds passwords: only its owner may read it.
package pairs

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"fluxd/bridge/pairing"
	"fluxd/bridge/transport"
	"fluxd/cmd/fluxctl/link"
	"fluxd/cmd/fluxctl/outcome"
	"fluxd/files"
)

// maxFile is the largest file of pairs, in bytes.
const maxFile = 16 << 20

// Robot is a robot that a laptop is paired with.
type Robot struct {
	Addresses  []string `json:"addresses"` // host:port of its broker
	User       string   `json:"user"`
	Password   string   `json:"password"`
	ServerName string   `json:"server_name,omitempty"` // in the broker's certificate; empty: the host of the address
	CA         string   `json:"ca"`                    // PEM
}

// stored is the content of the file.
type stored struct {
	Robots map[string]Robot `json:"robots"` // by name
}

// File returns the name of the file of the present user.
func File() (string, error) {
	folder, err := os.UserConfigDir()
	if err != nil {
		return "", fmt.Errorf("no folder for the robots that are paired: %w", err)
	}
	return filepath.Join(folder, "fluxctl", "robots.json"), nil
}

// Load reads the robots from a file, by name. A file that is not there has none.
func Load(file string) (map[string]Robot, error) {
	text, err := files.Read(file, maxFile)
	if errors.Is(err, fs.ErrNotExist) {
		return map[string]Robot{}, nil
	}
	if err != nil {
		return nil, err
	}
	var s stored
	if err := json.Unmarshal(text, &s); err != nil {
		return nil, fmt.Errorf("%s: expected the robots that 'fluxctl pair' writes: %w; remove it, and pair again", file, err)
	}
	for name, one := range s.Robots {
		if _, err := one.Target(time.Second); err != nil {
			return nil, fmt.Errorf("%s: robot %q: %w; pair again", file, name, err)
		}
	}
	if s.Robots == nil {
		s.Robots = map[string]Robot{}
	}
	return s.Robots, nil
}

// Save writes the robots to a file, completely or not at all.
func Save(file string, robots map[string]Robot) error {
	text, err := json.MarshalIndent(stored{robots}, "", "  ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return err
	}
	return files.Write(file, append(text, '\n'))
}

// Target returns how to log in at the robot's broker.
func (r Robot) Target(patience time.Duration) (link.Target, error) {
	pool := x509.NewCertPool()
	if len(r.Addresses) == 0 || !pool.AppendCertsFromPEM([]byte(r.CA)) {
		return link.Target{}, errors.New("expected addresses and a certificate")
	}
	u := url.URL{Scheme: "ssl", Host: r.Addresses[0], User: url.UserPassword(r.User, r.Password)}
	return link.Target{URL: u.String(), Others: r.Addresses[1:], Patience: patience,
		TLS: &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: pool, ServerName: r.ServerName}}, nil
}

// Redeem connects to the robot of a ticket, checks that its broker has the certificate with the fingerprint, and logs in. The
// password is sent only after that check.
func Redeem(ctx context.Context, t pairing.Ticket, patience time.Duration) (Robot, error) {
	root, first, err := fetch(ctx, t, patience)
	if err != nil {
		return Robot{}, err
	}
	r := Robot{Addresses: []string{first}, User: t.User, Password: t.Password, ServerName: t.ServerName,
		CA: string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: root.Raw}))}
	for _, one := range t.Addresses {
		if one != first {
			r.Addresses = append(r.Addresses, one)
		}
	}
	target, err := r.Target(patience)
	if err != nil {
		return Robot{}, err
	}
	broker, err := link.Dial(ctx, target)
	if err != nil {
		return Robot{}, fmt.Errorf("%w\na line holds no longer when 'fluxd pair %s' has made another one", err, t.User)
	}
	broker.Close()
	return r, nil
}

// fetch connects to all addresses of a ticket at the same time, and returns the certificate that the ticket names, and the first
// address at which it was found.
func fetch(ctx context.Context, t pairing.Ticket, patience time.Duration) (*x509.Certificate, string, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	type result struct {
		address string
		root    *x509.Certificate
		err     error
	}
	results := make(chan result, len(t.Addresses))
	for _, address := range t.Addresses {
		go func() { // ends within the patience
			root, err := show(address, t, patience)
			results <- result{address, root, err}
		}()
	}
	var failed []error
	for range t.Addresses {
		select {
		case r := <-results:
			if r.err == nil {
				return r.root, r.address, nil
			}
			if failed = append(failed, fmt.Errorf("%s: %w", r.address, r.err)); errors.Is(r.err, errOther) {
				return nil, "", outcome.Failure{Exit: outcome.Refused, Err: failed[len(failed)-1]}
			}
		case <-ctx.Done():
			failed = append(failed, errors.New("interrupted, or no answer in time"))
			return nil, "", outcome.Absentf("the robot is not reached:\n%w\n%s", errors.Join(failed...), advice)
		}
	}
	return nil, "", outcome.Absentf("the robot is not reached:\n%w\n%s", errors.Join(failed...), advice)
}

const advice = "does its file have the lines that 'fluxd pair' has printed, was it restarted, and is this machine in its network?"

// errOther is the error of a broker with another certificate.
var errOther = errors.New("the broker there is not that of the line: its certificate has another fingerprint, or is forged. " +
	"The robot may have a new certificate authority: run 'fluxd pair' on it again. Otherwise somebody else answers in its place: " +
	"nothing was sent to it")

// show returns the certificate that a ticket names, as the broker at an address shows it.
func show(address string, t pairing.Ticket, patience time.Duration) (root *x509.Certificate, err error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	name := t.ServerName
	if name == "" {
		name = host
	}
	u := &url.URL{Scheme: "ssl", Host: address}
	conn, err := transport.Dial(&net.Dialer{Timeout: patience}, u, &tls.Config{
		MinVersion: tls.VersionTLS12, ServerName: name,
		InsecureSkipVerify: true, // VerifyConnection does it: the authority is known by its fingerprint alone so far
		VerifyConnection: func(s tls.ConnectionState) error {
			pool, others := x509.NewCertPool(), x509.NewCertPool()
			for _, one := range s.PeerCertificates {
				if pairing.Fingerprint(one) == t.Fingerprint {
					root = one
					pool.AddCert(one)
				} else {
					others.AddCert(one)
				}
			}
			if root == nil {
				return errOther
			}
			_, err := s.PeerCertificates[0].Verify(x509.VerifyOptions{Roots: pool, Intermediates: others, DNSName: name})
			if unknown := (x509.UnknownAuthorityError{}); errors.As(err, &unknown) {
				return errOther // everybody can show the authority's certificate; only the robot has one that is signed by it
			}
			return err
		},
	})
	if err != nil {
		return nil, err
	}
	return root, conn.Close()
}
