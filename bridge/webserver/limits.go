package webserver

import (
	"net"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

const (
	// headerPatience is how long a request may take to arrive, and a TLS handshake.
	headerPatience = 5 * time.Second
	// answerPatience is how long a client may take to read an answer. idlePatience is how long a connection is kept for the next
	// request.
	answerPatience = 20 * time.Second
	idlePatience   = 10 * time.Second
	// maxHeader is the size of a request, in bytes. Browsers add the cookies of everything else on the same host, at any port.
	maxHeader = 32 << 10
	// acceptRate and acceptBurst bound the new connections of all clients together, a second and at once, and handshakeRate and
	// handshakeBurst the TLS handshakes, which take a small board some milliseconds.
	acceptRate     = 200
	acceptBurst    = 200
	handshakeRate  = 10
	handshakeBurst = 60
	// bytesIn and bytesOut bound what a connection sends and is sent, in bytes a second, once burstIn and burstOut are used up. A
	// page sends small requests. It is sent the robot's description, up to megabytes, and then telemetry.
	bytesIn  = 64 << 10
	burstIn  = 256 << 10
	bytesOut = 1 << 20
	burstOut = 8 << 20
	// endPatience is how long Close waits for all.
	endPatience = 3 * time.Second
)

// Seats are places for a limited number of clients. One address may take half of them, but this machine, from where tunnels come,
// may take all. Any goroutine may use them.
type Seats struct {
	most  int
	mutex sync.Mutex
	taken int
	from  map[netip.Addr]int
}

// NewSeats returns so many places, at least one.
func NewSeats(most int) *Seats { return &Seats{most: max(1, most), from: map[netip.Addr]int{}} }

// Take takes a place. The function that it returns gives the place back, once.
func (s *Seats) Take(by netip.Addr) (leave func(), ok bool) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if s.taken >= s.most || !by.IsLoopback() && s.from[by] >= (s.most+1)/2 {
		return nil, false
	}
	s.taken++
	s.from[by]++
	return sync.OnceFunc(func() {
		s.mutex.Lock()
		defer s.mutex.Unlock()
		s.taken--
		if s.from[by]--; s.from[by] == 0 {
			delete(s.from, by)
		}
	}), true
}

// Of returns the address of a client, without its port. An IPv6 client may choose from all addresses of its network: they are
// one.
func Of(remote string) netip.Addr {
	at, err := netip.ParseAddrPort(remote)
	if err != nil {
		return netip.Addr{}
	}
	a := at.Addr().Unmap().WithZone("")
	if network, err := a.Prefix(64); err == nil && a.Is6() && !a.IsLoopback() {
		return network.Addr()
	}
	return a
}

// entrance bounds the connections, and what each of them sends and is sent.
type entrance struct {
	net.Listener
	seats   *Seats
	refused *refusals
	pace    Pace
}

// Accept returns the next connection for which there is a place, and closes others.
func (e *entrance) Accept() (net.Conn, error) {
	for {
		conn, err := e.Listener.Accept()
		if err != nil {
			return nil, err
		}
		e.pace.Spend(1)
		leave, ok := e.seats.Take(Of(conn.RemoteAddr().String()))
		if ok {
			return &visitor{conn, leave, NewPace(bytesIn, burstIn), NewPace(bytesOut, burstOut)}, nil
		}
		e.refused.add(TooManyConnections, conn.RemoteAddr().String())
		conn.Close()
	}
}

// visitor is a connection that gives its place back when it is closed.
type visitor struct {
	net.Conn
	leave   func()
	in, out Pace
}

func (v *visitor) Read(into []byte) (int, error) {
	n, err := v.Conn.Read(into[:min(len(into), burstIn)])
	v.in.Spend(n)
	return n, err
}

func (v *visitor) Write(text []byte) (written int, err error) {
	for err == nil && written < len(text) {
		var n int
		n, err = v.Conn.Write(text[written:min(len(text), written+bytesOut/4)])
		written += n
		v.out.Spend(n)
	}
	return written, err
}

func (v *visitor) Close() error {
	v.leave()
	return v.Conn.Close()
}

// Pace slows down a spender that is faster than its rate.
type Pace struct{ limiter *rate.Limiter }

// NewPace returns a pace of so much a second, once the burst is used up.
func NewPace(perSecond rate.Limit, burst int) Pace { return Pace{rate.NewLimiter(perSecond, burst)} }

// Spend waits until n may be spent, which is at most the burst: for n divided by the rate at most.
func (p Pace) Spend(n int) {
	if n > 0 {
		time.Sleep(p.limiter.ReserveN(time.Now(), n).Delay())
	}
}
