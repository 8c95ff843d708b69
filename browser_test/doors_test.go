//go:build browser

package browser_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"fluxd/bridge/protocol"

	"github.com/chromedp/cdproto/security"
)

// certificate makes a certificate for loopback and its key, and returns their files.
func certificate(t *testing.T) (certificate, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour),
		NotAfter: time.Now().Add(24 * time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	write := func(name, kind string, content []byte) string {
		file := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: content}), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	return write("page.crt", "CERTIFICATE", der), write("page.key", "PRIVATE KEY", secret)
}

// tunes changes a parameter on the page, and compares it with what the robot has.
func (p *page) tunes(w *watcher) {
	p.t.Helper()
	p.find(motor)
	p.enter(motor, "140")
	p.awaitParameter(motor, 140)
	if got := w.parameter(motor).V; got != 140 {
		p.t.Errorf("the page shows 140, the robot has %v", got)
	}
}

// Over TLS the page does the same: what it shows comes over an encrypted WebSocket.
func TestPageOverTLS(t *testing.T) {
	at := places(t)[0]
	crt, key := certificate(t)
	at.dashboard = "tls: {certificate: '" + crt + "', key: '" + key + "'}"
	r := start(t, lightseeker(t), at)
	w := watch(t, r)
	p := open(t, r.page,
		call(security.SetIgnoreCertificateErrors, security.SetIgnoreCertificateErrorsParams{Ignore: true}))
	p.awaitOnline()
	p.awaitState("armed")
	p.awaitSpikes()
	p.tunes(w)
	p.press("header", "Disarm")
	p.awaitState("disarmed")
	if plain, err := visitor.Get("http" + strings.TrimPrefix(r.page, "https")); err == nil {
		defer plain.Body.Close()
		if plain.StatusCode == 200 {
			t.Error("the page is served without encryption too")
		}
	}
}

// At a Mosquitto that knows users, the page asks who is there, and that broker decides what they may do.
func TestLoginAtMosquitto(t *testing.T) {
	folder := t.TempDir()
	passwords, rights, secret := filepath.Join(folder, "passwords"), filepath.Join(folder, "rights"), filepath.Join(folder, "secret")
	tool := filepath.Join(filepath.Dir(*mosquitto), "mosquitto_passwd")
	if _, err := os.Stat(tool); err != nil {
		tool = "mosquitto_passwd" // Debian: the broker is in /usr/sbin, this in /usr/bin
	}
	for _, user := range []string{"robot", "ann"} {
		arguments := []string{"-b", passwords, user, password(user)}
		if user == "robot" {
			arguments = append([]string{"-c"}, arguments...)
		}
		if out, err := exec.Command(tool, arguments...).CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", tool, err, out)
		}
	}
	rules := "user robot\ntopic readwrite #\n\nuser ann\ntopic readwrite #\n"
	for file, text := range map[string]string{rights: rules, secret: password("robot") + "\n"} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	address := freeAddress(t)
	startMosquitto(t, address, "allow_anonymous false", "password_file "+passwords, "acl_file "+rights, "user root")
	r := start(t, lightseeker(t), place{name: "mosquitto", broker: "tcp://" + address,
		mqtt:        "broker: 'tcp://" + address + "', user: robot, password_file: '" + secret + "'",
		startBroker: func(t testing.TB) *mosquittoProcess { return nil }})
	w := watch(t, r, "ann", password("ann"))
	p := open(t, r.page)
	p.logIn("ann", "wrong")
	p.await("the page to refuse a wrong password", first("form.login [role=alert]")+"?.innerText")
	p.logIn("ann", password("ann"))
	p.awaitOnline()
	p.awaitState("armed")
	p.tunes(w)
	p.press("header", "Disarm")
	eventually(t, "the robot to be disarmed", func() bool { return w.safety().State == "disarmed" })
	w.ask("arm", protocol.Request{})
	p.awaitState("armed")
}
