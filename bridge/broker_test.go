package bridge_test

import (
	"fmt"
	"io"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/eclipse/paho.mqtt.golang/packets"
	"github.com/nats-io/nats-server/v2/server"
)

// testBroker is an external broker. It keeps nothing when it ends.
type testBroker struct {
	url    string
	server *server.Server
}

// startTestBroker runs a broker without logins. Port 0 means a free port.
func startTestBroker(t testing.TB, listen string) *testBroker {
	t.Helper()
	host, port, err := net.SplitHostPort(listen)
	if err != nil {
		t.Fatal(err)
	}
	number, err := strconv.Atoi(port)
	if err != nil {
		t.Fatal(err)
	}
	return runTestBroker(t, server.MQTTOpts{Host: host, Port: number})
}

// runTestBroker runs a broker with more options. With users, only they can log in.
func runTestBroker(t testing.TB, mqtt server.MQTTOpts, users ...*server.User) *testBroker {
	t.Helper()
	b, err := openBroker(t.TempDir(), mqtt, users...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.close)
	return b
}

// openBroker runs a broker that stores its files in a folder.
func openBroker(folder string, mqtt server.MQTTOpts, users ...*server.User) (*testBroker, error) {
	if mqtt.Port == 0 { // which means no MQTT to the server
		mqtt.Port = -1
	}
	// Unacknowledged messages over this number come half a minute late. Retained messages count, too. The server allows 65,535 for
	// all subscriptions of a client together.
	mqtt.MaxAckPending = 4096
	opts := &server.Options{ServerName: "test", DontListen: true, NoSigs: true, NoLog: true,
		JetStream: true, StoreDir: folder, MaxPayload: 10 << 20, MQTT: mqtt, Users: users}
	s, err := server.NewServer(opts)
	if err != nil {
		return nil, err
	}
	s.Start()
	b := &testBroker{server: s}
	if !s.ReadyForConnections(patience) {
		b.close()
		return nil, fmt.Errorf("the broker does not listen on %s:%d", mqtt.Host, mqtt.Port)
	}
	scheme := "tcp"
	if mqtt.TLSConfig != nil {
		scheme = "ssl"
	}
	port := opts.MQTT.Port // the server has set it
	b.url = fmt.Sprintf("%s://%s", scheme, net.JoinHostPort(mqtt.Host, strconv.Itoa(port)))
	return b, nil
}

// close ends the broker and every connection to it. Another can start at its address.
func (b *testBroker) close() {
	b.server.Shutdown()
	b.server.WaitForShutdown()
}

// address is where the broker listens.
func (b *testBroker) address() string { return strings.TrimPrefix(b.url, "tcp://") }

// cut closes the robots' connections, as a broken network does, and returns how many there were.
func (b *testBroker) cut(t *testing.T) (number int) {
	t.Helper()
	all := b.robots(t)
	for _, id := range all {
		_ = b.server.DisconnectClientByID(id) // it may have ended by itself
	}
	return len(all)
}

// robots returns the robots' connections, in order.
func (b *testBroker) robots(t *testing.T) (ids []uint64) {
	t.Helper()
	all, err := b.server.Connz(&server.ConnzOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range all.Conns {
		if strings.HasPrefix(c.MQTTClient, "fluxd-") {
			ids = append(ids, c.Cid)
		}
	}
	slices.Sort(ids)
	return ids
}

// freeAddress returns an address on which nothing listens.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// wire is a client that sends arbitrary packets.
type wire struct {
	t    *testing.T
	conn net.Conn
}

// dialWireAs logs in with a packet that with may change.
func dialWireAs(t *testing.T, url string, with func(*packets.ConnectPacket)) wire {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(url, "tcp://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	w := wire{t, conn}
	hello := packets.NewControlPacket(packets.Connect).(*packets.ConnectPacket)
	hello.ProtocolName, hello.ProtocolVersion, hello.CleanSession = "MQTT", 4, true
	hello.ClientIdentifier, hello.Keepalive = "wire", 60
	with(hello)
	w.send(hello)
	if answer, ok := w.receive().(*packets.ConnackPacket); !ok || answer.ReturnCode != packets.Accepted {
		t.Fatalf("not logged in: %v", answer)
	}
	return w
}

func (w wire) send(p packets.ControlPacket) {
	w.t.Helper()
	if err := p.Write(w.conn); err != nil {
		w.t.Fatal(err)
	}
}

func (w wire) receive() packets.ControlPacket {
	w.t.Helper()
	_ = w.conn.SetReadDeadline(time.Now().Add(patience))
	p, err := packets.ReadPacket(w.conn)
	if err != nil {
		w.t.Fatal(err)
	}
	return p
}

// stalledBroker accepts connections and logs in clients, but reads nothing after that.
func stalledBroker(t *testing.T) (url string, connected <-chan struct{}) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	welcome := make(chan struct{}, 100)
	var mu sync.Mutex
	var open []net.Conn
	t.Cleanup(func() {
		l.Close()
		mu.Lock()
		defer mu.Unlock()
		for _, c := range open {
			c.Close()
		}
	})
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			open = append(open, conn)
			mu.Unlock()
			if _, err := io.ReadFull(conn, make([]byte, 2)); err != nil { // the start of CONNECT
				continue
			}
			if _, err := conn.Write([]byte{0x20, 2, 0, 0}); err == nil { // CONNACK, accepted
				welcome <- struct{}{}
			}
		}
	}()
	return "tcp://" + l.Addr().String(), welcome
}

// logBuffer is a log that a test can read.
type logBuffer struct {
	mu   sync.Mutex
	text strings.Builder
}

func (j *logBuffer) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(p)
}

func (j *logBuffer) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.String()
}

func (j *logBuffer) count(what string) int {
	return strings.Count(j.String(), what)
}
