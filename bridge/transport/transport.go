// Package transport connects to MQTT brokers, for the robot and fluxctl: directly, or through the SOCKS proxy of the environment.
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

// schemes has the schemes of a broker's URL, and whether they mean TLS.
var schemes = map[string]bool{"tcp": false, "mqtt": false, "ssl": true, "tls": true, "mqtts": true}

// IsScheme reports whether a scheme can be that of a broker's URL.
func IsScheme(scheme string) bool {
	_, known := schemes[scheme]
	return known
}

// Dial connects to a broker within the dialer's timeout. It uses the proxy that ALL_PROXY names, but neither for this machine nor
// for hosts in NO_PROXY: stopping a robot on this machine must not depend on another one. secured is for URLs whose scheme means
// TLS; nil means the default configuration.
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
	proxied := proxy.FromEnvironmentUsing(dialer)
	if withContext, ok := proxied.(proxy.ContextDialer); ok {
		return withContext.DialContext(ctx, "tcp", u.Host)
	}
	return proxied.Dial("tcp", u.Host)
}

// isLoopback reports whether a host is this machine.
func isLoopback(host string) bool {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	if host == "localhost" || strings.HasSuffix(host, ".localhost") { // RFC 6761, section 6.3
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}
