package bridge

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fluxd/bridge/protocol"
	"fmt"
	"log/slog"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"
	"golang.org/x/crypto/bcrypt"
)

// passwords makes a file with a user of each role, whose password is the name twice.
func passwords(t *testing.T) string {
	t.Helper()
	var text []byte
	for _, role := range []Role{Viewer, Tuner, Operator, RobotRole} {
		var err error
		if text, err = SetUser(text, string(role), string(role)+string(role), role); err != nil {
			t.Fatal(err)
		}
	}
	file := filepath.Join(t.TempDir(), "passwords")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func loadUsers(t *testing.T, file string) *Users {
	t.Helper()
	users, err := LoadUsers(file)
	if err != nil {
		t.Fatal(err)
	}
	return users
}

// as logs in, and returns nil when it may not.
func as(t *testing.T, url, user, password string, secured *tls.Config) *client {
	t.Helper()
	c := &client{t: t, messages: make(chan paho.Message, 100_000)}
	opts := paho.NewClientOptions().AddBroker(url).SetClientID(fmt.Sprint(user, time.Now().UnixNano())).SetProtocolVersion(4).SetUsername(user).SetPassword(password).
		SetAutoReconnect(false).SetConnectTimeout(patience)
	if secured != nil {
		opts.SetTLSConfig(secured)
	}
	c.paho = paho.NewClient(opts)
	token := c.paho.Connect()
	if !token.WaitTimeout(patience) {
		t.Fatal("no answer")
	}
	if token.Error() != nil {
		return nil
	}
	t.Cleanup(func() { c.paho.Disconnect(50) })
	c.wait(c.paho.Subscribe("#", 1, func(_ paho.Client, m paho.Message) { c.messages <- m }))
	return c
}

// A flood of logins waits for its turn up to a number, for each address and in all; who comes then is turned away, and later logins go on. Who was
// let in before does not wait.
func TestAFloodOfLoginsIsBounded(t *testing.T) {
	users := loadUsers(t, passwords(t))
	for name := range users.all {
		quick, err := bcrypt.GenerateFromPassword([]byte(name+name), bcrypt.MinCost)
		if err != nil {
			t.Fatal(err)
		}
		users.all[name] = user{Role(name), quick}
	}
	if who, ok, err := users.check("operator", "operatoroperator", "desk"); !ok || who.role != Operator || err != nil {
		t.Fatalf("before the flood: %v %v %v", who.role, ok, err)
	}
	users.turn <- struct{}{} // as if somebody were being checked
	answers := make(chan bool, 1000)
	flood := func(number int, from string) {
		for range number {
			go func() { _, ok, _ := users.check("viewer", "wrong", from); answers <- ok }()
		}
	}
	turnedAway := func(number int) {
		t.Helper()
		for range number {
			if <-answers {
				t.Fatal("a wrong password is accepted")
			}
		}
	}
	flood(100, "here")
	turnedAway(100 - mostWaitingHere) // the others wait
	if who, ok, err := users.check("viewer", "viewerviewer", "here"); ok || who.role != "" || err != nil {
		t.Errorf("where they wait: %v %v %v", who.role, ok, err)
	}
	for i := range 100 {
		flood(1, fmt.Sprint("there ", i))
	}
	turnedAway(100 - (mostWaiting - mostWaitingHere))
	if who, ok, err := users.check("viewer", "viewerviewer", "elsewhere"); ok || who.role != "" || err != nil {
		t.Errorf("while they wait: %v %v %v", who.role, ok, err)
	}
	if who, ok, err := users.check("operator", "operatoroperator", "here"); !ok || who.role != Operator || err != nil {
		t.Errorf("who was let in before: %v %v %v", who.role, ok, err)
	}
	<-users.turn
	turnedAway(mostWaiting)
	if who, ok, err := users.check("viewer", "viewerviewer", "here"); !ok || who.role != Viewer || err != nil {
		t.Errorf("after the flood: %v %v %v", who.role, ok, err)
	}
	// A class that comes at once, all with the same right password, is let in.
	users.proven = map[string][]byte{}
	for range mostWaitingHere {
		go func() { _, ok, _ := users.check("tuner", "tunertuner", "class"); answers <- ok }()
	}
	for range mostWaitingHere {
		if !<-answers {
			t.Error("a right password is refused")
		}
	}
	if len(users.waiting) != 0 || users.total != 0 {
		t.Errorf("%v are said to wait", users.waiting)
	}
}

func TestWhoMayLogIn(t *testing.T) {
	file := passwords(t)
	var log journal
	b := startBridge(t, newFakeRobot(), Options{Broker: Embedded, Listen: "0.0.0.0:0", Users: loadUsers(t, file), Log: slog.New(slog.NewTextHandler(&log, nil))})
	for _, c := range []struct {
		user, password string
		good           bool
	}{{"viewer", "viewerviewer", true}, {"viewer", "wrong", false}, {"stranger", "nobody", false}, {"", "", false}, {ownName, "", false}, {ownName, "guess", false}} {
		if got := as(t, b.URL(), c.user, c.password, nil) != nil; got != c.good {
			t.Errorf("%q with %q: let in is %v", c.user, c.password, got)
		}
	}
	if log.count("can be read on the network") != 1 {
		t.Errorf("no warning that passwords are open: %s", log.String())
	}
	if log.count("a login failed") == 0 || log.count("wrong") > 0 || log.count("guess") > 0 {
		t.Errorf("failed logins in the log: %s", log.String())
	}
	// The file is read again when it has changed; one with a mistake changes nothing.
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if text, err = SetUser(text, "late", "latecomer", Viewer); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	if as(t, b.URL(), "late", "latecomer", nil) == nil {
		t.Error("a new user is not let in")
	}
	if err := os.WriteFile(file, []byte("late:king:x\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if as(t, b.URL(), "late", "latecomer", nil) == nil {
		t.Error("a mistake in the file throws out who was there")
	}
	if log.count("expected viewer, tuner, operator or robot") != 1 {
		t.Errorf("the mistake is not told: %s", log.String())
	}
}

// What each role may do, and the answer to what it may not.
// Who is taken out of the file, or gets another role, has to log in again.
func TestAChangedUserIsSentAway(t *testing.T) {
	file := passwords(t)
	b := startBridge(t, newFakeRobot(), Options{Users: loadUsers(t, file)})
	all := map[string]*client{}
	for _, name := range []string{"viewer", "tuner", "operator"} {
		if all[name] = as(t, b.URL(), name, name+name, nil); all[name] == nil {
			t.Fatalf("%s may not log in", name)
		}
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if text, err = DeleteUser(text, "operator"); err != nil {
		t.Fatal(err)
	}
	if text, err = SetUser(text, "tuner", "tunertuner", Viewer); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(patience); all["tuner"].paho.IsConnectionOpen() || all["operator"].paho.IsConnectionOpen(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("they are still there")
		}
	}
	if !all["viewer"].paho.IsConnectionOpen() {
		t.Error("who was not changed is sent away")
	}
	if as(t, b.URL(), "operator", "operatoroperator", nil) != nil {
		t.Error("who was taken out may log in again")
	}
	demoted := as(t, b.URL(), "tuner", "tunertuner", nil)
	if r := demoted.ask("set", setting("s1", map[string]float64{"a": 5})); r.Error == nil || r.Error.Code != protocol.Forbidden {
		t.Errorf("who is a viewer now sets: %+v", r)
	}
}

func TestRoles(t *testing.T) {
	robot := newFakeRobot()
	b := startBridge(t, robot, Options{Broker: Embedded, Listen: "127.0.0.1:0", Users: loadUsers(t, passwords(t))})
	clients := map[Role]*client{}
	for _, role := range []Role{Viewer, Tuner, Operator, RobotRole} {
		clients[role] = as(t, b.URL(), string(role), string(role+role), nil)
		clients[role].online()
	}
	for _, c := range []struct {
		verb  string
		least Role
	}{{"get", Viewer}, {"estop", Viewer}, {"set", Tuner}, {"reset", Tuner}, {"save", Tuner}, {"load", Tuner}, {"reward", Tuner}, {"stimulate", Tuner}, {"watch", Viewer},
		{"arm", Operator}, {"disarm", Operator}, {"dance", Operator}} {
		for _, role := range []Role{Viewer, Tuner, Operator, RobotRole} {
			want, _ := role.may(c.verb)
			r := fresh(c.verb + " as " + string(role))
			answer := clients[role].ask(c.verb, r)
			forbidden := answer.Error != nil && answer.Error.Code == protocol.Forbidden
			if forbidden == want {
				t.Errorf("%s as %s: %+v", c.verb, role, answer.Error)
			}
			if forbidden && !strings.Contains(answer.Error.Message, "needs "+string(c.least)) {
				t.Errorf("%s as %s: %s", c.verb, role, answer.Error.Message)
			}
		}
	}
}

// Nobody but the robot says what the robot says, by whatever way of writing the topic; and no client is cut off for trying.
func TestNobodySpeaksForTheRobot(t *testing.T) {
	for name, users := range map[string]*Users{"without passwords": nil, "with passwords": loadUsers(t, passwords(t))} {
		b := startBridge(t, newFakeRobot(), Options{Broker: Embedded, Listen: "127.0.0.1:0", Users: users})
		forger := as(t, b.URL(), "operator", "operatoroperator", nil)
		forger.online()
		for _, topic := range []string{"flux/fake/status", "flux/fake/param/a", "flux/fake/res/set", "flux/fake/tele/health", "flux/fake/describe", "flux/fake/event/error",
			"flux/fake/spikes", "flux/fake/req/set/more", "flux/fake", "flux/fake/", "homeassistant/device/fake/config", "$SYS/broker/version", "elsewhere"} {
			forger.wait(forger.paho.Publish(topic, 0, true, "forged"))
		}
		if r := forger.ask("get", fresh(name)); r.Error != nil {
			t.Fatalf("%s: after all that: %v", name, r.Error)
		}
		fresh := as(t, b.URL(), "operator", "operatoroperator", nil)
		fresh.online() // after everything retained
		for {
			select {
			case m := <-fresh.messages:
				if string(m.Payload()) == "forged" {
					t.Errorf("%s: %s was written", name, m.Topic())
				}
				continue
			default:
			}
			break
		}
	}
}

// Another robot that shares the broker writes its own topics alone.
func TestAnotherRobotAtTheBroker(t *testing.T) {
	text, err := SetUser(nil, "second", "secondsecond", RobotRole)
	if err != nil {
		t.Fatal(err)
	}
	if text, err = SetUser(text, "viewer", "viewerviewer", Viewer); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "passwords")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	b := startBridge(t, newFakeRobot(), Options{Broker: Embedded, Listen: "127.0.0.1:0", Users: loadUsers(t, file)})
	startBridge(t, newFakeRobot(), Options{Robot: "second", Broker: b.URL(), User: "second", Password: "secondsecond"})
	c := as(t, b.URL(), "viewer", "viewerviewer", nil)
	next(c, protocol.Topics("second").Status(), func(s protocol.Status) bool { return s.State == protocol.Online })
}

// A client that floods the broker is slowed down, and another's requests are still answered.
func TestAFloodIsDropped(t *testing.T) {
	var log journal
	b := startBridge(t, newFakeRobot(), Options{Log: slog.New(slog.NewTextHandler(&log, nil))})
	flood := as(t, b.URL(), "", "", nil)
	for range 3 * publishBurst {
		flood.paho.Publish("flux/other/tele/noise", 0, false, "x")
	}
	flood.wait(flood.paho.Publish("flux/other/tele/noise", 1, false, "x"))
	c := dial(t, b.URL())
	c.online()
	if r := c.ask("get", fresh("calm")); r.Error != nil {
		t.Error(r.Error)
	}
	if log.count("publishes too fast") != 1 {
		t.Errorf("the flood is told %d times, want once", log.count("publishes too fast"))
	}
	// An emergency stop passes all the same.
	if r := flood.ask("estop", fresh("stop")); r.Error != nil {
		t.Error(r.Error)
	}
}

func TestTooManyClients(t *testing.T) {
	b := startBridge(t, newFakeRobot(), Options{Clients: 2})
	dial(t, b.URL()).online()
	second := as(t, b.URL(), "", "", nil)
	if as(t, b.URL(), "", "", nil) != nil {
		t.Error("a third client is let in")
	}
	if second == nil {
		t.Fatal("the second client is not let in: the robot's own counts for none")
	}
}

// certificates are of an authority: a server's and a client's.
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
	authority := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test CA"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
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
		*one.cert, *one.key = issue(fmt.Sprint("leaf", i), &x509.Certificate{SerialNumber: big.NewInt(int64(2 + i)), Subject: pkix.Name{CommonName: "leaf"},
			NotBefore: authority.NotBefore, NotAfter: authority.NotAfter, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
			ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}}, key)
	}
	return c
}

func (t protocol.TLS) client(tt *testing.T) *tls.Config {
	tt.Helper()
	c, err := t.Client()
	if err != nil {
		tt.Fatal(err)
	}
	return c
}

// TLS and mutual TLS at the embedded broker, for clients and for another robot; wrong certificates are not let in, and do no harm.
func TestTLS(t *testing.T) {
	good, other := makeCertificates(t), makeCertificates(t)
	b := startBridge(t, newFakeRobot(), Options{Broker: Embedded, Listen: "0.0.0.0:0", TLS: protocol.TLS{CA: good.ca, Certificate: good.serverCert, Key: good.serverKey}})
	if !strings.HasPrefix(b.URL(), "ssl://127.0.0.1:") {
		t.Fatalf("it is at %s", b.URL())
	}
	for name, c := range map[string]struct {
		use protocol.TLS
		in  bool
	}{
		"its own CA and a certificate of it": {protocol.TLS{CA: good.ca, Certificate: good.clientCert, Key: good.clientKey}, true},
		"no certificate":                     {protocol.TLS{CA: good.ca}, false},
		"a certificate of another CA":        {protocol.TLS{CA: good.ca, Certificate: other.clientCert, Key: other.clientKey}, false},
		"another CA for the broker":          {protocol.TLS{CA: other.ca, Certificate: good.clientCert, Key: good.clientKey}, false},
		"another name of the broker":         {protocol.TLS{CA: good.ca, Certificate: good.clientCert, Key: good.clientKey, ServerName: "robot.example"}, false},
	} {
		if in := as(t, b.URL(), "", "", c.use.client(t)) != nil; in != c.in {
			t.Errorf("%s: let in is %v", name, in)
		}
	}
	if as(t, strings.Replace(b.URL(), "ssl:", "tcp:", 1), "", "", nil) != nil {
		t.Error("an open connection is let in")
	}
	startBridge(t, newFakeRobot(), Options{Robot: "second", Broker: b.URL(), TLS: protocol.TLS{CA: good.ca, Certificate: good.clientCert, Key: good.clientKey}})
	c := as(t, b.URL(), "", "", protocol.TLS{CA: good.ca, Certificate: good.clientCert, Key: good.clientKey}.client(t))
	next(c, protocol.Topics("second").Status(), func(s protocol.Status) bool { return s.State == protocol.Online })
}

func TestSecurityThatCannotBe(t *testing.T) {
	good := makeCertificates(t)
	text := filepath.Join(t.TempDir(), "text")
	if err := os.WriteFile(text, []byte("no certificate"), 0o600); err != nil {
		t.Fatal(err)
	}
	for says, opts := range map[string]Options{
		"needs a certificate and its key": {TLS: protocol.TLS{CA: good.ca}},
		"expected certificates, PEM":      {TLS: protocol.TLS{CA: text, Certificate: good.serverCert, Key: good.serverKey}},
		"no such file":                    {TLS: protocol.TLS{Certificate: "missing.crt", Key: "missing.key"}},
		"name a file of passwords":        {Listen: ":0", TLS: protocol.TLS{Certificate: good.serverCert, Key: good.serverKey}},
	} {
		opts.Robot, opts.Broker = "fake", Embedded
		if opts.Listen == "" {
			opts.Listen = "127.0.0.1:0"
		}
		b, err := Start(t.Context(), newFakeRobot(), opts)
		if err == nil {
			b.Close()
		}
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%+v: %v, want %q", opts.TLS, err, says)
		}
	}
}

func TestPasswordFiles(t *testing.T) {
	for text, want := range map[string]string{
		"":                   "nobody could log in",
		"# nobody yet\n\n":   "nobody could log in",
		"me\n":               "passwords:1: expected name:role:bcrypt hash",
		"# a\nme:king:x\n":   `passwords:2: role "king": expected viewer, tuner, operator or robot`,
		"me:viewer:secret\n": "passwords:1: the third part is no bcrypt hash",
	} {
		if _, err := parseUsers("passwords", []byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		} else if strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: the error shows it: %v", text, err)
		}
	}
	text, err := SetUser([]byte("# who may\n"), "me", "correct horse", Tuner)
	if err != nil {
		t.Fatal(err)
	}
	if text, err = SetUser(text, "you", "battery staple", Viewer); err != nil {
		t.Fatal(err)
	}
	if text, err = SetUser(text, "me", "another one", Operator); err != nil { // in its place
		t.Fatal(err)
	}
	all, err := parseUsers("passwords", text)
	if err != nil || len(all) != 2 || all["me"].role != Operator || !strings.HasPrefix(string(text), "# who may\nme:operator:") {
		t.Errorf("%v, %v:\n%s", all, err, text)
	}
	if text, err = DeleteUser(text, "me"); err != nil || strings.Contains(string(text), "me:") {
		t.Errorf("%v:\n%s", err, text)
	}
	if _, err = DeleteUser(text, "me"); err == nil {
		t.Error("somebody who is not there is deleted")
	}
	for _, c := range []struct{ name, password string }{{"", "12345678"}, {"a:b", "12345678"}, {"a b", "12345678"}, {"me", "short"}, {"me", strings.Repeat("long", 20)}} {
		if _, err := SetUser(nil, c.name, c.password, Viewer); err == nil || strings.Contains(err.Error(), c.password) {
			t.Errorf("%q with %q: %v", c.name, c.password, err)
		}
	}
}
