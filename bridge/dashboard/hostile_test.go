package dashboard_test

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"

	"fluxd/bridge/dashboard"
	"fluxd/bridge/webserver"
)

// handshake returns the text that opens a WebSocket.
func handshake(d *dashboard.Server) string {
	return "GET /mqtt HTTP/1.1\r\nHost: " + hostOf(d) + "\r\nOrigin: http://" + hostOf(d) +
		"\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: mqtt\r\n" +
		"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
}

// frame returns a WebSocket frame of a client (RFC 6455, section 5.2), with a mask of zeros.
func frame(first byte, payload string) string {
	head := []byte{first}
	switch n := len(payload); {
	case n < 126:
		head = append(head, 0x80|byte(n))
	case n < 1<<16:
		head = binary.BigEndian.AppendUint16(append(head, 0x80|126), uint16(n))
	default:
		head = binary.BigEndian.AppendUint64(append(head, 0x80|127), uint64(n))
	}
	return string(head) + "\x00\x00\x00\x00" + payload
}

// The first byte of a frame: its last part, and its kind.
const (
	last                                         = 0x80
	more, text, binaryKind, bye, ping, pong byte = 0, 1, 2, 8, 9, 10
)

// Whatever a client sends, it is answered or disconnected, and the next client is served.
func TestHostileClients(t *testing.T) {
	if testing.Short() {
		t.Skip("waits until clients that send nothing more are given up")
	}
	var all sync.WaitGroup // not parallel tests, of which few run at a time: these mostly wait
	defer all.Wait()
	d := start(t, dashboard.Options{})
	host := hostOf(d)
	one := func(s string) string { return handshake(d) + s }
	for name, sent := range map[string]string{
		"nothing but a line end": "\r\n\r\n",
		"half a request line":    "GET /",
		"half a header":          "GET / HTTP/1.1\r\nHost: " + host + "\r\nX: ",
		"a huge header": "GET / HTTP/1.1\r\nHost: " + host + "\r\nX: " +
			strings.Repeat("x", 200<<10) + "\r\n\r\n",
		"many headers": "GET / HTTP/1.1\r\nHost: " + host + "\r\n" +
			strings.Repeat("X: y\r\n", 40_000) + "\r\n",
		"a huge path":           "GET /" + strings.Repeat("x", 200<<10) + " HTTP/1.1\r\n\r\n",
		"no HTTP":               "\x10\x0c\x00\x04MQTT\x04\x02\x00<\x00\x00",
		"TLS":                   "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
		"HTTP/2":                "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
		"two Hosts":             "GET / HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n",
		"a body":                "GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\nxxx",
		"a negative length":     "GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
		"chunks without an end": "GET / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhe",
		"both lengths": "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n" +
			"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		"an upgrade without a key":      strings.Replace(one(""), "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n", "", 1),
		"an upgrade with a short key":   strings.Replace(one(""), "dGhlIHNhbXBsZSBub25jZQ==", "eA==", 1),
		"an upgrade of another version": strings.Replace(one(""), "Version: 13", "Version: 12", 1),
		"an upgrade to something else":  strings.Replace(one(""), "Upgrade: websocket", "Upgrade: h2c", 1),
		"an upgrade without the subprotocol": strings.Replace(one(frame(last|binaryKind, "x")),
			"Protocol: mqtt", "Protocol: soap", 1),
		"a text message":              one(frame(last|text, "hello")),
		"a message without a mask":    one("\x82\x01x"),
		"a frame of an unknown kind":  one(frame(last|3, "x")),
		"reserved bits":               one(frame(last|0x70|binaryKind, "x")),
		"a continuation of nothing":   one(frame(last|more, "x")),
		"a message within a message":  one(frame(binaryKind, "x") + frame(last|binaryKind, "y")),
		"a text within a message":     one(frame(binaryKind, "x") + frame(last|text, "y")),
		"a ping in two parts":         one(frame(ping, "x") + frame(last|more, "y")),
		"a huge ping":                 one(frame(last|ping, strings.Repeat("x", 200))),
		"a message of 2^63 bytes":     one("\x82\xff\x80\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00x"),
		"a message of 2^40 bytes":     one("\x82\xff\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00x"),
		"a message that is too large": one(frame(last|binaryKind, strings.Repeat("x", 129<<10))),
		"a message that is too large in parts": one(frame(binaryKind, "x") +
			strings.Repeat(frame(more, strings.Repeat("x", 1<<10)), 200)),
		"a flood of pings":                  one(strings.Repeat(frame(last|ping, "x"), 1000)),
		"a flood of pings within a message": one(frame(binaryKind, "x") + strings.Repeat(frame(last|ping, "x"), 1000)),
		"a flood of pongs, then text":       one(strings.Repeat(frame(last|pong, "x"), 1000) + frame(last|text, "x")),
		"a flood of empty parts, then text": one(frame(binaryKind, "x") +
			strings.Repeat(frame(more, ""), 5000) + frame(last|text, "x")),
		"a goodbye of one byte":       one(frame(last|bye, "x")),
		"a goodbye with a wrong code": one(frame(last|bye, "\x00\x01")),
		"a goodbye, and more":         one(frame(last|bye, "\x03\xe8") + frame(last|binaryKind, "x")),
		"only a handshake":            one(""),
		"half a frame":                one("\x82"),
	} {
		all.Go(func() {
			conn, err := net.Dial("tcp", host)
			if err != nil {
				t.Errorf("%s: %v", name, err)
				return
			}
			defer conn.Close()
			if err := conn.SetDeadline(time.Now().Add(deadline)); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			_, _ = io.WriteString(conn, sent) // it may be disconnected before the end
			if _, err := io.Copy(io.Discard, conn); errors.Is(err, context.DeadlineExceeded) || isTimeout(err) {
				t.Errorf("%s: not disconnected: %v", name, err)
			}
			next, err := http.Get(d.URL() + "robot.json")
			if err != nil || next.StatusCode != http.StatusOK {
				t.Errorf("after %s the next client is not served: %v", name, err)
			}
			if err == nil {
				next.Body.Close()
			}
		})
	}
}

func isTimeout(err error) bool {
	var network net.Error
	return errors.As(err, &network) && network.Timeout()
}

// Ten clients that send no more than a handshake cost the broker no connection.
func TestSilentPagesReachNoBroker(t *testing.T) {
	if testing.Short() {
		t.Skip("waits until pages that send nothing are given up")
	}
	var dialled atomic.Int64
	there := brokerOf(t, echo)
	d := start(t, dashboard.Options{Dial: func(ctx context.Context) (net.Conn, error) { dialled.Add(1); return there(ctx) }})
	var all []*websocket.Conn
	for range 10 {
		all = append(all, open(t, d))
	}
	for _, conn := range all {
		if code, reason := closed(t, conn); code != websocket.StatusPolicyViolation || !strings.Contains(reason, "MQTT CONNECT") {
			t.Errorf("closed with %d, %q: expected 1008, and that a CONNECT is missing", code, reason)
		}
	}
	if dialled.Load() != 0 {
		t.Errorf("%d connections to the broker: expected none", dialled.Load())
	}
}

// When there are as many pages as may be, the next is given a reason. When one leaves, its place is free.
func TestPagesAreLimited(t *testing.T) {
	log := &logged{}
	d := start(t, dashboard.Options{Pages: 3, Log: log.logger()})
	var all []*websocket.Conn
	for range 3 {
		conn := open(t, d)
		exchange(t, conn, "hello")
		all = append(all, conn)
	}
	if code, reason := closed(t, open(t, d)); code != websocket.StatusTryAgainLater || !strings.Contains(reason, "at most 3") {
		t.Errorf("the fourth page is closed with %d, %q: expected 1013 and the limit", code, reason)
	}
	if err := all[1].Close(websocket.StatusNormalClosure, ""); err != nil {
		t.Error(err)
	}
	for end := time.Now().Add(deadline); ; { // the place is free when the server has noticed
		conn := open(t, d)
		if err := conn.Write(within(t), websocket.MessageBinary, []byte("x")); err == nil {
			if _, _, err := conn.Read(within(t)); err == nil {
				break
			}
		}
		if time.Now().After(end) {
			t.Fatal("the place of the page that left is not free")
		}
	}
	exchange(t, all[0], "still there")
	d.Close()
	if !strings.Contains(log.String(), "too many pages: ") {
		t.Errorf("the log does not count refused pages:\n%s", log.String())
	}
}

// Connections are limited before anybody has said anything, and their places are free when they end.
func TestConnectionsAreLimited(t *testing.T) {
	log := &logged{}
	d := start(t, dashboard.Options{Pages: 2, Log: log.logger()}) // 8 connections
	var all []net.Conn
	for range 8 {
		conn := raw(t, d, "GET / HTTP/1.1\r\n")
		all = append(all, conn)
	}
	refused := raw(t, d, "")
	if n, err := refused.Read(make([]byte, 1)); n != 0 || err == nil || isTimeout(err) {
		t.Errorf("the ninth connection: %d bytes, %v: expected its end", n, err)
	}
	for _, conn := range all {
		conn.Close()
	}
	for end := time.Now().Add(deadline); answerTo(t, d, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n") != http.StatusOK; {
		if time.Now().After(end) {
			t.Fatal("the places of connections that ended are not free")
		}
	}
	d.Close()
	if !strings.Contains(log.String(), "too many connections: ") {
		t.Errorf("the log does not count refused connections:\n%s", log.String())
	}
}

// A page that reads nothing holds up its own connection to the broker, is disconnected, and costs no memory.
func TestSlowReader(t *testing.T) {
	if testing.Short() {
		t.Skip("waits until a page that does not read is given up")
	}
	var sent atomic.Int64
	ended := make(chan struct{})
	d := start(t, dashboard.Options{Dial: brokerOf(t, func(conn net.Conn) {
		first := make([]byte, 100)
		n, _ := conn.Read(first)
		if !strings.HasPrefix(string(first[:n]), "flood") {
			_, _ = conn.Write(first[:n])
			echo(conn)
			return
		}
		defer close(ended)
		for chunk := make([]byte, 64<<10); ; {
			n, err := conn.Write(chunk)
			sent.Add(int64(n))
			if err != nil {
				return
			}
		}
	})})
	before := heap()
	conn := raw(t, d, handshake(d)+frame(last|binaryKind, "flood"))
	if tcp, is := conn.(*net.TCPConn); is {
		if err := tcp.SetReadBuffer(4 << 10); err != nil {
			t.Fatal(err)
		}
	}
	other := open(t, d)
	for i := 0; ; i++ { // others are served meanwhile
		exchange(t, other, fmt.Sprint("hello ", i))
		select {
		case <-ended:
		case <-time.After(100 * time.Millisecond):
			continue
		}
		break
	}
	if grown := heap() - before; grown > 4<<20 {
		t.Errorf("the heap grew by %d bytes while a page read nothing: expected at most 4 MiB", grown)
	}
	if sent.Load() > 64<<20 { // what the kernel's buffers take
		t.Errorf("%d bytes were read from the broker for a page that reads nothing", sent.Load())
	}
}

// heap returns the size of what is in use.
func heap() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// The broker sees this machine's address for every page, and bounds the logins that it checks for an address. Pages leave room
// for others on this machine.
func TestLoginsAtATimeAreLimited(t *testing.T) {
	answer := make(chan struct{})
	var waiting atomic.Int64
	d := start(t, dashboard.Options{Dial: brokerOf(t, func(conn net.Conn) {
		if _, err := conn.Read(make([]byte, 100)); err != nil {
			return
		}
		waiting.Add(1)
		<-answer
		_, _ = conn.Write([]byte("answer"))
		echo(conn)
	})})
	login := func() *websocket.Conn {
		conn := open(t, d)
		if err := conn.Write(within(t), websocket.MessageBinary, []byte("login")); err != nil {
			t.Fatal(err)
		}
		return conn
	}
	var all []*websocket.Conn
	for range 8 {
		all = append(all, login())
	}
	for end := time.Now().Add(deadline); waiting.Load() < 8; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%d logins reached the broker: expected 8", waiting.Load())
		}
	}
	if code, reason := closed(t, login()); code != websocket.StatusTryAgainLater || reason != "too many logins at a time" {
		t.Errorf("the ninth login ends with %d, %q: expected 1013", code, reason)
	}
	close(answer)
	for _, conn := range all {
		if _, text, err := conn.Read(within(t)); err != nil || string(text) != "answer" {
			t.Fatalf("%q, %v", text, err)
		}
	}
	if _, text, err := login().Read(within(t)); err != nil || string(text) != "answer" {
		t.Errorf("a login after the others: %q, %v", text, err)
	}
}

// A page that others can reach needs a login, and encryption or a decision.
func TestBeyondThisMachine(t *testing.T) {
	for _, c := range []struct {
		o    dashboard.Options
		want string
	}{
		{dashboard.Options{Listen: "0.0.0.0:0"}, "without a login"},
		{dashboard.Options{Listen: ":0", Insecure: true}, "without a login"},
		{dashboard.Options{Listen: "[::]:0", Login: true}, "passwords can be read"},
		{dashboard.Options{Listen: "nonsense"}, "expected host:port"},
		{dashboard.Options{Listen: "127.0.0.1:0", TLS: webserver.TLS{Certificate: "c.pem"}}, "expected a certificate and its key"},
		{dashboard.Options{Listen: "127.0.0.1:0", TLS: webserver.TLS{Certificate: "c.pem", Key: "none.pem"}}, "c.pem"},
		{dashboard.Options{Listen: "192.0.2.1:0", Login: true, Insecure: true}, "cannot listen"},
	} {
		if d, err := dashboard.Start(t.Context(), c.o); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v, expected %q", c.o, err, c.want)
			if err == nil {
				d.Close()
			}
		}
	}
	d := start(t, dashboard.Options{Listen: "0.0.0.0:0", Login: true, Insecure: true, Hosts: []string{"robot.local"}})
	if !strings.HasPrefix(d.URL(), "http://robot.local:") {
		t.Errorf("URL %s: expected one with the first of the names", d.URL())
	}
}

// If the port is taken, the page is at another one, and the log says so.
func TestPortThatIsTaken(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	log := &logged{}
	d := start(t, dashboard.Options{Listen: taken.Addr().String(), Log: log.logger()})
	if hostOf(d) == taken.Addr().String() || !strings.Contains(log.String(), "listening on a free one") {
		t.Errorf("%s instead of %s; log:\n%s", d.URL(), taken.Addr(), log.String())
	}
	if status, _, _ := request(t, d, "GET", "", nil); status != http.StatusOK {
		t.Errorf("%d, expected 200", status)
	}
}

// Requests come at a bounded rate, and all are answered: those of a flood wait.
func TestFloodOfRequestsIsSlowedDown(t *testing.T) {
	d := start(t, dashboard.Options{})
	conn := raw(t, d, "")
	const all = 400
	begun := time.Now()
	go func() {
		_, _ = io.WriteString(conn, strings.Repeat("GET /robot.json HTTP/1.1\r\nHost: localhost\r\n\r\n", all))
	}()
	answers := bufio.NewReader(conn)
	for i := range all {
		answer, err := http.ReadResponse(answers, nil)
		if err != nil {
			t.Fatalf("request %d: %v", i, err)
		}
		_, _ = io.Copy(io.Discard, answer.Body)
		answer.Body.Close()
		if answer.StatusCode != http.StatusOK {
			t.Fatalf("request %d: %d, expected 200", i, answer.StatusCode)
		}
	}
	if took := time.Since(begun); took < 900*time.Millisecond { // 300 at once, then 100 a second: a slower machine takes longer
		t.Errorf("%d requests took %v: expected at least a second, by the limit", all, took)
	}
}
