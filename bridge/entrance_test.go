package bridge

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"

	"pgregory.net/rapid"
)

// However a stream is cut into pieces, each packet's length is seen, and nothing else.
func TestPacketsAreFollowed(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var stream []byte
		longest, controls := int64(0), 0
		for range rapid.IntRange(1, 8).Draw(t, "packets") {
			length := rapid.OneOf(rapid.IntRange(0, 3), rapid.IntRange(100, 200), rapid.IntRange(16_300, 16_500)).Draw(t, "length")
			kind := rapid.SampledFrom([]byte{0x30, 0x3d, 0x40, 0x62, 0x82, 0xa2, 0xc0}).Draw(t, "kind")
			if kind >= 0x80 { // subscribe, unsubscribe, ping
				controls++
			}
			stream = binary.AppendUvarint(append(stream, kind), uint64(length)) // the same as MQTT's, up to four bytes
			stream = append(stream, make([]byte, length)...)
			longest = max(longest, int64(length))
		}
		var f framing
		seen, counted := int64(0), 0
		for len(stream) > 0 {
			n := min(len(stream), rapid.OneOf(rapid.Just(1), rapid.IntRange(1, 5000)).Draw(t, "piece"))
			length, more := f.follow(stream[:n])
			seen, counted = max(seen, length), counted+more
			stream = stream[n:]
		}
		if seen != longest || counted != controls || f != (framing{}) {
			t.Fatalf("saw %d and %d, want %d and %d; rest %+v", seen, counted, longest, controls, f)
		}
	})
}

// silent dials a broker and says nothing.
func silent(t *testing.T, url string) net.Conn {
	t.Helper()
	_, address, _ := strings.Cut(url, "://")
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

// hungUp waits for the other side to end a connection.
func hungUp(t *testing.T, conn net.Conn) {
	t.Helper()
	if err := conn.SetReadDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadAll(conn); errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatal("the connection is kept")
	}
}

// Connections that say nothing take neither the files of the robot nor the place of those who log in.
func TestStrangersAreFew(t *testing.T) {
	b := startBridge(t, newFakeRobot(), Options{})
	first := dial(t, b.URL())
	first.online()
	var all []net.Conn
	for range mostStrangers + 20 {
		all = append(all, silent(t, b.URL()))
	}
	for _, conn := range all[:20] {
		hungUp(t, conn)
	}
	c := dial(t, b.URL())
	c.online()
	if r := c.ask("get", fresh("among strangers")); r.Error != nil {
		t.Error(r.Error)
	}
	if r := first.ask("get", fresh("older than they")); r.Error != nil {
		t.Error(r.Error)
	}
}

func TestStrangersAreTurnedOut(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	e := newEntrance(l, acceptEvery, func(err error) { t.Error(err) })
	e.patience = 10 * time.Millisecond
	defer e.Close()
	silent(t, "tcp://"+l.Addr().String())
	conn, err := e.Accept()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("a stranger is listened to until %v", err)
	}
	conn.Close()
	if len(e.strangers) != 0 {
		t.Errorf("%d strangers are left", len(e.strangers))
	}
}

// Nobody reserves memory for a packet of 16 MB that somebody without a password, or without the need, announces.
func TestLongPackets(t *testing.T) {
	b := startBridge(t, newFakeRobot(), Options{Users: loadUsers(t, passwords(t))})
	stranger := silent(t, b.URL())
	if _, err := stranger.Write([]byte("\x10\xfe\xff\xff\x07")); err != nil {
		t.Fatal(err)
	}
	hungUp(t, stranger)

	large := strings.Repeat(" ", 2*guestPacket)
	robot := as(t, b.URL(), string(RobotRole), "robotrobot", nil)
	robot.wait(robot.paho.Publish("flux/robot/describe", 1, false, large))
	if m := robot.payload("flux/robot/describe"); len(m) != len(large) {
		t.Errorf("of a robot's description %d bytes come, want %d", len(m), len(large))
	}
	operator := as(t, b.URL(), string(Operator), "operatoroperator", nil)
	operator.paho.Publish("flux/test/req/get", 1, false, large)
	for deadline := time.Now().Add(patience); operator.paho.IsConnectionOpen(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the connection is kept")
		}
	}
	robot.wait(robot.paho.Publish("flux/robot/event/info", 1, false, "the others stay"))
}

// faulty is a listener without a file left, for a while.
type faulty struct {
	net.Listener
	errors []error
}

func (f *faulty) Accept() (net.Conn, error) {
	if len(f.errors) > 0 {
		err := f.errors[0]
		f.errors = f.errors[1:]
		return nil, err
	}
	return f.Listener.Accept()
}

func TestAnErrorIsNotTheEndOfTheBroker(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var log journal
	logger := slog.New(slog.NewTextHandler(&log, nil))
	e := newEntrance(&faulty{l, []error{syscall.EMFILE, syscall.ECONNABORTED}}, acceptEvery, func(err error) { logger.Warn("cannot take a connection", "error", err) })
	silent(t, "tcp://"+l.Addr().String())
	conn, err := e.Accept()
	if err != nil || log.count("too many open files") != 1 {
		t.Fatalf("%v; told %d times, want once", err, log.count("too many open files"))
	}
	conn.Close()
	e.Close()
	if _, err := e.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("the end of the listener: %v", err)
	}
}

// Whoever goes is forgotten, whatever it asked for: sessions that last would take the robot's memory one by one.
func TestNoSessionOutlastsItsConnection(t *testing.T) {
	b := startBridge(t, newFakeRobot(), Options{})
	dial(t, b.URL()).online()
	for i := range 20 {
		c := paho.NewClient(paho.NewClientOptions().AddBroker(b.URL()).SetClientID(fmt.Sprint("guest", i%10)).SetCleanSession(false))
		if token := c.Connect(); !token.WaitTimeout(patience) || token.Error() != nil || token.(*paho.ConnectToken).SessionPresent() {
			t.Fatalf("%v, session present %v", token.Error(), token.(*paho.ConnectToken).SessionPresent())
		}
		if token := c.Subscribe("#", 1, nil); !token.WaitTimeout(patience) || token.Error() != nil {
			t.Fatal(token.Error())
		}
		c.Disconnect(50)
		for deadline := time.Now().Add(patience); b.broker.server.Clients.Len() > 2; time.Sleep(time.Millisecond) { // the robot's and the first
			if time.Now().After(deadline) {
				t.Fatalf("%d clients are remembered", b.broker.server.Clients.Len())
			}
		}
	}
}

func TestSubscriptionsAreBounded(t *testing.T) {
	b := startBridge(t, newFakeRobot(), Options{})
	c := dial(t, b.URL())
	c.online()
	granted := func(filters map[string]byte) (n int) {
		token := c.paho.SubscribeMultiple(filters, nil)
		if !token.WaitTimeout(patience) {
			t.Fatal("no answer")
		}
		for _, qos := range token.(*paho.SubscribeToken).Result() {
			if qos <= 2 {
				n++
			}
		}
		return n
	}
	if n := granted(map[string]byte{strings.Repeat("a/", mostLevels) + "a": 0, "a/b": 0}); n != 1 {
		t.Errorf("%d are granted, want all but the deep one", n)
	}
	all := 2 // and that of everything
	for range 5 {
		many := map[string]byte{}
		for i := range 1000 {
			many[fmt.Sprint("flux/other/", all, i)] = 0
		}
		all += granted(many)
	}
	if all != mostSubscriptions {
		t.Errorf("%d are granted, want %d", all, mostSubscriptions)
	}
	if r := c.ask("get", fresh("still there")); r.Error != nil {
		t.Error(r.Error)
	}
}

// Who asks for everything again and again waits; who publishes does not, since the last message may be an emergency stop.
func TestSubscriptionsAreSlowedDown(t *testing.T) {
	for kind, wants := range map[byte]time.Duration{0x82: 3 * time.Second, 0x30: 0} {
		synctest.Test(t, func(t *testing.T) {
			ours, theirs := net.Pipe()
			v := newEntrance(nil, acceptEvery, func(error) {}).visit(ours)
			go func() {
				for range controlBurst + 3*controlRate {
					if _, err := theirs.Write([]byte{kind, 2, 0, 0}); err != nil {
						t.Error(err)
					}
				}
				theirs.Close()
			}()
			start := time.Now()
			if n, err := io.Copy(io.Discard, v); err != nil || n != 4*(controlBurst+3*controlRate) {
				t.Errorf("%d bytes, %v", n, err)
			}
			if took := time.Since(start).Round(time.Second); took != wants {
				t.Errorf("packets of kind %x take %v, want %v", kind, took, wants)
			}
			v.Close()
		})
	}
}
