package transport

import (
	"fmt"
	"net"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"
)

// visits are the connections to the proxy of the environment, which hangs up on everybody.
var visits = make(chan struct{}, 64)

// TestMain sets the environment before anything asks for it: it is read once in a process.
func TestMain(m *testing.M) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			visits <- struct{}{} // before whoever dialed learns that there is nothing to wait for
			conn.Close()
		}
	}()
	os.Setenv("ALL_PROXY", "socks5://"+listener.Addr().String())
	os.Setenv("NO_PROXY", "direct.invalid,198.51.100.0/24")
	os.Exit(m.Run())
}

// A broker on this machine is never reached by a proxy, nor one that NO_PROXY names; the others are.
func TestWhoIsReachedByTheProxy(t *testing.T) {
	broker, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer broker.Close()
	go func() { // it hangs up too, so that a handshake of TLS ends
		for {
			conn, err := broker.Accept()
			if err != nil {
				return
			}
			conn.Close()
		}
	}()
	_, port, _ := net.SplitHostPort(broker.Addr().String())
	for host, byProxy := range map[string]bool{
		"127.0.0.1": false, "localhost": false, "LOCALHOST": false, "localhost.": false, "[::1]": false, "127.8.9.10": false, "[::ffff:127.0.0.1]": false,
		"direct.invalid": false, "robot.invalid": true,
	} {
		for _, scheme := range []string{"tcp", "mqtt", "ssl"} {
			u, err := url.Parse(scheme + "://" + host + ":" + port)
			if err != nil {
				t.Fatal(err)
			}
			timeout := 2 * time.Minute
			if !byProxy && host != "127.0.0.1" { // nobody may answer there, nor a resolver; that the proxy is left alone shows without
				timeout = 50 * time.Millisecond
			}
			conn, err := Dial(&net.Dialer{Timeout: timeout}, u, nil)
			if err == nil {
				conn.Close()
			}
			visited := len(visits) > 0
			for len(visits) > 0 {
				<-visits
			}
			if visited != byProxy {
				t.Errorf("%s: by the proxy: %v, want %v (%v)", u, visited, byProxy, err)
			}
			if host == "127.0.0.1" && scheme != "ssl" && err != nil {
				t.Errorf("%s: %v", u, err)
			}
		}
	}
}

func TestUnknownSchemes(t *testing.T) {
	if _, err := Dial(&net.Dialer{}, &url.URL{Scheme: "http", Host: "127.0.0.1:1"}, nil); err == nil || !strings.Contains(err.Error(), "expected tcp or ssl") {
		t.Error(err)
	}
}
