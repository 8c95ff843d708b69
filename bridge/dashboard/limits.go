package dashboard

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/netip"
	"slices"
	"strings"
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
	// connectionsForPage is how many connections there may be for each page: its WebSocket, and those for its files.
	connectionsForPage = 4

	// requestRate and requestBurst bound the requests of all clients together, a second and at once. A class that opens the page
	// makes some five requests each.
	requestRate  = 100
	requestBurst = 300
	// acceptRate and acceptBurst do the same for new connections, and handshakeRate and handshakeBurst for TLS handshakes, which
	// take a small board some milliseconds.
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

	// loginsAtOnce bounds the logins that the broker checks for pages. It sees this machine's address for all of them, and takes a
	// few more at a time from one address: the rest is for fluxctl.
	loginsAtOnce = 8
	// loginPatience is how long a page may take to send its first message, and the broker to answer it.
	loginPatience = 5 * time.Second
	// writePatience is how long a page may read nothing, and the broker.
	writePatience = 10 * time.Second
	// silence is how long a page may send nothing. MQTT clients ping: see the keep alive of MQTT 3.1.1, section 3.1.2.10.
	silence = 2 * time.Minute
	// maxMessage is the size of a WebSocket message from a page, in bytes. MQTT packets may be split over messages.
	maxMessage = 128 << 10
	// pingRate and pingBurst bound the pings of a client, which cost an answer each. Browsers send none.
	pingRate  = 1
	pingBurst = 10
	// messageRate and messageBurst bound the messages of a page. The next ones wait.
	messageRate  = 200
	messageBurst = 1000

	// closePatience is how long a page may take to confirm that its WebSocket ends, and endPatience how long Close waits for all.
	closePatience = time.Second
	endPatience   = 3 * time.Second
	// refusalsEvery is the time between two lines in the log about what was refused.
	refusalsEvery = 10 * time.Second
)

// seats are places for a limited number of clients. One address may take half of them, but this machine, from where tunnels come,
// may take all.
type seats struct {
	most  int
	mutex sync.Mutex
	taken int
	from  map[netip.Addr]int
}

func newSeats(most int) *seats { return &seats{most: max(1, most), from: map[netip.Addr]int{}} }

// take takes a place. The function that it returns gives the place back, once.
func (s *seats) take(by netip.Addr) (leave func(), ok bool) {
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

// of returns the address of a client, without its port. An IPv6 client may choose from all addresses of its network: they are
// one.
func of(remote string) netip.Addr {
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
	seats   *seats
	refused *refusals
	pace    pace
}

// Accept returns the next connection for which there is a place, and closes others.
func (e *entrance) Accept() (net.Conn, error) {
	for {
		conn, err := e.Listener.Accept()
		if err != nil {
			return nil, err
		}
		e.pace.spend(1)
		leave, ok := e.seats.take(of(conn.RemoteAddr().String()))
		if ok {
			return &visitor{conn, leave, newPace(bytesIn, burstIn), newPace(bytesOut, burstOut)}, nil
		}
		e.refused.add(tooManyConnections, conn.RemoteAddr().String())
		conn.Close()
	}
}

// visitor is a connection that gives its place back when it is closed.
type visitor struct {
	net.Conn
	leave   func()
	in, out pace
}

func (v *visitor) Read(into []byte) (int, error) {
	n, err := v.Conn.Read(into[:min(len(into), burstIn)])
	v.in.spend(n)
	return n, err
}

func (v *visitor) Write(text []byte) (written int, err error) {
	for err == nil && written < len(text) {
		var n int
		n, err = v.Conn.Write(text[written:min(len(text), written+bytesOut/4)])
		written += n
		v.out.spend(n)
	}
	return written, err
}

func (v *visitor) Close() error {
	v.leave()
	return v.Conn.Close()
}

// pace slows down a spender that is faster than its rate.
type pace struct{ limiter *rate.Limiter }

func newPace(perSecond rate.Limit, burst int) pace { return pace{rate.NewLimiter(perSecond, burst)} }

// spend waits until n may be spent, which is at most the burst: for n divided by the rate at most.
func (p pace) spend(n int) {
	if n > 0 {
		time.Sleep(p.limiter.ReserveN(time.Now(), n).Delay())
	}
}

// A refusal is why something was refused, for the log.
type refusal string

const (
	tooManyConnections refusal = "too many connections"
	tooManyPages       refusal = "too many pages"
	tooManyLogins      refusal = "too many logins at a time"
	tooManyRequests    refusal = "too many requests"
	wrongHost          refusal = "wrong Host"
	wrongOrigin        refusal = "wrong Origin"
	wrongRequest       refusal = "wrong request"
	brokenRules        refusal = "page against the rules"
	noBroker           refusal = "no broker"
)

// refusals counts what was refused.
type refusals struct {
	log   *slog.Logger
	mutex sync.Mutex
	count map[refusal]int
	last  string
}

func newRefusals(log *slog.Logger) *refusals { return &refusals{log: log, count: map[refusal]int{}} }

// add counts a refusal. Details says who or what was refused last.
func (r *refusals) add(why refusal, details string) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	r.count[why]++
	r.last = fmt.Sprintf("%s: %s", why, details)
}

// flush logs what was refused since the last call.
func (r *refusals) flush() {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	if len(r.count) == 0 {
		return
	}
	var all []string
	for _, why := range slices.Sorted(maps.Keys(r.count)) {
		all = append(all, fmt.Sprintf("%s: %d", why, r.count[why]))
	}
	r.log.Warn("dashboard: refused", "what", strings.Join(all, ", "), "last", r.last)
	clear(r.count)
}

// run logs what is refused, until the context ends.
func (r *refusals) run(ctx context.Context) {
	defer r.flush()
	every := time.NewTicker(refusalsEvery)
	defer every.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-every.C:
			r.flush()
		}
	}
}
