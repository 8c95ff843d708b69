package broker

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"

	"fluxd/bridge/users"
)

// patience bounds every wait. It is how long a broken test takes to fail.
const patience = 2 * time.Minute

// parent is the argument with which this program starts a broker and then waits.
const parent = "parent-of-a-broker"

// TestMain runs the tests, or a process that they start.
func TestMain(m *testing.M) {
	if len(os.Args) == 2 {
		switch os.Args[1] {
		case Command:
			os.Exit(Serve(os.Stdin, os.Stdout, os.Stderr))
		case parent:
			b, err := Start(context.Background(), Options{Robot: "rt", Listen: "127.0.0.1:0"})
			if err != nil {
				panic(err)
			}
			conn, err := b.Dial(context.Background())
			if err != nil {
				panic(err)
			}
			conn.Close()
			fmt.Println(b.Process())
			select {}
		}
	}
	os.Exit(m.Run())
}

// log is a log that a test can read.
type log struct {
	mutex sync.Mutex
	text  strings.Builder
}

func (l *log) Write(p []byte) (int, error) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	return l.text.Write(p)
}

func (l *log) String() string {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	return l.text.String()
}

func (l *log) logger() *slog.Logger { return slog.New(slog.NewTextHandler(l, nil)) }

// start starts a broker of the robot "rt" on a free port, unless the options say otherwise.
func start(t *testing.T, o Options) *Broker {
	t.Helper()
	if testing.Short() {
		t.Skip("it starts a process")
	}
	if o.Robot == "" {
		o.Robot = "rt"
	}
	if o.Listen == "" {
		o.Listen = "127.0.0.1:0"
	}
	b, err := Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	up(t, b)
	return b
}

// up waits until a broker listens.
func up(t *testing.T, b *Broker) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for {
		conn, err := b.Dial(ctx)
		if err == nil {
			conn.Close()
			return
		}
		if ctx.Err() != nil {
			t.Fatal(err)
		}
	}
}

// eventually polls until a condition holds.
func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !condition(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

// client is a client that is logged in.
type client struct {
	paho.Client
	t        *testing.T
	messages chan paho.Message
}

var clients atomic.Int64

// login logs in, or returns the error of a broker that refuses it.
func login(t *testing.T, url, user, password string, secured *tls.Config) (*client, error) {
	t.Helper()
	c := &client{t: t, messages: make(chan paho.Message, 10_000)}
	c.Client = paho.NewClient(paho.NewClientOptions().AddBroker(url).SetClientID(fmt.Sprint("test-", clients.Add(1))).
		SetProtocolVersion(4).SetUsername(user).SetPassword(password).SetTLSConfig(secured).
		SetAutoReconnect(false).SetConnectTimeout(patience).SetKeepAlive(0).
		SetDefaultPublishHandler(func(_ paho.Client, m paho.Message) { c.messages <- m }))
	token := c.Connect()
	if !token.WaitTimeout(patience) {
		t.Fatal("no answer")
	}
	if token.Error() == nil {
		t.Cleanup(func() { c.Disconnect(0) })
	}
	return c, token.Error()
}

// as logs in as one of the users of the password file, or as the robot.
func as(t *testing.T, b *Broker, who string) *client {
	t.Helper()
	user, password := who, who+who
	if who == "rt" {
		user, password = b.Login()
	}
	c, err := login(t, b.URL(), user, password, nil)
	if err != nil {
		t.Fatalf("%s: %v", who, err)
	}
	return c
}

// subscribe reports whether the broker grants a subscription.
func (c *client) subscribe(filter string, qos byte) bool {
	c.t.Helper()
	token := c.Client.Subscribe(filter, qos, nil)
	if !token.WaitTimeout(patience) {
		c.t.Fatalf("%s: no answer", filter)
	}
	for _, granted := range token.(*paho.SubscribeToken).Result() { // under a shorter name for $share
		return token.Error() == nil && granted <= 2
	}
	return false
}

// publish publishes a message; with QoS 1 and 2 it waits until the broker has acknowledged it.
func (c *client) publish(topic string, qos byte, retain bool, payload string) {
	c.t.Helper()
	if token := c.Client.Publish(topic, qos, retain, payload); !token.WaitTimeout(patience) || token.Error() != nil {
		c.t.Fatalf("%s: %v", topic, token.Error())
	}
}

// next waits for a message with a payload, and returns those that came before.
func (c *client) next(payload string) (before []paho.Message, one paho.Message) {
	c.t.Helper()
	deadline := time.After(patience)
	for {
		select {
		case m := <-c.messages:
			if string(m.Payload()) == payload {
				return before, m
			}
			before = append(before, m)
		case <-deadline:
			c.t.Fatalf("no message %q; there were %d others", payload, len(before))
		}
	}
}

// nextRetained subscribes until the broker gives it a retained message with a payload. The server (2.14.5) acknowledges a message
// before it enters it into its list of retained topics, and gives nothing to a client that subscribes in between.
func (c *client) nextRetained(filter string, qos byte, payload string) paho.Message {
	c.t.Helper()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); {
		if !c.subscribe(filter, qos) {
			c.t.Fatalf("%s: not granted", filter)
		}
		for again := time.After(100 * time.Millisecond); again != nil; {
			select {
			case m := <-c.messages:
				if m.Retained() && string(m.Payload()) == payload {
					return m
				}
			case <-again:
				again = nil
			}
		}
	}
	c.t.Fatalf("%q is not retained", payload)
	return nil
}

// passwords makes a file with a user of each role, whose password is the name twice. The user of role robot is "second".
func passwords(t *testing.T) string {
	t.Helper()
	var text []byte
	roles := map[string]users.Role{
		"viewer": users.Viewer, "tuner": users.Tuner, "operator": users.Operator, "second": users.Robot}
	for name, role := range roles {
		var err error
		if text, err = users.Set(text, name, name+name, role); err != nil {
			t.Fatal(err)
		}
	}
	file := filepath.Join(t.TempDir(), "passwords")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}
