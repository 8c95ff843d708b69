package bridge_test

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"log/slog"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/nats-io/nats-server/v2/server"

	"fluxd/bridge"
	"fluxd/bridge/protocol"
)

// A message that is larger than any request is refused as too large. It costs the robot neither memory nor its connection.
func TestHugeMessage(t *testing.T) {
	external := startTestBroker(t, "127.0.0.1:0")
	startBridge(t, newFakeRobot(), bridge.Options{Broker: external.url})
	c := dial(t, external.url)
	c.online()
	before := external.robots(t)
	huge := strings.Repeat("x", 8*bridge.MaxPublish)
	c.send(protocol.Topics("fake").Request("set"), false, huge)
	if r := next[protocol.Response](c, protocol.Topics("fake").Response("set"), nil); !refusedAs(r, protocol.TooLarge) {
		t.Errorf("answered with %+v", r)
	}
	c.send(protocol.Topics("fake").Param("unknown"), true, huge)
	if r := c.keepsAsking("get"); r.Status != protocol.StatusOK {
		t.Errorf("after it: %+v", r)
	}
	if after := external.robots(t); len(before) != connections || !slices.Equal(after, before) {
		t.Errorf("the robot has the connections %v, and had %v before", after, before)
	}
}

// A robot connects to a broker with TLS if it trusts the certificate, and shows its own.
func TestBrokerWithTLS(t *testing.T) {
	// A certificate for 127.0.0.1 that is its own authority.
	certified := httptest.NewTLSServer(nil)
	defer certified.Close()
	pair := certified.TLS.Certificates[0]
	key, err := x509.MarshalPKCS8PrivateKey(pair.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	write := func(name, kind string, data []byte) string {
		file := filepath.Join(folder, name)
		if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: data}), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	certificate, private := write("own.crt", "CERTIFICATE", pair.Certificate[0]), write("own.key", "PRIVATE KEY", key)
	external := runTestBroker(t, server.MQTTOpts{Host: "127.0.0.1", TLSTimeout: patience.Seconds(),
		TLSConfig: &tls.Config{Certificates: []tls.Certificate{pair}, ClientAuth: tls.RequireAnyClientCert}})
	for _, test := range []struct {
		name string
		tls  protocol.TLS
		url  string
		in   bool
	}{
		{"everything is correct", protocol.TLS{CA: certificate, Certificate: certificate, Key: private}, external.url, true},
		{"another name than in the certificate", protocol.TLS{CA: certificate, Certificate: certificate, Key: private,
			ServerName: "robot.test"}, external.url, false},
		{"the name in the certificate is configured", protocol.TLS{CA: certificate, Certificate: certificate, Key: private,
			ServerName: "example.com"}, external.url, true},
		{"an unknown authority", protocol.TLS{Certificate: certificate, Key: private}, external.url, false},
		{"no client certificate", protocol.TLS{CA: certificate}, external.url, false},
		{"a connection without TLS", protocol.TLS{}, strings.Replace(external.url, "ssl:", "tcp:", 1), false},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var log logBuffer
			opts := bridge.Options{Broker: test.url, TLS: test.tls, Log: slog.New(slog.NewTextHandler(&log, nil))}
			b := startBridge(t, newFakeRobot(), opts)
			eventually(t, "neither connected nor refused", func() bool {
				return b.Connected() || log.count("cannot reach the MQTT broker") > 0
			})
			if b.Connected() != test.in {
				t.Errorf("connected is %v: %s", b.Connected(), &log)
			}
		})
	}
}
