package dashboard

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"time"

	"github.com/coder/websocket"
	"golang.org/x/time/rate"

	"fluxd/bridge/webserver"
)

// ending is why a WebSocket ends, as its page is given it.
type ending struct {
	code   websocket.StatusCode
	reason string
	counts webserver.Refusal // "" if nothing was refused
}

// maxReason is the size of a reason in a WebSocket's close frame, in bytes (RFC 6455, section 5.5).
const maxReason = 123

// connect copies a page's WebSocket to the broker and back, until either ends.
func (s *Server) connect(w http.ResponseWriter, r *http.Request) {
	if err := s.web.CheckOrigin(r); err != nil {
		s.web.Refuse(w, r, webserver.WrongOrigin, http.StatusForbidden, err.Error())
		return
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(s.web.Ends())) // its end would end the WebSocket without a reason
	defer cancel()
	l := &link{server: s, by: webserver.Of(r.RemoteAddr), ends: make(chan ending, 1)}
	pings := rate.NewLimiter(pingRate, pingBurst)
	var err error
	l.page, err = websocket.Accept(w, r, &websocket.AcceptOptions{
		Subprotocols:       []string{"mqtt"},
		InsecureSkipVerify: true, // of the Origin, which checkOrigin has done more strictly
		OnPingReceived: func(context.Context, []byte) bool {
			if pings.Allow() {
				return true
			}
			l.end(ending{websocket.StatusPolicyViolation, "too many pings", brokenRules})
			return false
		},
	})
	if err != nil { // it has answered
		s.web.Refused(webserver.WrongRequest, fmt.Sprintf("%v (from %s)", err, r.RemoteAddr))
		return
	}
	l.page.SetReadLimit(maxMessage)
	end := l.run(ctx)
	if end.counts != "" {
		s.web.Refused(end.counts, fmt.Sprintf("%s (from %s)", end.reason, r.RemoteAddr))
	}
	// This also ends the reads and writes of the goroutines that copy.
	hurry := time.AfterFunc(closePatience, func() { _ = l.page.CloseNow() })
	defer hurry.Stop()
	_ = l.page.Close(end.code, end.reason[:min(len(end.reason), maxReason)]) // an error means that the page has gone
}

// link is a page's WebSocket and its connection to the broker.
type link struct {
	server *Server
	page   *websocket.Conn
	by     netip.Addr
	ends   chan ending // the first reason to end
	heard  *time.Timer // ends a page that is silent
}

// end ends the link, unless something else has done so before.
func (l *link) end(why ending) {
	select {
	case l.ends <- why:
	default:
	}
}

// run copies until there is a reason to end, and returns it.
func (l *link) run(ctx context.Context) ending {
	s := l.server
	if l.page.Subprotocol() != "mqtt" {
		return ending{websocket.StatusPolicyViolation, "expected the subprotocol mqtt", brokenRules}
	}
	leave, ok := s.pages.Take(l.by)
	if !ok {
		return ending{websocket.StatusTryAgainLater,
			fmt.Sprintf("too many pages: expected at most %d, half of them from one address", s.options.Pages), tooManyPages}
	}
	defer leave()
	l.heard = time.AfterFunc(loginPatience, func() {
		l.end(ending{websocket.StatusPolicyViolation, "nothing came: expected an MQTT CONNECT, and then a PINGREQ at least every " +
			silence.String(), brokenRules})
	})
	defer l.heard.Stop()
	l.start(func() ending { return l.toBroker(ctx) })
	select {
	case end := <-l.ends:
		return end
	case <-s.web.Ends().Done():
		return ending{websocket.StatusGoingAway, "the robot ends", ""}
	}
}

// start starts a goroutine for one direction, so that neither waits for the other. The link ends when it does.
func (l *link) start(copies func() ending) {
	if !l.server.web.Enter() {
		return // the server ends, and so does the link
	}
	go func() {
		defer l.server.web.Leave()
		defer func() {
			if p := recover(); p != nil { // the robot runs on
				l.server.options.Log.Error("panic", "panic", p)
				l.end(ending{websocket.StatusInternalError, "the dashboard has failed: see the robot's log", ""})
			}
		}()
		l.end(copies())
	}()
}

// toBroker connects to the broker when the page's first message comes, and copies the page's messages to it. A page that sends
// nothing costs the broker nothing.
func (l *link) toBroker(ctx context.Context) ending {
	kind, message, err := l.page.Reader(ctx)
	if err != nil {
		return failed(err)
	}
	answered, ok := l.server.logins.Take(l.by)
	if !ok {
		return ending{websocket.StatusTryAgainLater, "too many logins at a time", tooManyLogins}
	}
	defer answered()
	dial, cancel := context.WithTimeout(ctx, loginPatience)
	broker, err := l.server.options.Dial(dial)
	cancel()
	if err != nil {
		l.server.web.Refused(noBroker, err.Error())
		return ending{websocket.StatusTryAgainLater, "the robot's broker does not answer", ""}
	}
	defer broker.Close()
	defer context.AfterFunc(ctx, func() { broker.Close() })() // ends a write
	l.start(func() ending { return l.toPage(ctx, broker, answered) })
	buffer, messages := make([]byte, 4<<10), webserver.NewPace(messageRate, messageBurst)
	for {
		if kind != websocket.MessageBinary {
			return ending{websocket.StatusUnsupportedData, "expected binary messages", brokenRules}
		}
		for err == nil {
			var n int
			n, err = message.Read(buffer)
			if n > 0 {
				_ = broker.SetWriteDeadline(time.Now().Add(writePatience)) // an error shows at the next line
				if _, err := broker.Write(buffer[:n]); err != nil {
					return brokerEnded
				}
			}
		}
		if err != io.EOF {
			return failed(err)
		}
		l.heard.Reset(silence)
		messages.Spend(1)
		if kind, message, err = l.page.Reader(ctx); err != nil {
			return failed(err)
		}
	}
}

var brokerEnded = ending{websocket.StatusTryAgainLater, "the robot's broker has ended the connection", ""}

// toPage copies what the broker sends to the page. It calls answered when the broker has sent something.
func (l *link) toPage(ctx context.Context, broker net.Conn, answered func()) ending {
	buffer := make([]byte, 32<<10)
	_ = broker.SetReadDeadline(time.Now().Add(loginPatience)) // an error shows at the next line
	for {
		n, err := broker.Read(buffer)
		if n > 0 {
			answered()
			_ = broker.SetReadDeadline(time.Time{})
			write, cancel := context.WithTimeout(ctx, writePatience)
			wrong := l.page.Write(write, websocket.MessageBinary, buffer[:n])
			late := write.Err() != nil && ctx.Err() == nil
			cancel()
			switch {
			case late:
				return ending{websocket.StatusPolicyViolation, fmt.Sprintf("the page has read nothing for %v", writePatience), brokenRules}
			case wrong != nil:
				return failed(wrong)
			}
		}
		if err != nil {
			return brokerEnded
		}
	}
}

// failed returns why a link ends whose page cannot be read or written.
func failed(err error) ending {
	var network net.Error
	var closed websocket.CloseError
	switch {
	case errors.As(err, &closed), errors.As(err, &network), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF),
		errors.Is(err, net.ErrClosed):
		return ending{websocket.StatusNormalClosure, "", ""} // the page has gone
	case errors.Is(err, websocket.ErrMessageTooBig):
		return ending{websocket.StatusMessageTooBig, fmt.Sprintf("expected messages of at most %d bytes", maxMessage), brokenRules}
	}
	return ending{websocket.StatusProtocolError, err.Error(), brokenRules}
}
