package broker

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"fmt"
	"log/slog"
	"math/big"
	"net"
	"time"

	"fluxd/bridge/protocol"
	"fluxd/bridge/users"
	"fluxd/files"
)

const (
	// DefaultListen is where the broker listens if nothing else is said.
	DefaultListen = "127.0.0.1:1883"
	// DefaultClients is how many clients may be logged in at a time.
	DefaultClients = 64
)

// Options say what kind of broker to start. Only Robot must be given.
type Options struct {
	Robot           string // name: its topics are flux/<name>/...
	Listen          string // host:port; empty is DefaultListen. Other than loopback only with Passwords or TLS.CA
	Passwords       string // file of the users, see package users; empty: nobody has to log in, and everybody is an operator
	TLS             TLS
	Clients         int // that may be logged in at a time, beside the robot; 0 is DefaultClients
	DescriptionSize int // bytes of the robot's description, its largest message: the limits follow from it

	Fleet Fleet // a NATS cluster to join; the zero value is none

	Program []string     // what to execute; nil is this very program, with Command as its argument
	Log     *slog.Logger // nil is silent
}

// TLS names the files of a secured listener, PEM-encoded. The zero value is an open one.
type TLS struct {
	Certificate string
	Key         string
	CA          string // if given, clients must show a certificate of this authority
}

// Fleet is a NATS cluster that the broker joins as a leaf node. What the robot says goes up, and what is asked of it comes down;
// nothing else crosses.
type Fleet struct {
	URL      string // of its listener for leaf nodes: tls://host:7422, nats://host:7422
	User     string
	Password string
	CA       string // file of the authority of its certificate, PEM-encoded; empty: the system's
}

// config is what the broker's process reads from its standard input, as JSON. Nothing secret stands in its command line or
// environment.
type config struct {
	Robot           string
	Address         string // host:port
	Passwords       string
	Secret          string // the password of the robot's own clients
	Clients         int
	DescriptionSize int
	Details         bool // for the log

	Certificate, Key, CA []byte // PEM
	Fleet                Fleet  // its CA is the text of the file
	OwnCertificate       []byte // the robot's own certificate as client, DER: good beside those of the CA
}

// robotUser is the user name of the robot's own clients.
const robotUser = "fluxd"

// parse checks the options, and reads the files that they name. The second result is for the robot's own client; nil without TLS.
func (o Options) parse() (config, *tls.Config, error) {
	c := config{Robot: o.Robot, Address: o.Listen, Passwords: o.Passwords, Clients: o.Clients, DescriptionSize: o.DescriptionSize, Details: o.Log != nil && o.Log.Enabled(context.Background(), slog.LevelDebug)}
	if c.Address == "" {
		c.Address = DefaultListen
	}
	if c.Clients == 0 {
		c.Clients = DefaultClients
	}
	host, _, err := net.SplitHostPort(c.Address)
	if err != nil {
		return c, nil, fmt.Errorf("embedded broker: listen address %q: expected host:port, such as %s: %w", c.Address, DefaultListen, err)
	}
	if c.Passwords != "" {
		if _, err := users.Load(c.Passwords); err != nil { // the broker's process does it too, where nobody could mend it
			return c, nil, fmt.Errorf("embedded broker: %w", err)
		}
	}
	secret := make([]byte, 32)
	rand.Read(secret) // never fails
	c.Secret = hex.EncodeToString(secret)
	if c.Fleet = o.Fleet; c.Fleet.CA != "" {
		text, err := files.Read(c.Fleet.CA, protocol.MaxPEM)
		if err != nil {
			return c, nil, fmt.Errorf("embedded broker: fleet: %w", err)
		}
		if !x509.NewCertPool().AppendCertsFromPEM(text) {
			return c, nil, fmt.Errorf("embedded broker: fleet: ca: %s: expected certificates, PEM-encoded", c.Fleet.CA)
		}
		c.Fleet.CA = string(text)
	}
	secured, err := c.secure(o.TLS)
	if err != nil {
		return c, nil, fmt.Errorf("embedded broker: tls: %w", err)
	}
	switch {
	case isLoopback(host):
	case c.Passwords == "" && c.CA == nil:
		return c, nil, fmt.Errorf("embedded broker: listen address %q can be reached from other machines, and nobody would have to log in: name a file of passwords or a CA for clients, or listen on %s", c.Address, DefaultListen)
	case secured == nil && o.Log != nil:
		o.Log.Warn("embedded broker: passwords can be read on the network: give it a certificate (mqtt.tls)", "listen", c.Address)
	}
	return c, secured, nil
}

// isLoopback reports whether a host names this machine only. An empty host means every interface.
func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// secure reads the certificates, and makes the configuration of the robot's own client. That client knows the broker by its
// certificate, whatever names stand in it, and shows one that was made for this run.
func (c *config) secure(t TLS) (*tls.Config, error) {
	switch {
	case t == TLS{}:
		return nil, nil
	case t.Certificate == "" || t.Key == "":
		return nil, fmt.Errorf("the embedded broker needs a certificate and its key")
	}
	for _, file := range []struct {
		name string
		to   *[]byte
	}{{t.Certificate, &c.Certificate}, {t.Key, &c.Key}, {t.CA, &c.CA}} {
		if file.name == "" {
			continue
		}
		var err error
		if *file.to, err = files.Read(file.name, protocol.MaxPEM); err != nil {
			return nil, err
		}
	}
	pair, err := tls.X509KeyPair(c.Certificate, c.Key)
	if err != nil {
		return nil, fmt.Errorf("certificate %q and key %q: %w", t.Certificate, t.Key, err)
	}
	if c.CA != nil && !x509.NewCertPool().AppendCertsFromPEM(c.CA) {
		return nil, fmt.Errorf("ca: %s: expected certificates, PEM-encoded", t.CA)
	}
	own, err := ephemeral()
	if err != nil {
		return nil, err
	}
	c.OwnCertificate = own.Certificate[0]
	return &tls.Config{
		MinVersion: tls.VersionTLS12,
		// Not Certificates: of those Go shows only what is of an authority that the broker names, and ours is of none.
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &own, nil },
		InsecureSkipVerify:   true, // VerifyConnection does it: the certificate must be this very one
		VerifyConnection: func(s tls.ConnectionState) error {
			if string(s.PeerCertificates[0].Raw) != string(pair.Certificate[0]) {
				return fmt.Errorf("this is not the robot's own broker: it shows another certificate than %s", t.Certificate)
			}
			return nil
		},
	}, nil
}

// ephemeral makes a certificate for this run.
func ephemeral() (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	// A robot's clock may be years off: the dates must not matter.
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Unix(0, 0), NotAfter: time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return tls.Certificate{}, err
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, nil
}

// server returns what the listener needs; nil for an open one.
func (c *config) server() (*tls.Config, error) {
	if c.Certificate == nil {
		return nil, nil
	}
	pair, err := tls.X509KeyPair(c.Certificate, c.Key)
	if err != nil {
		return nil, err
	}
	t := &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{pair}}
	if c.CA == nil {
		return t, nil
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(c.CA)
	t.ClientCAs = pool // which a client is told, so that it can choose
	t.ClientAuth = tls.RequireAnyClientCert
	t.VerifyConnection = func(s tls.ConnectionState) error {
		if string(s.PeerCertificates[0].Raw) == string(c.OwnCertificate) {
			return nil // nobody else has its key
		}
		between := x509.NewCertPool()
		for _, one := range s.PeerCertificates[1:] {
			between.AddCert(one)
		}
		_, err := s.PeerCertificates[0].Verify(x509.VerifyOptions{Roots: pool, Intermediates: between, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}})
		return err
	}
	return t, nil
}
