package pair

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"fluxd/bridge/pairing"
	"fluxd/bridge/users"
)

var present = time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)

func at(text string) net.Addr {
	ip, network, err := net.ParseCIDR(text)
	if err != nil {
		panic(err)
	}
	return &net.IPNet{IP: ip, Mask: network.Mask}
}

// robot writes a robot file, and returns options to pair it.
func robot(t *testing.T, mqtt string) options {
	t.Helper()
	file := filepath.Join(t.TempDir(), "robot.yaml")
	write(t, file, "robot: rover\nboard: {kind: sim}\nnetwork: {neurons: {a: {}}}\n"+mqtt)
	return options{user: "ann", role: "operator", robot: file, service: "no such user", host: "rover7", now: present,
		addresses: []net.Addr{at("127.0.0.1/8"), at("fe80::1/64"), at("2001:db8::7/64"), at("10.0.0.7/8")}}
}

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// paired runs pair, and returns the ticket and the notes.
func paired(t *testing.T, o options) (pairing.Ticket, string) {
	t.Helper()
	var out, notes bytes.Buffer
	if err := run(o, &out, &notes); err != nil {
		t.Fatal(err)
	}
	ticket, err := pairing.Parse(out.String())
	if err != nil {
		t.Fatal(err)
	}
	return ticket, notes.String()
}

// served returns the certificates that the broker of a robot shows.
func served(t *testing.T, o options) (all []*x509.Certificate) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(filepath.Dir(o.robot), "robot.pem"))
	if err != nil {
		t.Fatal(err)
	}
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != "CERTIFICATE" {
			continue
		}
		one, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, one)
	}
	return all
}

// The first time everything is made, the second time nothing but a new password.
func TestPair(t *testing.T) {
	o := robot(t, "")
	first, notes := paired(t, o)
	if want := []string{"rover7.local:8883", "10.0.0.7:8883"}; !slices.Equal(first.Addresses, want) {
		t.Errorf("addresses %v, want %v: it listens on IPv4 alone", first.Addresses, want)
	}
	for _, want := range []string{"needs these lines, at its end", "listen: '0.0.0.0:8883'", "Then restart the robot"} {
		if !strings.Contains(notes, want) {
			t.Errorf("%q is missing in %s", want, notes)
		}
	}
	chain := served(t, o)
	if len(chain) != 2 || pairing.Fingerprint(chain[1]) != first.Fingerprint || first.ServerName != pairing.ServerName {
		t.Fatalf("%d certificates, ticket %+v", len(chain), first)
	}
	roots := x509.NewCertPool()
	roots.AddCert(chain[1])
	names := []string{pairing.ServerName, "rover7", "rover7.local", "localhost", "10.0.0.7", "2001:db8::7", "127.0.0.1"}
	for _, name := range names {
		for _, when := range []time.Time{present, present.AddDate(9, 11, 0), time.Date(2001, 1, 1, 0, 0, 0, 0, time.UTC)} {
			if _, err := chain[0].Verify(x509.VerifyOptions{Roots: roots, DNSName: name, CurrentTime: when}); err != nil {
				t.Errorf("%s at %v: %v", name, when, err)
			}
		}
	}
	if runtime.GOOS != "windows" {
		folder := filepath.Dir(o.robot)
		for name, secret := range map[string]bool{"ca.pem": true, "robot.pem": true, "passwords": true, "ca.crt": false} {
			info, err := os.Stat(filepath.Join(folder, name))
			if err != nil || secret && info.Mode().Perm()&0o007 != 0 || !secret && info.Mode().Perm() != 0o644 {
				t.Errorf("%s: %v, %v", name, info.Mode(), err)
			}
		}
	}
	for _, role := range []users.Role{users.Operator} {
		all, err := users.Load(filepath.Join(filepath.Dir(o.robot), "passwords"))
		if err != nil {
			t.Fatal(err)
		}
		if one, ok, err := all.Check("ann", first.Password, "here"); !ok || one.Role != role || err != nil {
			t.Errorf("ann: %v as %q, %v", ok, one.Role, err)
		}
	}
	second, notes := paired(t, o)
	if second.Fingerprint != first.Fingerprint || second.Password == first.Password || !served(t, o)[0].Equal(chain[0]) {
		t.Errorf("the second time: %+v after %+v", second, first)
	}
	if !strings.Contains(notes, "ann, operator, has a new password; with the old one") {
		t.Errorf("the second time: %s", notes)
	}
}

// A user who is there keeps the role, unless another one is asked for. Other users stay.
func TestRoles(t *testing.T) {
	o := robot(t, "")
	o.role = "viewer"
	paired(t, o)
	bob := o
	bob.user, bob.role = "bob", "operator"
	paired(t, bob)
	file := filepath.Join(filepath.Dir(o.robot), "passwords")
	for _, step := range []struct {
		role  string
		given bool
		want  users.Role
	}{{"operator", false, users.Viewer}, {"tuner", true, users.Tuner}} {
		o.role, o.roleGiven = step.role, step.given
		paired(t, o)
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		ann, _ := users.RoleOf(text, "ann")
		if other, known := users.RoleOf(text, "bob"); ann != step.want || !known || other != users.Operator {
			t.Errorf("%+v: ann is %s, bob %s", step, ann, other)
		}
	}
}

// The certificate is made again for another address, near its end, and when a file is lost or damaged. The authority stays as
// long as it can: with it laptops stay paired.
func TestRenewal(t *testing.T) {
	for name, c := range map[string]struct {
		change         func(o *options, folder string)
		same, sameRoot bool
	}{
		"nothing":           {func(*options, string) {}, true, true},
		"a clock of 1970":   {func(o *options, _ string) { o.now = time.Unix(0, 0) }, true, true},
		"another address":   {func(o *options, _ string) { o.addresses = []net.Addr{at("192.168.1.9/24")} }, false, true},
		"a further name":    {func(o *options, _ string) { o.hosts = []string{"rover.example"} }, false, true},
		"nearly its end":    {func(o *options, _ string) { o.now = present.AddDate(9, 1, 0) }, false, false},
		"a lost key":        {func(_ *options, folder string) { os.Remove(filepath.Join(folder, "robot.pem")) }, false, true},
		"a damaged file":    {func(_ *options, folder string) { write(t, filepath.Join(folder, "robot.pem"), "x") }, false, true},
		"a lost authority":  {func(_ *options, folder string) { os.Remove(filepath.Join(folder, "ca.pem")) }, false, false},
		"a lost public one": {func(_ *options, folder string) { os.Remove(filepath.Join(folder, "ca.crt")) }, true, true},
	} {
		t.Run(name, func(t *testing.T) {
			o := robot(t, "")
			folder := filepath.Dir(o.robot)
			first, _ := paired(t, o)
			before := served(t, o)
			c.change(&o, folder)
			second, _ := paired(t, o)
			after := served(t, o)
			if same := before[0].Equal(after[0]); same != c.same {
				t.Errorf("the same certificate: %v, want %v", same, c.same)
			}
			if same := first.Fingerprint == second.Fingerprint; same != c.sameRoot {
				t.Errorf("the same authority: %v, want %v", same, c.sameRoot)
			}
			if after[0].CheckSignatureFrom(after[1]) != nil || pairing.Fingerprint(after[1]) != second.Fingerprint {
				t.Error("the ticket does not fit the certificate")
			}
			if _, err := os.Stat(filepath.Join(folder, "ca.crt")); err != nil {
				t.Error(err)
			}
		})
	}
}

// A robot whose clock is wrong makes certificates that are valid now.
func TestWrongClock(t *testing.T) {
	o := robot(t, "")
	o.now = time.Unix(0, 0)
	paired(t, o)
	for _, one := range served(t, o) {
		if one.NotBefore.Year() != 2000 || one.NotAfter.Before(present.AddDate(9, 0, 0)) {
			t.Errorf("valid from %v to %v", one.NotBefore, one.NotAfter)
		}
	}
}

// Keys that the robot file has are used as they are. The certificate of another authority is pinned as it is.
func TestRobotFileWithKeys(t *testing.T) {
	o := robot(t, "")
	paired(t, o)
	folder := filepath.Dir(o.robot)
	server := filepath.Join(folder, "robot.pem")
	given := filepath.Join(t.TempDir(), "given.pem")
	text, err := os.ReadFile(server)
	if err != nil {
		t.Fatal(err)
	}
	write(t, given, string(text))
	mqtt := func(certificate string) string {
		return "mqtt: {listen: '10.1.1.1:1234', passwords: '" + filepath.Join(folder, "people") + "', tls: {certificate: '" +
			certificate + "', key: '" + certificate + "'}}\n"
	}
	own := robot(t, mqtt(given))
	ticket, notes := paired(t, own)
	if !slices.Equal(ticket.Addresses, []string{"10.1.1.1:1234"}) || ticket.ServerName != "" ||
		ticket.Fingerprint != pairing.Fingerprint(served(t, o)[1]) || strings.Contains(notes, "mqtt:") {
		t.Errorf("%+v, %s", ticket, notes)
	}
	if _, err := os.Stat(filepath.Join(folder, "people")); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(filepath.Join(filepath.Dir(own.robot), "ca.pem")); err == nil {
		t.Error("it made an authority beside that of the robot file")
	}
	// A file for both that is not there yet is made, and renewed later.
	new := robot(t, mqtt(filepath.Join(filepath.Dir(given), "new.pem")))
	for range 2 {
		if ticket, notes := paired(t, new); ticket.ServerName != pairing.ServerName || strings.Contains(notes, "mqtt:") {
			t.Errorf("%+v, %s", ticket, notes)
		}
	}
}

// What cannot be paired is refused with the reason, and nothing is made.
func TestRefused(t *testing.T) {
	for says, c := range map[string]struct {
		mqtt   string
		change func(*options)
	}{
		"mqtt.broker is tcp://host:1883": {"mqtt: {broker: 'tcp://host:1883'}\n", func(*options) {}},
		"clients need certificates":      {"mqtt: {tls: {ca: a, certificate: c, key: k}}\n", func(*options) {}},
		"there is no such file":          {"", func(o *options) { o.robot += "x" }},
		`user "a b"`:                     {"", func(o *options) { o.user = "a b" }},
		`role "king"`:                    {"", func(o *options) { o.role = "king" }},
		"--role robot":                   {"", func(o *options) { o.role = "robot" }},
		"no name and no network":         {"", func(o *options) { o.host, o.addresses = "", nil }},
		"expected name:role:bcrypt hash": {"mqtt: {passwords: '@'}\n", func(*options) {}},
		"mqtt.tls.certificate":           {"mqtt: {tls: {certificate: /nowhere/c, key: /nowhere/k}}\n", func(*options) {}},
	} {
		o := robot(t, "")
		write(t, o.robot, "robot: rover\nboard: {kind: sim}\nnetwork: {neurons: {a: {}}}\n"+strings.ReplaceAll(c.mqtt, "@", o.robot))
		c.change(&o)
		var out, notes bytes.Buffer
		if err := run(o, &out, &notes); err == nil || !strings.Contains(err.Error(), says) || out.Len() > 0 {
			t.Errorf("%v and %q, want something with %q", err, &out, says)
		}
	}
}
