// Package packetreader protects a robot's MQTT client from what it receives: packets that are too long, and floods of requests.
//
//	limit := packetreader.NewRateLimit(topics, stopping, stop, &dropped)
//	conn = packetreader.New(conn, len(filters), limit) // for the client library
//
// Any client of a broker may have published what it delivers. The client library allocates as many bytes as a packet claims to
// have, up to 256 MiB, and panics if the answer to a subscription has more codes than the subscription has filters. A Reader
// truncates packets that are too long and discards the rest. The robot then refuses the request as too large. Requests over the
// rate are discarded where they arrive; those that stop the robot are obeyed without being read.
package packetreader

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"
	"net"

	"github.com/eclipse/paho.mqtt.golang/packets"
)

const (
	// MaxPublish is the longest packet with a message, in bytes: more than a request that is refused as too large, and its topic.
	MaxPublish = 256 << 10
	// packetNumber is the length of an acknowledgement, in bytes. That of a subscription has one more for each filter.
	packetNumber = 2
)

// Reader is a connection. It limits the length of incoming packets, and the rate of incoming requests.
type Reader struct {
	net.Conn
	in       *bufio.Reader
	limit    *RateLimit
	maxOther int    // the longest packet that is not a message, in bytes
	header   []byte // of the current packet, as far as Read has not returned it
	keep     int    // bytes of the current packet that Read will return
	skip     int64  // bytes after those that it will discard
}

// New wraps the connection of a client that subscribes to at most so many filters at once. The connections of a robot may share a
// limit.
func New(conn net.Conn, filters int, limit *RateLimit) *Reader {
	return &Reader{Conn: conn, in: bufio.NewReaderSize(conn, readBuffer), limit: limit, maxOther: packetNumber + filters}
}

// Read implements io.Reader.
func (r *Reader) Read(p []byte) (int, error) {
	for len(p) > 0 {
		switch {
		case len(r.header) > 0:
			n := copy(p, r.header)
			r.header = r.header[n:]
			return n, nil
		case r.keep > 0:
			n, err := r.in.Read(p[:min(len(p), r.keep)])
			r.keep -= n
			return n, err
		case r.skip > 0:
			n, err := io.CopyN(io.Discard, r.in, r.skip)
			r.skip -= n
			if err != nil {
				return 0, err
			}
		default:
			if err := r.next(); err != nil {
				return 0, err
			}
		}
	}
	return 0, nil
}

// next reads the header of a packet: a byte for the type, one to four for the length of the rest (MQTT 3.1.1, section 2.2).
func (r *Reader) next() error {
	kind, err := r.in.ReadByte()
	if err != nil {
		return err
	}
	length, bytes := uint64(0), 0
	for more := true; more; bytes++ {
		if bytes == 4 {
			return errors.New("the length of a packet has more than four bytes: the other side does not speak MQTT")
		}
		b, err := r.in.ReadByte()
		if err != nil {
			return err
		}
		length |= uint64(b&0x7f) << (7 * bytes)
		more = b >= 0x80
	}
	r.keep = min(int(length), r.maxOther)
	if kind>>4 == packets.Publish {
		r.keep = min(int(length), MaxPublish)
		topic, err := r.topic(int(length))
		if err != nil {
			return err
		}
		if !r.limit.allow(topic, int(length), kind&1 != 0, r.in.Buffered() <= int(length)) {
			r.keep, r.skip = 0, int64(length)
			return nil
		}
	}
	r.skip = int64(length) - int64(r.keep)
	r.header = binary.AppendUvarint(append(r.header[:0], kind), uint64(r.keep))
	return nil
}

// topic returns the topic of the next message, which has so many bytes, without consuming it. It is empty if it is longer than a
// topic of the robot can be.
func (r *Reader) topic(length int) ([]byte, error) {
	if length < 2 {
		return nil, nil
	}
	size, err := r.in.Peek(2)
	if err != nil {
		return nil, err
	}
	n := 2 + int(binary.BigEndian.Uint16(size))
	if n > length || n > readBuffer {
		return nil, nil
	}
	all, err := r.in.Peek(n)
	if err != nil {
		return nil, err
	}
	return all[2:], nil
}
