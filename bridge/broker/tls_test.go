package broker

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"

	"fluxd/bridge/protocol"
)

// certificates are files: of an authority, and of a server and a client with certificates of that authority.
type certificates struct {
	ca, serverCert, serverKey, clientCert, clientKey string
}

func makeCertificates(t *testing.T) (c certificates) {
	t.Helper()
	folder := t.TempDir()
	caKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	authority := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test CA"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, KeyUsage: x509.KeyUsageCertSign, BasicConstraintsValid: true}
	write := func(name, kind string, data []byte) string {
		file := filepath.Join(folder, name)
		if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: data}), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	issue := func(name string, template *x509.Certificate, key *ecdsa.PrivateKey) (cert, keyFile string) {
		der, err := x509.CreateCertificate(rand.Reader, template, authority, &key.PublicKey, caKey)
		if err != nil {
			t.Fatal(err)
		}
		private, err := x509.MarshalECPrivateKey(key)
		if err != nil {
			t.Fatal(err)
		}
		return write(name+".crt", "CERTIFICATE", der), write(name+".key", "EC PRIVATE KEY", private)
	}
	c.ca, _ = issue("ca", authority, caKey)
	for i, one := range []struct{ cert, key *string }{{&c.serverCert, &c.serverKey}, {&c.clientCert, &c.clientKey}} {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		leaf := &x509.Certificate{SerialNumber: big.NewInt(int64(2 + i)), Subject: pkix.Name{CommonName: "leaf"},
			NotBefore: authority.NotBefore, NotAfter: authority.NotAfter, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
			ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}}
		*one.cert, *one.key = issue(fmt.Sprint("leaf", i), leaf, key)
	}
	return c
}

// TLS and mutual TLS. Clients with wrong certificates are refused, and do no harm. The robot's own client needs no certificate of
// the authority.
func TestTLS(t *testing.T) {
	good, other := makeCertificates(t), makeCertificates(t)
	for name, mutual := range map[string]bool{"TLS": false, "mutual TLS": true} {
		o := Options{Listen: "127.0.0.1:0", TLS: TLS{Certificate: good.serverCert, Key: good.serverKey}}
		if mutual {
			o.Listen, o.TLS.CA = "0.0.0.0:0", good.ca
		}
		b := start(t, o)
		if !strings.HasPrefix(b.URL(), "ssl://127.0.0.1:") {
			t.Fatalf("%s: its URL is %s", name, b.URL())
		}
		for what, c := range map[string]struct {
			use protocol.TLS
			in  bool
		}{
			"its CA, and a certificate of that": {
				protocol.TLS{CA: good.ca, Certificate: good.clientCert, Key: good.clientKey}, true},
			"no certificate": {
				protocol.TLS{CA: good.ca}, !mutual},
			"a certificate of another CA": {
				protocol.TLS{CA: good.ca, Certificate: other.clientCert, Key: other.clientKey}, !mutual},
			"another CA for the broker": {
				protocol.TLS{CA: other.ca, Certificate: good.clientCert, Key: good.clientKey}, false},
			"another name of the broker": {
				protocol.TLS{CA: good.ca, Certificate: good.clientCert, Key: good.clientKey, ServerName: "robot.example"}, false},
		} {
			secured, err := c.use.Client()
			if err != nil {
				t.Fatal(err)
			}
			if _, err := login(t, b.URL(), "", "", secured); (err == nil) != c.in {
				t.Errorf("%s, %s: %v", name, what, err)
			}
		}
		if _, err := login(t, strings.Replace(b.URL(), "ssl:", "tcp:", 1), "", "", nil); err == nil {
			t.Errorf("%s: a connection without TLS is accepted", name)
		}
		c := own(t, b) // the robot's own client, after all that
		c.publish("flux/rt/status", 1, true, "online")
	}
}

// own connects as the robot's own client.
func own(t *testing.T, b *Broker) *client {
	t.Helper()
	user, password := b.Login()
	c := &client{t: t}
	c.Client = paho.NewClient(paho.NewClientOptions().AddBroker(b.URL()).SetClientID("own").SetProtocolVersion(4).
		SetUsername(user).SetPassword(password).
		SetCustomOpenConnectionFn(func(*url.URL, paho.ClientOptions) (net.Conn, error) { return b.Dial(t.Context()) }))
	if token := c.Connect(); !token.WaitTimeout(patience) || token.Error() != nil {
		t.Fatalf("the robot's own client: %v", token.Error())
	}
	t.Cleanup(func() { c.Disconnect(0) })
	return c
}

// The robot's own client connects only to the broker with the robot's certificate.
func TestOwnClientChecksTheBroker(t *testing.T) {
	good, other := makeCertificates(t), makeCertificates(t)
	b := start(t, Options{TLS: TLS{Certificate: good.serverCert, Key: good.serverKey}})
	stranger := start(t, Options{TLS: TLS{Certificate: other.serverCert, Key: other.serverKey}})
	b.url = stranger.url
	if conn, err := b.Dial(t.Context()); err == nil || !strings.Contains(err.Error(), "not the robot's own broker") {
		if err == nil {
			conn.Close()
		}
		t.Errorf("another broker: %v", err)
	}
}
