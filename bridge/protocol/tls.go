package protocol

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"

	"fluxd/files"
)

// MaxPEM is the largest file of certificates, in bytes. All certificates that a system trusts are about 250 kB.
const MaxPEM = 1 << 20

// TLS names the PEM files of a client's TLS connection. The zero value means a connection without TLS.
type TLS struct {
	CA          string // authorities of the broker's certificate; empty: the system's
	Certificate string // the client's own
	Key         string // of Certificate
	ServerName  string // in the broker's certificate; empty: the host of its URL
}

// used reports whether any file or name is given.
func (t TLS) used() bool { return t != TLS{} }

func (t TLS) pool() (*x509.CertPool, error) {
	if t.CA == "" {
		return nil, nil
	}
	text, err := files.Read(t.CA, MaxPEM)
	if err != nil {
		return nil, fmt.Errorf("tls: ca: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("tls: ca: %s: expected certificates, PEM-encoded", t.CA)
	}
	return pool, nil
}

func (t TLS) own() ([]tls.Certificate, error) {
	switch {
	case t.Certificate == "" && t.Key == "":
		return nil, nil
	case t.Key == "":
		return nil, fmt.Errorf("tls: certificate %q: its key is missing", t.Certificate)
	case t.Certificate == "":
		return nil, fmt.Errorf("tls: key %q: its certificate is missing", t.Key)
	}
	certificate, err := files.Read(t.Certificate, MaxPEM)
	if err != nil {
		return nil, fmt.Errorf("tls: certificate: %w", err)
	}
	key, err := files.Read(t.Key, MaxPEM)
	if err != nil {
		return nil, fmt.Errorf("tls: key: %w", err)
	}
	pair, err := tls.X509KeyPair(certificate, key)
	if err != nil {
		return nil, fmt.Errorf("tls: certificate %q and key %q: %w", t.Certificate, t.Key, err)
	}
	return []tls.Certificate{pair}, nil
}

// Client returns the configuration of a client's TLS connection, or nil for a connection without TLS.
func (t TLS) Client() (*tls.Config, error) {
	if !t.used() {
		return nil, nil
	}
	pool, err := t.pool()
	if err != nil {
		return nil, err
	}
	own, err := t.own()
	if err != nil {
		return nil, err
	}
	return &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: pool, Certificates: own, ServerName: t.ServerName}, nil
}
