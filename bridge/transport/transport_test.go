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

// visits receives a token for each connection to the proxy of the environment, which closes it at once.
var visits = make(chan struct{}, 64)

// TestMain sets the environment first, since package proxy reads it only once.
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
			visits <- struct{}{} // before the client sees that the connection is closed
			conn.Close()
		}
	}()
	os.Setenv("ALL_PROXY", "socks5://"+listener.Addr().String())
	os.Setenv("NO_PROXY", "direct.invalid,198.51.100.0/24")
	os.Exit(m.Run())
}

// The proxy is used neither for a broker on this machine nor for one in NO_PROXY, but for all others.
func TestHostsBehindTheProxy(t *testing.T) {
	broker, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer broker.Close()
	go func() { // closes each connection, so that a TLS handshake ends
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
		"127.0.0.1": false, "localhost": false, "LOCALHOST": false, "localhost.": false, "[::1]": false, "127.8.9.10": false,
		"[::ffff:127.0.0.1]": false,
		"direct.invalid":     false, "robot.invalid": true,
	} {
		for _, scheme := range []string{"tcp", "mqtt", "ssl"} {
			u, err := url.Parse(scheme + "://" + host + ":" + port)
			if err != nil {
				t.Fatal(err)
			}
			timeout := 2 * time.Minute
			if !byProxy && host != "127.0.0.1" { // nothing may answer there; the proxy must not be used either way
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
	_, err := Dial(&net.Dialer{}, &url.URL{Scheme: "http", Host: "127.0.0.1:1"}, nil)
	if err == nil || !strings.Contains(err.Error(), "expected tcp or ssl") {
		t.Error(err)
	}
}
