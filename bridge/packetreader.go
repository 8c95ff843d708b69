package bridge

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/url"

	paho "github.com/eclipse/paho.mqtt.golang"
	"github.com/eclipse/paho.mqtt.golang/packets"

	"fluxd/bridge/transport"
)

// What comes from an external broker is not the robot's: anybody may have published it there. The client library reserves as many
// bytes as a packet says it has, up to 256 MiB, and panics when a subscription is answered with more codes than it has filters. A
// packet that is too long is cut here: the rest is read and thrown away, and the robot says what it says of any request that is
// too large.
const (
	// maxPublish is the longest packet with a message, in bytes: a request that is answered as too large, and its topic.
	maxPublish = 256 << 10
	// packetNumber is what an acknowledgement begins with, in bytes; that of a subscription has one more for each filter.
	packetNumber = 2
)

// dialExternal connects to an external broker.
func dialExternal(u *url.URL, o paho.ClientOptions) (net.Conn, error) {
	dialer := *o.Dialer
	dialer.Timeout = o.ConnectTimeout
	return transport.Dial(&dialer, u, o.TLSConfig)
}

// cutter is a connection whose incoming packets have a bounded length, and whose incoming requests a bounded rate.
type packetReader struct {
	net.Conn
	in       *bufio.Reader
	limit    *rateLimit
	maxOther int    // the longest packet that is no message
	header   []byte // of the present packet, as far as it has not been passed on
	keep     int    // bytes of it that are passed on
	skip     int64  // bytes that follow and are not
}

// newPacketReader makes one for a client that subscribes to so many filters at once.
func newPacketReader(conn net.Conn, filters int, limit *rateLimit) *packetReader {
	return &packetReader{Conn: conn, in: bufio.NewReaderSize(conn, readBuffer), limit: limit, maxOther: packetNumber + filters}
}

// Read reads what is left of the stream.
func (c *packetReader) Read(p []byte) (int, error) {
	for len(p) > 0 {
		switch {
		case len(c.header) > 0:
			n := copy(p, c.header)
			c.header = c.header[n:]
			return n, nil
		case c.keep > 0:
			n, err := c.in.Read(p[:min(len(p), c.keep)])
			c.keep -= n
			return n, err
		case c.skip > 0:
			n, err := io.CopyN(io.Discard, c.in, c.skip)
			c.skip -= n
			if err != nil {
				return 0, err
			}
		default:
			if err := c.next(); err != nil {
				return 0, err
			}
		}
	}
	return 0, nil
}

// next reads the header of a packet (MQTT 3.1.1, section 2.2: a byte for the type, one to four for the length of what follows).
func (c *packetReader) next() error {
	kind, err := c.in.ReadByte()
	if err != nil {
		return err
	}
	length, bytes := uint64(0), 0
	for more := true; more; bytes++ {
		if bytes == 4 {
			return errors.New("a packet's length has more than four bytes: what answers does not speak MQTT")
		}
		b, err := c.in.ReadByte()
		if err != nil {
			return err
		}
		length |= uint64(b&0x7f) << (7 * bytes)
		more = b >= 0x80
	}
	c.keep = min(int(length), c.maxOther)
	if kind>>4 == packets.Publish {
		c.keep = min(int(length), maxPublish)
		topic, err := c.topic(int(length))
		if err != nil {
			return err
		}
		if !c.limit.allow(topic, kind&1 != 0, c.in.Buffered() <= int(length)) {
			c.keep, c.skip = 0, int64(length)
			return nil
		}
	}
	c.skip = int64(length) - int64(c.keep)
	c.header = binary.AppendUvarint(append(c.header[:0], kind), uint64(c.keep))
	return nil
}

// topic returns that of the message which comes next, of so many bytes. It stays to be read. Too long for one of ours, it is
// empty.
func (c *packetReader) topic(length int) ([]byte, error) {
	if length < 2 {
		return nil, nil
	}
	size, err := c.in.Peek(2)
	if err != nil {
		return nil, err
	}
	n := 2 + int(binary.BigEndian.Uint16(size))
	if n > length || n > readBuffer {
		return nil, nil
	}
	all, err := c.in.Peek(n)
	if err != nil {
		return nil, err
	}
	return all[2:], nil
}
