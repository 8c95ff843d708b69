package main

import (
	"bytes"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"io"
	"log/slog"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/nats-io/nats-server/v2/server"

	"fluxd/bridge"
	"fluxd/bridge/broker"
	"fluxd/bridge/protocol"
	"fluxd/bridge/users"
)

// When a broker refuses the connection, fluxctl prints the reason and the remedy.
func TestRefusedConnections(t *testing.T) {
	if testing.Short() {
		t.Skip("it waits in real time")
	}
	ca, key := certificate(t)
	address := func(o broker.Options) string {
		_, address, _ := strings.Cut(withEmbeddedBroker(t, o).URL(), "://")
		return address
	}
	open := address(broker.Options{})
	guarded := address(broker.Options{Passwords: passwords(t), TLS: broker.TLS{Certificate: ca, Key: key}})
	mutual := address(broker.Options{TLS: broker.TLS{Certificate: ca, Key: key, CA: ca}})
	right := as("operator", "ssl://"+guarded)
	untilOnline(t, "--broker", "tcp://"+open, "get")
	untilOnline(t, "--broker", right, "--ca", ca, "get")
	for _, test := range []struct{ name, broker, ca, says string }{
		{"no user", "ssl://" + guarded, ca, "ssl://user:password@host"},
		{"a wrong password", "ssl://operator:wrong@" + guarded, ca, "ssl://user:password@host"},
		{"an unknown authority", "ssl://operator:wrong@" + guarded, "", "--ca"},
		{"no certificate", "ssl://" + mutual, ca, "--cert"},
		{"no TLS with a broker that wants it", strings.Replace(right, "ssl:", "tcp:", 1), "", "does it speak TLS"},
		{"TLS with a broker that has none", "ssl://" + open, "", "does it speak TLS"},
	} {
		code, _, problems := fluxctl(t, "--broker", test.broker, "--ca", test.ca, "get")
		if code != exitAbsent || !strings.Contains(problems, test.says) ||
			strings.Contains(problems, "wrong") || strings.Contains(problems, "operatoroperator") {
			t.Errorf("%s: ended with %d and printed %q, want %d, something with %q, and no password",
				test.name, code, problems, exitAbsent, test.says)
		}
	}
}

// certificate writes httptest's certificate for this machine, which is its own CA, and its key.
func certificate(t *testing.T) (certificate, key string) {
	t.Helper()
	server := httptest.NewUnstartedServer(nil)
	server.StartTLS()
	defer server.Close()
	pair := server.TLS.Certificates[0]
	private, err := x509.MarshalPKCS8PrivateKey(pair.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	certificate, key = filepath.Join(t.TempDir(), "robot.crt"), filepath.Join(t.TempDir(), "robot.key")
	for name, block := range map[string]*pem.Block{
		certificate: {Type: "CERTIFICATE", Bytes: pair.Certificate[0]},
		key:         {Type: "PRIVATE KEY", Bytes: private},
	} {
		if err := os.WriteFile(name, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return certificate, key
}

// The embedded broker silently drops requests that a user may not make. fluxctl still reports the refusal, and the role that is
// needed.
func TestRoles(t *testing.T) {
	url := withEmbeddedBroker(t, broker.Options{Passwords: passwords(t)}).URL()
	untilOnline(t, "--broker", as("viewer", url), "get")
	const tuner, operator = "expected a user whose role is tuner or higher", "expected a user whose role is operator or higher"
	for _, test := range []struct {
		user, command string
		code          int
		says          string
	}{
		{"viewer", "get eye/leak", exitOK, "2.5"},
		{"viewer", "set eye/threshold=90mV", exitRefused, tuner},
		{"viewer", "reset", exitRefused, tuner},
		{"viewer", "save", exitRefused, tuner},
		{"viewer", "load", exitRefused, tuner},
		{"viewer", "reward praise 1", exitRefused, tuner},
		{"viewer", "stimulate eye", exitRefused, tuner},
		{"viewer", "arm", exitRefused, operator},
		{"viewer", "disarm", exitRefused, operator},
		{"viewer", "drive wheel 1", exitRefused, operator},
		{"tuner", "sense sonar 12cm", exitRefused, operator},
		{"tuner", "zero sonar", exitRefused, operator},
		{"tuner", "place lamp[0] 1.2 0.4", exitRefused, operator},
		{"viewer", "world", exitOK, "lamp[0]"},
		{"viewer", "network", exitOK, "eye -> motor"},
		{"viewer", "estop", exitOK, "stopped"},
		{"viewer", "get eye/threshold", exitOK, "100"}, // unchanged
		{"tuner", "set eye/threshold=90mV", exitOK, "100 mV -> 90 mV"},
		{"viewer", "get eye/threshold", exitOK, "tuner"}, // SET BY
		{"tuner", "save", exitOK, "saved"},
		{"tuner", "arm", exitRefused, operator},
		{"tuner", "disarm", exitRefused, operator},
		{"tuner", "drive wheel 1", exitRefused, operator},
		{"tuner", "estop", exitOK, "stopped"},
		{"operator", "arm", exitRefused, "stopped by mqtt: disarm first"}, // refused by the robot
		{"operator", "arm --fresh", exitRefused, "the robot is armed"},
		{"operator", "disarm", exitOK, "disarmed"},
		{"operator", "arm", exitOK, "armed"},
		{"operator", "arm --fresh", exitOK, "armed; the network has restarted"},
		{"operator", "arm --fresh --by-hand", exitUsage, "--by-hand with --fresh: expected only one of them"},
		{"operator", "place lamp[0] 1.2 0.4", exitOK, "lamp[0] at 1.2, 0.4 m"},
		{"operator", "drive wheel --for 1.5s -- -0.3", exitOK, "wheel at -0.3 for 1.5s"},
		{"operator", "set eye/threshold=80mV", exitOK, "90 mV -> 80 mV"},
		{"operator", "set eye/threshold=1000mV", exitRefused, "out of range"},
		{"robot", "get", exitAbsent, "the broker does not permit this user to read"},
	} {
		args := append([]string{"--broker", as(test.user, url)}, strings.Fields(test.command)...)
		code, out, problems := fluxctl(t, args...)
		if code != test.code || !strings.Contains(out+problems, test.says) {
			t.Errorf("%s: %s ends with %d and prints %q and %q, want %d and something with %q",
				test.user, test.command, code, out, problems, test.code, test.says)
		}
		if test.user != "viewer" || test.command != "arm" && test.command != "set eye/threshold=90mV" {
			continue
		}
		code, out, problems = fluxctl(t, append(args, "--json")...)
		var e shownError
		err := json.Unmarshal([]byte(problems), &e)
		if err != nil || code != exitRefused || out != "" || e.Exit != exitRefused ||
			e.Error.Code != protocol.Forbidden || !strings.Contains(e.Error.Message, test.says) {
			t.Errorf("%s: %s --json ends with %d and prints %q and %q: %v", test.user, test.command, code, out, problems, err)
		}
	}
}

// At a broker without passwords, every client is an operator.
func TestBrokerWithoutUsers(t *testing.T) {
	url := withEmbeddedBroker(t, broker.Options{}).URL()
	untilOnline(t, "--broker", url, "get")
	for _, c := range []struct{ command, want string }{
		{"set eye/threshold=90mV", "eye/threshold: 100 mV -> 90 mV\nrevision 1\n"},
		{"disarm", "disarmed\n"},
		{"arm", "armed\n"},
		{"estop", "stopped\n"},
	} {
		// A user name in the URL changes nothing.
		ann := []string{"--broker", strings.Replace(url, "://", "://ann:secret@", 1)}
		code, out, problems := fluxctl(t, append(ann, strings.Fields(c.command)...)...)
		if code != exitOK || out != c.want || problems != "" {
			t.Errorf("%s ends with %d and prints %q and %q", c.command, code, out, problems)
		}
	}
}

// A robot sees the name of the user who makes a request. A name that cannot be part of a topic counts as none.
func TestRobotSeesTheUser(t *testing.T) {
	url := online(t, "r1", "").URL()
	for _, c := range []struct{ user, want string }{
		{"ann", "ann"},
		{"ann%40example.org", "ann@example.org"},
		{"a%20b", "mqtt"},
		{"a%2Fb", "mqtt"},
		{"config", "mqtt"},
		{"", "mqtt"},
	} {
		broker := strings.Replace(url, "://", "://"+c.user+"@", 1)
		if code, out, problems := fluxctl(t, "--broker", broker, "set", "eye/threshold=90mV"); code != exitOK {
			t.Fatalf("%q: %d, %q, %q", c.user, code, out, problems)
		}
		_, out, _ := fluxctl(t, "--broker", url, "get", "eye/threshold")
		if fields := strings.Fields(out); len(fields) == 0 || fields[len(fields)-1] != c.want {
			t.Errorf("%q: set by the last of %q, want %q", c.user, out, c.want)
		}
	}
}

// A broker, or a bridge between two, may not forward requests with a user's name. fluxctl then also sends the request
// anonymously, and the robot handles it once.
func TestBrokerThatForwardsNoNames(t *testing.T) {
	if testing.Short() {
		t.Skip("it waits in real time")
	}
	t.Parallel()
	nameless := server.Permissions{Publish: &server.SubjectPermission{Allow: []string{"flux.r1.req.*", "fluxctl.echo"}}}
	url, _ := openBroker(t,
		&server.User{Username: "ann", Password: "annann", Permissions: &nameless},
		&server.User{Username: "robot", Password: "robotrobot"})
	b, err := bridge.Start(t.Context(), newRobot().parts(), bridge.Options{
		Robot: "r1", Broker: url, User: "robot", Password: "robotrobot", Log: slog.New(slog.NewTextHandler(t.Output(), nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	ann := []string{"--broker", strings.Replace(url, "://", "://ann:annann@", 1)}
	untilOnline(t, append(ann, "get")...)
	for _, c := range []struct{ command, says string }{
		{"set eye/threshold=90mV", "eye/threshold: 100 mV -> 90 mV\nrevision 1\n"},
		{"get eye/threshold", "mqtt"},
		{"estop", "stopped"},
		{"disarm", "disarmed"},
		{"arm", "armed"},
	} {
		code, out, problems := fluxctl(t, append(ann, strings.Fields(c.command)...)...)
		if code != exitOK || !strings.Contains(out, c.says) || problems != "" {
			t.Errorf("%s ends with %d and prints %q and %q", c.command, code, out, problems)
		}
	}
}

// passwd adds users who can log in, makes a file that only its owner can read, and says what a password must be.
func TestPasswd(t *testing.T) {
	if testing.Short() {
		t.Skip("it hashes passwords, which is slow on purpose")
	}
	file := filepath.Join(t.TempDir(), "passwords")
	passwd := func(in string, args ...string) (int, string) {
		t.Helper()
		root, problems := command(io.Discard), new(bytes.Buffer)
		root.SetArgs(append([]string{"passwd", file}, args...))
		root.SetIn(strings.NewReader(in))
		root.SetErr(problems)
		if err := root.Execute(); err != nil {
			return 1, err.Error()
		}
		return 0, problems.String()
	}
	if code, says := passwd("secret horse\n", "ann", "--role", "operator"); code != 0 {
		t.Fatal(says)
	}
	for in, want := range map[string]string{"short\n": "8 to 72 bytes", "": "8 to 72 bytes"} {
		if code, says := passwd(in, "bob"); code == 0 || !strings.Contains(says, want) {
			t.Errorf("%q: %s", in, says)
		}
	}
	says := "expected viewer, tuner, operator or robot" // before it asks for a password
	if code, got := passwd("", "bob", "--role", "king"); code == 0 || !strings.Contains(got, says) {
		t.Error(got)
	}
	if info, err := os.Stat(file); err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	if all, err := users.Load(file); err != nil {
		t.Fatal(err)
	} else if one, ok, err := all.Check("ann", "secret horse", "here"); !ok || one.Role != users.Operator || err != nil {
		t.Errorf("ann: %v as %q, %v", ok, one.Role, err)
	}
	url := withEmbeddedBroker(t, broker.Options{Passwords: file}).URL()
	untilOnline(t, "--broker", strings.Replace(url, "tcp://", "tcp://ann:secret%20horse@", 1), "get")
	if code, _, says := fluxctl(t, "--broker", url, "get"); code != exitAbsent || !strings.Contains(says, "asks for a valid user") {
		t.Errorf("without a password: %d, %s", code, says)
	}
	if code, says := passwd("", "ann", "--delete"); code != 0 {
		t.Error(says)
	}
	if code, says := passwd("", "ann", "--delete"); code == 0 || !strings.Contains(says, "no such user") {
		t.Error(says)
	}
}
