package bridge

import (
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/mochi-mqtt/server/v2/packets"
	"golang.org/x/time/rate"
)

// The broker library waits for ever for a connection's first packet, takes any number of connections, reserves memory for whatever length a packet
// says it has, and stops listening at the first error: strangers could take all files and all memory from a robot, without a password.
const (
	// mostStrangers bounds the connections that have not logged in; one more takes the place of the oldest.
	mostStrangers = 128
	// strangerPatience is how long one may take to log in, not counting the check of the password.
	strangerPatience = 5 * time.Second
	// strangerPacket and guestPacket bound a packet, in bytes: room for credentials and a last will, and for a request that is told to be too large.
	strangerPacket = MaxRequest
	guestPacket    = 4 * MaxRequest
	// strangersAtOnce is how many have to go when no file is left for one more: it leaves the robot a few.
	strangersAtOnce = 16
	// acceptPause is the time until the next try then.
	acceptPause = 10 * time.Millisecond
	// acceptEvery is the time from one connection to the next: each is some 50 us of work, and the control loop waits for those that come at once.
	// With TLS it is some 200 us, most of it in one piece, and garbage to be collected.
	acceptEvery        = time.Millisecond
	acceptSecuredEvery = 20 * time.Millisecond
	// controlRate and controlBurst bound the subscriptions and the like of a client, a second and at once: one subscription may bring thousands of
	// retained messages. What is published has bounds of its own, at which nothing waits: an emergency stop may stand behind it.
	controlRate  = 100
	controlBurst = 1000
)

// entrance is where connections come in. It keeps strangers few, small and in motion.
type entrance struct {
	net.Listener
	every    time.Duration // from one connection to the next
	patience time.Duration // strangerPatience
	failed   func(error)   // tells of connections that cannot be accepted
	next     time.Time     // one may be accepted; the accepting goroutine's

	mutex     sync.Mutex
	strangers []*visitor // oldest first
}

func newEntrance(l net.Listener, every time.Duration, log func(error)) *entrance {
	seldom := &rate.Sometimes{First: 1, Interval: time.Minute}
	return &entrance{Listener: l, every: every, patience: strangerPatience, failed: func(err error) { seldom.Do(func() { log(err) }) }}
}

// Accept waits for the next connection. Its error is the end of the listener.
func (e *entrance) Accept() (net.Conn, error) {
	for {
		time.Sleep(time.Until(e.next))
		conn, err := e.Listener.Accept()
		switch {
		case err == nil:
			e.next = time.Now().Add(e.every)
			return e.visit(conn), nil
		case errors.Is(err, net.ErrClosed):
			return nil, err
		}
		e.failed(err) // as a rule there is no file left for it
		e.turnOut(strangersAtOnce)
		time.Sleep(acceptPause)
	}
}

func (e *entrance) visit(conn net.Conn) net.Conn {
	_ = conn.SetReadDeadline(time.Now().Add(e.patience)) // the broker sets its own after the login; on a connection that has ended it fails
	v := &visitor{Conn: conn, at: e, pace: rate.NewLimiter(controlRate, controlBurst)}
	v.most.Store(strangerPacket)
	e.mutex.Lock()
	e.strangers = append(e.strangers, v)
	over := len(e.strangers) - mostStrangers
	e.mutex.Unlock()
	e.turnOut(over)
	return v
}

// turnOut ends the oldest connections that have not logged in, a number of them if there are so many.
func (e *entrance) turnOut(number int) {
	e.mutex.Lock()
	oldest := slices.Clone(e.strangers[:max(0, min(number, len(e.strangers)))])
	e.mutex.Unlock()
	for _, v := range oldest {
		v.Close()
	}
}

// visitor is a connection that came in.
type visitor struct {
	net.Conn
	at   *entrance
	most atomic.Int64 // bytes of a packet
	now  framing
	pace *rate.Limiter // of packets that publish nothing
}

// admit takes a visitor who has logged in from the strangers, and bounds its packets.
func (v *visitor) admit(most int64) {
	v.most.Store(most)
	v.leave()
}

func (v *visitor) leave() {
	v.at.mutex.Lock()
	defer v.at.mutex.Unlock()
	if i := slices.Index(v.at.strangers, v); i >= 0 {
		v.at.strangers = slices.Delete(v.at.strangers, i, i+1)
	}
}

// Close ends the connection.
func (v *visitor) Close() error {
	v.leave()
	return v.Conn.Close()
}

// Read ends the connection when a packet begins that is too long, before anybody reserves memory for it, and waits when they come too fast.
func (v *visitor) Read(p []byte) (int, error) {
	n, err := v.Conn.Read(p)
	longest, controls := v.now.follow(p[:n])
	if longest > v.most.Load() {
		v.Close()
		return 0, fmt.Errorf("packet of %d bytes: expected at most %d", longest, v.most.Load())
	}
	if at := v.pace.ReserveN(time.Now(), min(controls, controlBurst)); at.OK() {
		time.Sleep(at.Delay())
	}
	return n, err
}

// framing follows the packets in a stream (MQTT 3.1.1, section 2.2: a byte for the type, one to four for the length of what follows, seven bits
// each, the lowest first).
type framing struct {
	left   int64 // bytes of the present packet
	length int64 // as far as it has been read
	bytes  int   // of the header so far
}

// follow returns the length of the longest of the packets that begin in a piece of the stream, and how many of them have to do with subscriptions
// or with nothing, such as a ping.
func (f *framing) follow(piece []byte) (longest int64, controls int) {
	for len(piece) > 0 {
		if f.left > 0 {
			skipped := min(f.left, int64(len(piece)))
			f.left -= skipped
			piece = piece[skipped:]
			continue
		}
		b := piece[0]
		piece = piece[1:]
		if f.bytes++; f.bytes == 1 {
			switch b >> 4 {
			case packets.Publish, packets.Puback, packets.Pubrec, packets.Pubrel, packets.Pubcomp:
			default:
				controls++
			}
			continue
		}
		f.length |= int64(b&0x7f) << (7 * (f.bytes - 2))
		if b < 0x80 || f.bytes == 5 { // a fifth of length is a mistake that the broker sees too
			longest = max(longest, f.length)
			*f = framing{left: f.length}
		}
	}
	return longest, controls
}
