package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"
	"github.com/google/uuid"
	"github.com/nats-io/nats-server/v2/server"
	"golang.org/x/crypto/bcrypt"

	"fluxd/bridge"
	"fluxd/bridge/broker"
	"fluxd/bridge/users"
)

// TestMain runs the tests, or the broker's process that they start.
func TestMain(m *testing.M) {
	if len(os.Args) == 2 && os.Args[1] == broker.Command {
		os.Exit(broker.Serve(os.Stdin, os.Stdout, os.Stderr))
	}
	os.Exit(m.Run())
}

// openBroker runs a broker in this process. Unless users restrict it, any client may publish and subscribe to everything, as at
// many external brokers.
func openBroker(t *testing.T, users ...*server.User) (url string, end func()) {
	t.Helper()
	options := &server.Options{
		ServerName: "test", DontListen: true, NoSigs: true, NoLog: true, NoSystemAccount: true,
		JetStream: true, StoreDir: t.TempDir(),
		MQTT:  server.MQTTOpts{Host: "127.0.0.1", Port: -1}, // -1: any free port
		Users: users,
	}
	s, err := server.NewServer(options)
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	end = func() { s.Shutdown(); s.WaitForShutdown() }
	t.Cleanup(end)
	if !s.ReadyForConnections(patience) {
		t.Fatal("the broker does not listen")
	}
	return fmt.Sprint("tcp://127.0.0.1:", options.MQTT.Port), end
}

// withEmbeddedBroker runs a robot with its embedded broker in another process, and returns when the broker listens.
func withEmbeddedBroker(t *testing.T, o broker.Options) *bridge.Bridge {
	t.Helper()
	if testing.Short() {
		t.Skip("it starts a broker in a process")
	}
	o.Robot, o.Listen, o.Log = "r1", "127.0.0.1:0", slog.New(slog.NewTextHandler(t.Output(), nil))
	b, err := broker.Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	conn, err := b.Dial(ctx)
	if err != nil {
		t.Fatal(err)
	}
	conn.Close()
	user, password := b.Login()
	r, err := bridge.Start(t.Context(), newRobot().parts(), bridge.Options{
		Robot: o.Robot, Broker: b.URL(), Dial: b.Dial, User: user, Password: password, Log: o.Log,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
	return r
}

// as returns a broker's URL with a user whose password is the name twice.
func as(name, url string) string {
	return strings.Replace(url, "://", "://"+name+":"+name+name+"@", 1)
}

// passwords makes a file with one user for each role. The user's name is the role, the password is the name twice. The hashes are
// the cheapest that bcrypt has.
func passwords(t *testing.T) string {
	t.Helper()
	var text strings.Builder
	for _, role := range []users.Role{users.Viewer, users.Tuner, users.Operator, users.Robot} {
		hash, err := bcrypt.GenerateFromPassword([]byte(role+role), bcrypt.MinCost)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&text, "%s:%s:%s\n", role, role, hash)
	}
	file := filepath.Join(t.TempDir(), "passwords")
	if err := os.WriteFile(file, []byte(text.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// stranger is any client of a broker.
type stranger struct {
	t *testing.T
	paho.Client
}

func newStranger(t *testing.T, url string) stranger {
	t.Helper()
	options := paho.NewClientOptions().AddBroker(url).SetClientID(uuid.NewString()).SetProtocolVersion(4)
	s := stranger{t, paho.NewClient(options.SetConnectTimeout(patience).SetKeepAlive(0))}
	s.wait(s.Connect())
	t.Cleanup(func() { s.Disconnect(50) })
	return s
}

func (s stranger) wait(token paho.Token) {
	s.t.Helper()
	if !token.WaitTimeout(patience) || token.Error() != nil {
		s.t.Fatalf("no answer of the broker: %v", token.Error())
	}
}

// retain publishes a retained message, and returns when the broker gives it to a client that subscribes: a NATS server (2.14.5)
// acknowledges a message before it enters it into its list of retained topics.
func (s stranger) retain(topic, payload string) {
	s.t.Helper()
	s.wait(s.Publish(topic, 1, true, payload))
	given := make(chan struct{}, 1)
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); {
		s.wait(s.Subscribe(topic, 0, func(_ paho.Client, m paho.Message) {
			if m.Retained() && string(m.Payload()) == payload {
				select {
				case given <- struct{}{}:
				default:
				}
			}
		}))
		select {
		case <-given:
			s.wait(s.Unsubscribe(topic))
			return
		case <-time.After(10 * time.Millisecond):
		}
	}
	s.t.Fatalf("the broker does not retain %s", topic)
}

// untilOnline runs a command line until it succeeds.
func untilOnline(t *testing.T, args ...string) (stdout string) {
	t.Helper()
	return again(t, func(code int, _ string) bool { return code == exitOK }, args...)
}
