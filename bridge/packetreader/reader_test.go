package packetreader

import (
	"bytes"
	"io"
	"net"
	"strings"
	"testing"
	"testing/iotest"
)

// stream is a connection that reads from a Reader.
type stream struct {
	net.Conn
	io.Reader
}

func (s stream) Read(p []byte) (int, error) { return s.Reader.Read(p) }

// Packets that are too long are truncated, whatever pieces they come in; others are unchanged.
func TestLongPacketsAreTruncated(t *testing.T) {
	const filters = 3
	suback := "\x90\x07\x00\x01\x01\x01\x01\x01\x01"
	short := "\x90\x05\x00\x01\x01\x01\x01"
	publish := func(length int) string {
		var b bytes.Buffer
		if err := newPublish("t", bytes.Repeat([]byte("x"), length)).Write(&b); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	for _, test := range []struct{ name, in, want string }{
		{"nothing", "", ""},
		{"a valid one", short, short},
		{"no body", "\xd0\x00\xd0\x00", "\xd0\x00\xd0\x00"},
		{"too many codes", suback + "\xd0\x00", short + "\xd0\x00"},
		{"a length in more bytes than it needs", "\xd0\x80\x00" + short, "\xd0\x00" + short},
		{"the longest message", publish(MaxPublish - 3), publish(MaxPublish - 3)},
		{"a longer one", publish(MaxPublish-2) + short, publish(MaxPublish-3) + short},
		{"a length in four bytes", publish(2<<20) + publish(1), publish(MaxPublish-3) + publish(1)},
	} {
		for pieces, in := range map[string]io.Reader{
			"at once": strings.NewReader(test.in), "byte by byte": iotest.OneByteReader(strings.NewReader(test.in)),
			"in halves": iotest.HalfReader(strings.NewReader(test.in)), "with the end": iotest.DataErrReader(strings.NewReader(test.in)),
		} {
			if got, err := io.ReadAll(New(stream{Reader: in}, filters, &RateLimit{})); err != nil || string(got) != test.want {
				t.Errorf("%s, %s: %d bytes, %v, want %d", test.name, pieces, len(got), err, len(test.want))
			}
		}
	}
	endless := strings.NewReader("\x30\xff\xff\xff\xff\x01")
	_, err := io.ReadAll(New(stream{Reader: endless}, filters, &RateLimit{}))
	if err == nil || !strings.Contains(err.Error(), "does not speak MQTT") {
		t.Errorf("no MQTT: %v", err)
	}
}
