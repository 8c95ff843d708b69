package dashboard_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"

	"fluxd/bridge/dashboard"
)

// deadline is for what a test waits for. A machine may be very slow.
const deadline = 2 * time.Minute

// brokerOf starts a TCP server that does with each connection what a test wants, in place of a broker.
func brokerOf(t *testing.T, serve func(net.Conn)) func(context.Context) (net.Conn, error) {
	t.Helper()
	socket, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { socket.Close() })
	go func() {
		for {
			conn, err := socket.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				serve(conn)
			}()
		}
	}()
	return func(ctx context.Context) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "tcp", socket.Addr().String())
	}
}

// echo sends back what comes.
func echo(conn net.Conn) { _, _ = io.Copy(conn, conn) }

// start starts a dashboard with a broker that echoes, unless the options have another.
func start(t *testing.T, o dashboard.Options) *dashboard.Server {
	t.Helper()
	if o.Robot == "" {
		o.Robot = "seeker"
	}
	if o.Listen == "" {
		o.Listen = "127.0.0.1:0"
	}
	if o.Dial == nil {
		o.Dial = brokerOf(t, echo)
	}
	d, err := dashboard.Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.Close)
	return d
}

// within returns a context for one step of a test.
func within(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), deadline)
	t.Cleanup(cancel)
	return ctx
}

// hostOf returns host:port of a dashboard.
func hostOf(d *dashboard.Server) string {
	_, rest, _ := strings.Cut(d.URL(), "://")
	return strings.TrimSuffix(rest, "/")
}

// open connects as the page does.
func open(t *testing.T, d *dashboard.Server) *websocket.Conn {
	t.Helper()
	conn, _, err := websocket.Dial(within(t), d.URL()+"mqtt", &websocket.DialOptions{Subprotocols: []string{"mqtt"},
		HTTPHeader: http.Header{"Origin": {strings.TrimSuffix(d.URL(), "/")}}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.CloseNow() })
	return conn
}

// exchange sends a message and waits for its echo.
func exchange(t *testing.T, conn *websocket.Conn, text string) {
	t.Helper()
	if err := conn.Write(within(t), websocket.MessageBinary, []byte(text)); err != nil {
		t.Fatal(err)
	}
	var got []byte
	for len(got) < len(text) {
		kind, part, err := conn.Read(within(t))
		if err != nil || kind != websocket.MessageBinary {
			t.Fatalf("%v message, %v: expected a binary one", kind, err)
		}
		got = append(got, part...)
	}
	if string(got) != text {
		t.Fatalf("got %.100q, expected %.100q", got, text)
	}
}

// closed waits until the server ends a WebSocket, and returns the code and the reason.
func closed(t *testing.T, conn *websocket.Conn) (websocket.StatusCode, string) {
	t.Helper()
	for {
		_, _, err := conn.Read(within(t))
		var end websocket.CloseError
		if errors.As(err, &end) {
			return end.Code, end.Reason
		}
		if err != nil {
			t.Fatalf("%v: expected a close frame", err)
		}
	}
}

func TestPageAndItsFiles(t *testing.T) {
	d := start(t, dashboard.Options{Version: "1.2.3", Login: true})
	for _, c := range []struct{ path, kind, has string }{
		{"", "text/html; charset=utf-8", "<!doctype html>"},
		{"index.html", "text/html; charset=utf-8", "<!doctype html>"},
		{"?view=world,raster", "text/html; charset=utf-8", "<!doctype html>"},
		{"app.js", "text/javascript; charset=utf-8", ""},
		{"app.css", "text/css; charset=utf-8", ""},
		{"icon.svg", "image/svg+xml", "<svg"},
		{"robot.json", "application/json", `{"robot":"seeker","version":"1.2.3","login":true}`},
	} {
		for _, method := range []string{http.MethodGet, http.MethodHead} {
			status, header, body := request(t, d, method, c.path, nil)
			if status != http.StatusOK || header.Get("Content-Type") != c.kind {
				t.Errorf("%s /%s: %d, %s: expected 200, %s", method, c.path, status, header.Get("Content-Type"), c.kind)
			}
			if method == "HEAD" && body != "" || method == "GET" && !strings.Contains(strings.ToLower(body), c.has) {
				t.Errorf("%s /%s: %.200q: expected it to have %q", method, c.path, body, c.has)
			}
			for name, want := range map[string]string{
				"Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; " +
					"connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
				"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "Cross-Origin-Resource-Policy": "same-origin",
			} {
				if header.Get(name) != want {
					t.Errorf("%s /%s: %s: %q, expected %q", method, c.path, name, header.Get(name), want)
				}
			}
		}
	}
	if _, header, _ := request(t, d, "GET", "robot.json", nil); header.Get("Cache-Control") != "no-store" {
		t.Errorf("robot.json: Cache-Control %q, expected no-store", header.Get("Cache-Control"))
	}
}

// A browser is sent less than half of the bytes, and unpacks them to the same file.
func TestPageIsCompressed(t *testing.T) {
	d := start(t, dashboard.Options{})
	_, _, plain := request(t, d, "GET", "app.js", nil)
	_, header, packed := request(t, d, "GET", "app.js", http.Header{"Accept-Encoding": {"gzip"}})
	if header.Get("Content-Encoding") != "gzip" || len(packed) > len(plain)/2 {
		t.Fatalf("%d bytes, %q: expected at most half of %d, by gzip", len(packed), header.Get("Content-Encoding"), len(plain))
	}
	unpacked, err := gzip.NewReader(strings.NewReader(packed))
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(unpacked)
	if err != nil || string(text) != plain {
		t.Errorf("%v: %d bytes, expected the %d that come without compression", err, len(text), len(plain))
	}
}

// The page needs nothing that the policy forbids: no script, style or handler in its HTML, and nothing from elsewhere.
func TestPageKeepsItsOwnPolicy(t *testing.T) {
	d := start(t, dashboard.Options{})
	_, _, body := request(t, d, "GET", "", nil)
	for _, forbidden := range []string{"style=", "<style", "<script>", " onclick=", "javascript:", "http://", "https://"} {
		if strings.Contains(body, forbidden) {
			t.Errorf("the page has %q, which its policy forbids", forbidden)
		}
	}
}

// A browser asks whether its copy of a file is still the same.
func TestUnchangedFileIsNotSentAgain(t *testing.T) {
	d := start(t, dashboard.Options{})
	_, header, _ := request(t, d, "GET", "app.js", nil)
	status, _, body := request(t, d, "GET", "app.js", http.Header{"If-None-Match": {header.Get("ETag")}})
	if header.Get("ETag") == "" || status != http.StatusNotModified || body != "" {
		t.Errorf("%d, %d bytes, for the tag %q: expected 304 without a body", status, len(body), header.Get("ETag"))
	}
	if status, _, _ := request(t, d, "GET", "app.js", http.Header{"If-None-Match": {`"old"`}}); status != http.StatusOK {
		t.Errorf("%d for another tag, expected 200", status)
	}
}

func TestWrongRequests(t *testing.T) {
	d := start(t, dashboard.Options{})
	for _, c := range []struct {
		method, path string
		status       int
	}{
		{"POST", "", 405}, {"PUT", "app.js", 405}, {"DELETE", "robot.json", 405}, {"OPTIONS", "", 405}, {"TRACE", "", 405},
		{"PATCH", "mqtt", 405}, {"HEAD", "mqtt", 405}, {"ROBOT", "", 405},
		{"GET", "nothing", 404}, {"GET", "page/app.js", 404}, {"GET", "../dashboard.go", 404}, {"GET", "%2e%2e/dashboard.go", 404},
		{"GET", "app.js/", 404}, {"GET", "/app.js", 404}, {"GET", "mqtt/x", 404}, {"GET", "favicon.ico", 404},
	} {
		status, header, _ := request(t, d, c.method, c.path, nil)
		if status != c.status || status == 405 && header.Get("Allow") == "" {
			t.Errorf("%s /%s: %d, expected %d", c.method, c.path, status, c.status)
		}
	}
}

// Another page in the same browser can give its own name the address of this machine.
func TestHostMustBeOneOfOurNames(t *testing.T) {
	d := start(t, dashboard.Options{Hosts: []string{"robot.local", "192.168.7.7", "2001:db8::7"}})
	for host, want := range map[string]int{
		"localhost": 200, "localhost:1": 200, "LocalHost:9": 200, "127.0.0.1": 200, "127.0.0.1:80": 200, "127.9.9.9:80": 200,
		"[::1]": 200, "[::1]:9": 200, "robot.local": 200, "robot.local.:8080": 200, "Robot.Local:8080": 200, "192.168.7.7": 200,
		"[2001:db8::7]:80": 200, "[2001:DB8:0::7]": 200,
		"evil.example": 403, "localhost.evil.example": 403, "evil.example:8080": 403, "10.0.0.1": 403, "[::2]:80": 403,
		"127.0.0.1.evil.example": 403, "robot.locale": 403, "localhost:x": 403, "localhost:80;x": 403, "0.0.0.0": 403,
		"localhost:99999": 403, "": 403,
	} {
		for _, path := range []string{"", "robot.json", "mqtt"} {
			text := fmt.Sprintf("GET /%s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", path, host)
			got := answerTo(t, d, text)
			if path == "mqtt" { // without an Origin
				if got != 403 {
					t.Errorf("%q, /mqtt: %d, expected 403", host, got)
				}
			} else if got != want {
				t.Errorf("%q, /%s: %d, expected %d", host, path, got, want)
			}
		}
	}
	if got := answerTo(t, d, "GET / HTTP/1.0\r\n\r\n"); got != 403 {
		t.Errorf("without a Host: %d, expected 403", got)
	}
	if got := answerTo(t, d, "GET http://evil.example/ HTTP/1.1\r\nHost: localhost\r\n\r\n"); got != 403 {
		t.Errorf("with the name in the request line: %d, expected 403", got)
	}
}

// A WebSocket is for the page of this server alone: browsers let any page open one to anywhere.
func TestOriginMustBeOurs(t *testing.T) {
	d := start(t, dashboard.Options{})
	host := hostOf(d)
	upgrade := func(host, origins string) int {
		return answerTo(t, d, "GET /mqtt HTTP/1.1\r\nHost: "+host+"\r\n"+origins+
			"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: mqtt\r\n"+
			"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
	}
	for origin, want := range map[string]int{
		"http://" + host: 101, "HTTP://" + host: 101,
		"https://" + host: 101, // a proxy before this server has TLS
		"null":            403, "http://evil.example": 403, "http://localhost": 403, host: 403, "file://" + host: 403,
		"http://" + host + "0": 403, "http://evil.example@" + host: 403, "http://" + host + ".evil.example": 403, "": 403,
		"http://127.0.0.1": 403, "://": 403,
	} {
		if got := upgrade(host, "Origin: "+origin+"\r\n"); got != want {
			t.Errorf("origin %q: %d, expected %d", origin, got, want)
		}
	}
	if got := upgrade(host, ""); got != 403 {
		t.Errorf("without an origin: %d, expected 403", got)
	}
	if got := upgrade(host, "Origin: http://"+host+"\r\nOrigin: http://evil.example\r\n"); got != 403 {
		t.Errorf("with two origins: %d, expected 403", got)
	}
	if got := upgrade("evil.example", "Origin: http://evil.example\r\n"); got != 403 {
		t.Errorf("with a name of its own for this machine: %d, expected 403", got)
	}
}

func TestBytesAreCopiedBothWays(t *testing.T) {
	d := start(t, dashboard.Options{})
	conn := open(t, d)
	if conn.Subprotocol() != "mqtt" {
		t.Errorf("subprotocol %q, expected mqtt", conn.Subprotocol())
	}
	exchange(t, conn, "one")
	exchange(t, conn, strings.Repeat("x", 100<<10))
	other := open(t, d)
	exchange(t, other, "two")
	exchange(t, conn, "three")
}

// Without a broker, the page learns why its WebSocket ends. When the broker is back, the next WebSocket works.
func TestBrokerThatIsAway(t *testing.T) {
	var mutex sync.Mutex
	away := true
	there := brokerOf(t, echo)
	d := start(t, dashboard.Options{Dial: func(ctx context.Context) (net.Conn, error) {
		mutex.Lock()
		defer mutex.Unlock()
		if away {
			return nil, errors.New("connection refused")
		}
		return there(ctx)
	}})
	conn := open(t, d)
	if err := conn.Write(within(t), websocket.MessageBinary, []byte("hello")); err != nil {
		t.Fatal(err)
	}
	if code, reason := closed(t, conn); code != websocket.StatusTryAgainLater ||
		!strings.Contains(reason, "broker does not answer") {
		t.Errorf("closed with %d, %q: expected 1013 and that the broker does not answer", code, reason)
	}
	mutex.Lock()
	away = false
	mutex.Unlock()
	exchange(t, open(t, d), "hello")
}

func TestBrokerThatDisconnects(t *testing.T) {
	d := start(t, dashboard.Options{Dial: brokerOf(t, func(conn net.Conn) {
		_, _ = conn.Read(make([]byte, 100))
		_, _ = conn.Write([]byte("last words"))
	})})
	conn := open(t, d)
	if err := conn.Write(within(t), websocket.MessageBinary, []byte("hello")); err != nil {
		t.Fatal(err)
	}
	if _, text, err := conn.Read(within(t)); err != nil || string(text) != "last words" {
		t.Errorf("%q, %v: expected what the broker sent before it disconnected", text, err)
	}
	if code, reason := closed(t, conn); code != websocket.StatusTryAgainLater || !strings.Contains(reason, "ended the connection") {
		t.Errorf("closed with %d, %q: expected 1013 and that the broker has ended the connection", code, reason)
	}
}

// The broker's connection ends with the page.
func TestPageThatLeaves(t *testing.T) {
	ended := make(chan struct{})
	d := start(t, dashboard.Options{Dial: brokerOf(t, func(conn net.Conn) {
		echo(conn)
		close(ended)
	})})
	conn := open(t, d)
	exchange(t, conn, "hello")
	if err := conn.CloseNow(); err != nil {
		t.Fatal(err)
	}
	select {
	case <-ended:
	case <-time.After(deadline):
		t.Error("the connection to the broker did not end with the page")
	}
}

// The end of the robot ends pages, with a reason, and connections that do nothing.
func TestClose(t *testing.T) {
	d := start(t, dashboard.Options{})
	conn, silent := open(t, d), open(t, d)
	exchange(t, conn, "hello")
	idle, err := net.Dial("tcp", hostOf(d))
	if err != nil {
		t.Fatal(err)
	}
	defer idle.Close()
	go d.Close()
	for _, c := range []*websocket.Conn{conn, silent} {
		if code, reason := closed(t, c); code != websocket.StatusGoingAway || reason == "" {
			t.Errorf("closed with %d, %q: expected 1001 with a reason", code, reason)
		}
	}
	if err := idle.SetReadDeadline(time.Now().Add(deadline)); err != nil {
		t.Fatal(err)
	}
	if n, err := idle.Read(make([]byte, 1)); n != 0 || err == nil || errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("an idle connection: %d bytes, %v: expected its end", n, err)
	}
	d.Close()
	if conn, err := net.Dial("tcp", hostOf(d)); err == nil {
		conn.Close()
		t.Error("the dashboard listens after Close")
	}
}

// request sends a request as a browser does, and returns the answer.
func request(t *testing.T, d *dashboard.Server, method, path string, header http.Header) (int, http.Header, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(within(t), method, d.URL()+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	if header != nil {
		r.Header = header
	}
	answer, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, answer.Header, string(body)
}

// raw connects and sends a text, as it is.
func raw(t *testing.T, d *dashboard.Server, text string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", hostOf(d))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(deadline)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(conn, text); err != nil {
		t.Fatal(err)
	}
	return conn
}

// answerTo sends a text, as it is, and returns the status of the answer; 0 if the connection ended without one.
func answerTo(t *testing.T, d *dashboard.Server, text string) int {
	t.Helper()
	conn := raw(t, d, text)
	defer conn.Close()
	answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return 0
	}
	answer.Body.Close()
	return answer.StatusCode
}

// logged is a log that a test reads.
type logged struct {
	mutex sync.Mutex
	text  bytes.Buffer
}

func (l *logged) Write(p []byte) (int, error) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	return l.text.Write(p)
}

func (l *logged) String() string {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	return l.text.String()
}

func (l *logged) logger() *slog.Logger { return slog.New(slog.NewTextHandler(l, nil)) }

// Names of robots are plain, but a version may be anything.
func TestRobotJSONIsValid(t *testing.T) {
	d := start(t, dashboard.Options{Version: "a\"b</script>\n"})
	_, _, body := request(t, d, "GET", "robot.json", nil)
	var got map[string]any
	if err := json.Unmarshal([]byte(body), &got); err != nil || got["version"] != "a\"b</script>\n" || strings.Contains(body, "<") {
		t.Errorf("%q, %v: expected JSON without <", body, err)
	}
}
