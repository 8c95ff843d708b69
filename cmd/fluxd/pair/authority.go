package pair

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"slices"
	"strings"
	"time"

	"fluxd/bridge/pairing"
)

const (
	// lifetime is how long a certificate is valid, in years.
	lifetime = 10
	// renewBefore is how long before its end a certificate is made again.
	renewBefore = 365 * 24 * time.Hour
)

// A robot without a battery for its clock starts in 1970, or on the day on which its system was made. Certificates are made to be
// valid nevertheless, on the robot and on a laptop with the right time.
var (
	notBefore = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)
	earliest  = time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC) // of the present: this program is not older
)

// certified is a certificate, which others may follow, and its key, PEM-encoded.
type certified struct {
	certificate, key []byte
}

// read returns the certificate and its key.
func (c certified) read() (*x509.Certificate, *ecdsa.PrivateKey, error) {
	block, _ := pem.Decode(c.certificate)
	secret, _ := pem.Decode(c.key)
	if block == nil || secret == nil {
		return nil, nil, errors.New("expected a certificate and its key, PEM-encoded")
	}
	certificate, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil, nil, err
	}
	key, err := x509.ParsePKCS8PrivateKey(secret.Bytes)
	if err != nil {
		return nil, nil, err
	}
	private, is := key.(*ecdsa.PrivateKey)
	if !is || !private.PublicKey.Equal(certificate.PublicKey) {
		return nil, nil, errors.New("the key is not that of the certificate")
	}
	return certificate, private, nil
}

// makeCertificate makes a certificate and its key. Without a parent it signs itself.
func makeCertificate(template, parent *x509.Certificate, signer *ecdsa.PrivateKey, now time.Time) (certified, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return certified{}, err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return certified{}, err
	}
	if now.Before(earliest) {
		now = earliest
	}
	template.SerialNumber, template.NotBefore, template.NotAfter = serial, notBefore, now.AddDate(lifetime, 0, 0)
	if parent == nil {
		parent, signer = template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
	if err != nil {
		return certified{}, err
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return certified{}, err
	}
	return certified{pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret})}, nil
}

// newAuthority makes the authority of a robot, which signs nothing but the robot's certificates.
func newAuthority(robot string, now time.Time) (certified, error) {
	return makeCertificate(&x509.Certificate{
		Subject:               pkix.Name{CommonName: "fluxd robot " + robot},
		IsCA:                  true,
		BasicConstraintsValid: true,
		MaxPathLenZero:        true,
		KeyUsage:              x509.KeyUsageCertSign,
	}, nil, nil, now)
}

// newServer makes the certificate of a robot's broker for names and addresses. It is followed by that of the authority, so that a
// client can see whom to trust.
func newServer(authority certified, names []string, now time.Time) (certified, error) {
	parent, signer, err := authority.read()
	if err != nil {
		return certified{}, fmt.Errorf("authority: %w", err)
	}
	template := &x509.Certificate{
		Subject:     pkix.Name{CommonName: names[0]},
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		DNSNames:    []string{pairing.ServerName},
	}
	for _, name := range names {
		if ip := net.ParseIP(name); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, name)
		}
	}
	server, err := makeCertificate(template, parent, signer, now)
	server.certificate = append(server.certificate, authority.certificate...)
	return server, err
}

// renew returns why a certificate has to be made again; "" if it need not be. It has to be if it does not fit its authority, if
// its end is near, or if it lacks a name.
func renew(server, authority certified, names []string, now time.Time) string {
	certificate, _, err := server.read()
	if err != nil {
		return "it cannot be read"
	}
	parent, _, err := authority.read()
	if err != nil || certificate.CheckSignatureFrom(parent) != nil || !bytes.Contains(server.certificate, authority.certificate) {
		return "it is of another authority"
	}
	if now.Add(renewBefore).After(certificate.NotAfter) {
		return "it ends on " + certificate.NotAfter.Format(time.DateOnly)
	}
	for _, name := range names {
		if certificate.VerifyHostname(name) != nil {
			return "it does not name " + name
		}
	}
	return ""
}

// hostNames returns the names and addresses for the certificate of a machine, and those of them at which a laptop looks for it:
// first those that stay.
func hostNames(host string, addresses []net.Addr, more []string) (names, dialled []string) {
	add := func(to *[]string, name string) {
		if name != "" && !slices.Contains(*to, name) {
			*to = append(*to, name)
		}
	}
	for _, one := range more {
		add(&dialled, one)
	}
	if short, _, _ := strings.Cut(host, "."); short != "" && short != "localhost" {
		add(&dialled, short+".local")
		if short != host {
			add(&dialled, host)
		}
		add(&names, short)
	}
	for _, one := range addresses {
		network, is := one.(*net.IPNet)
		if is && network.IP.IsGlobalUnicast() {
			add(&dialled, network.IP.String())
		}
	}
	return append(append(slices.Clone(dialled), names...), "localhost", "127.0.0.1", "::1"), dialled
}
