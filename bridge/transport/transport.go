// Package transport connects to brokers, as the robot and fluxctl do it: directly, or by the SOCKS proxy of the environment.
//
//	conn, err := transport.Dial(&net.Dialer{Timeout: time.Second}, u, nil) // u is tcp://127.0.0.1:1883
package transport

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/url"
	"strings"

	"golang.org/x/net/proxy"
)

// schemes are those of a broker's URL, and whether they mean TLS.
var schemes = map[string]bool{"tcp": false, "mqtt": false, "ssl": true, "tls": true, "mqtts": true}

// Known reports whether a URL's scheme is one of a broker's.
func IsScheme(scheme string) bool {
	_, known := schemes[scheme]
	return known
}

// Dial connects to a broker, within the dialer's timeout. The proxy that ALL_PROXY names is asked for other machines than this
// one, but for those of NO_PROXY: to stop a robot on this machine must need no other. secured is needed where the URL's scheme
// means TLS.
func Dial(dialer *net.Dialer, u *url.URL, secured *tls.Config) (net.Conn, error) {
	if !IsScheme(u.Scheme) {
		return nil, fmt.Errorf("scheme %q: expected tcp or ssl", u.Scheme)
	}
	ctx := context.Background()
	if dialer.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, dialer.Timeout)
		defer cancel()
	}
	conn, err := connect(ctx, dialer, u)
	if err != nil || !schemes[u.Scheme] {
		return conn, err
	}
	if secured == nil {
		secured = &tls.Config{}
	}
	config := secured.Clone()
	if config.ServerName == "" {
		config.ServerName = u.Hostname()
	}
	wrapped := tls.Client(conn, config)
	if err := wrapped.HandshakeContext(ctx); err != nil {
		conn.Close()
		return nil, err
	}
	return wrapped, nil
}

func connect(ctx context.Context, dialer *net.Dialer, u *url.URL) (net.Conn, error) {
	if isLoopback(u.Hostname()) {
		return dialer.DialContext(ctx, "tcp", u.Host)
	}
	by := proxy.FromEnvironmentUsing(dialer)
	if able, ok := by.(proxy.ContextDialer); ok {
		return able.DialContext(ctx, "tcp", u.Host)
	}
	return by.Dial("tcp", u.Host)
}

// isLoopback reports whether a host is this machine itself.
func isLoopback(host string) bool {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	if host == "localhost" || strings.HasSuffix(host, ".localhost") { // RFC 6761, section 6.3
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}
