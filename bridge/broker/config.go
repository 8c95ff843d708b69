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
	// DefaultListen is the default of Options.Listen.
	DefaultListen = "127.0.0.1:1883"
	// DefaultClients is the default of Options.Clients.
	DefaultClients = 64
)

// Options configure a broker. Only Robot is required.
type Options struct {
	Robot     string // name: its topics are flux/<name>/...
	Listen    string // host:port; empty: DefaultListen. Other hosts than loopback need Passwords or TLS.CA
	Passwords string // file of users, see package users; empty: clients do not log in, and all are operators
	TLS       TLS
	Clients   int // how many may be logged in, not counting the robot; 0: DefaultClients

	// DescriptionSize is the size of the robot's description, its largest message, in bytes. The limits follow from it.
	DescriptionSize int

	Fleet Fleet // a NATS cluster to join; zero value: none

	Program []string     // what to execute; nil: this program, with Command as its argument
	Log     *slog.Logger // nil: no log
}

// TLS names the PEM files of a listener with TLS. The zero value means one without TLS.
type TLS struct {
	Certificate string
	Key         string
	CA          string // if not empty, clients must show a certificate of this authority
}

// Fleet is a NATS cluster that the broker joins as a leaf node. The robot's messages go up, requests to it come down, and nothing
// else crosses.
type Fleet struct {
	URL      string // of the cluster's listener for leaf nodes: tls://host:7422, nats://host:7422
	User     string
	Password string
	CA       string // PEM file of the authority of its certificate; empty: the system's
}

// config is the JSON that the broker's process reads from its standard input. Its command line and environment contain no secret.
type config struct {
	Robot           string
	Address         string // host:port
	Passwords       string
	Secret          string // the password of the robot's own clients
	Clients         int
	DescriptionSize int
	Details         bool // log debug messages

	Certificate, Key, CA []byte // PEM
	Fleet                Fleet  // its CA is the text of the file
	OwnCertificate       []byte // the client certificate of the robot's own clients, DER: accepted beside those of the CA
}

// robotUser is the user name of the robot's own clients.
const robotUser = "fluxd"

// parse checks the options and reads the files that they name. It also returns the TLS configuration of the robot's own clients;
// nil without TLS.
func (o Options) parse() (config, *tls.Config, error) {
	c := config{Robot: o.Robot, Address: o.Listen, Passwords: o.Passwords, Clients: o.Clients, DescriptionSize: o.DescriptionSize,
		Details: o.Log != nil && o.Log.Enabled(context.Background(), slog.LevelDebug)}
	if c.Address == "" {
		c.Address = DefaultListen
	}
	if c.Clients == 0 {
		c.Clients = DefaultClients
	}
	host, _, err := net.SplitHostPort(c.Address)
	if err != nil {
		return c, nil, fmt.Errorf("embedded broker: listen address %q: expected host:port, such as %s: %w",
			c.Address, DefaultListen, err)
	}
	if c.Passwords != "" {
		if _, err := users.Load(c.Passwords); err != nil { // the broker's process reads it too, but cannot return an error
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
		return c, nil, fmt.Errorf("embedded broker: listen address %q can be reached from other machines, without a login: "+
			"name a file of passwords or a CA for clients, or listen on %s", c.Address, DefaultListen)
	case secured == nil && o.Log != nil:
		o.Log.Warn("passwords can be read on the network: configure a certificate (mqtt.tls)", "listen", c.Address)
	}
	return c, secured, nil
}

// isLoopback reports whether a host can be reached only from this machine. An empty host means all interfaces.
func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// secure reads the certificates, and returns the TLS configuration of the robot's own clients. They recognise the broker by its
// very certificate, whatever names it has, and show a certificate that was made for this run.
func (c *config) secure(t TLS) (*tls.Config, error) {
	switch {
	case t == TLS{}:
		return nil, nil
	case t.Certificate == "" || t.Key == "":
		return nil, fmt.Errorf("expected a certificate and its key")
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
		// Not Certificates: Go shows only those of an authority that the broker names, and ours has none.
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &own, nil },
		InsecureSkipVerify:   true, // VerifyConnection compares the certificate instead
		VerifyConnection: func(s tls.ConnectionState) error {
			if string(s.PeerCertificates[0].Raw) != string(pair.Certificate[0]) {
				return fmt.Errorf("not the robot's own broker: expected the certificate %s, got another one", t.Certificate)
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
	// The clock of a robot may be years off: the dates must not matter.
	template := &x509.Certificate{SerialNumber: big.NewInt(1),
		NotBefore: time.Unix(0, 0), NotAfter: time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return tls.Certificate{}, err
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, nil
}

// server returns the TLS configuration of the listener; nil without TLS.
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
	t.ClientCAs = pool // sent to clients, so that they can choose a certificate
	t.ClientAuth = tls.RequireAnyClientCert
	t.VerifyConnection = func(s tls.ConnectionState) error {
		if string(s.PeerCertificates[0].Raw) == string(c.OwnCertificate) {
			return nil // only the robot's own clients have its key
		}
		intermediates := x509.NewCertPool()
		for _, one := range s.PeerCertificates[1:] {
			intermediates.AddCert(one)
		}
		_, err := s.PeerCertificates[0].Verify(x509.VerifyOptions{Roots: pool, Intermediates: intermediates,
			KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}})
		return err
	}
	return t, nil
}
