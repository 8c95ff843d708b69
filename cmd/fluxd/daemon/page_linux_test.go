package daemon

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"fluxd/bridge/protocol"
	"fluxd/bridge/transport"

	"github.com/coder/websocket"
	mqtt "github.com/eclipse/paho.mqtt.golang"
)

// pageRobot starts a robot with users and a page.
func pageRobot(t *testing.T) *besieged {
	t.Helper()
	folder, address := t.TempDir(), freeAddress(t)
	threeUsers(t, folder)
	robot, _ := start(t, parse(t, beating(fmt.Sprintf("{listen: '%s', passwords: '%s/three'}\ndashboard: {listen: '127.0.0.1:0'}",
		address, folder)), nil))
	s := &besieged{robot: robot, users: true}
	s.urlOf = func(user string) string { return fmt.Sprintf("tcp://%s:%s@%s", user, user+user, address) }
	s.tuner = connect(t, s.urlOf("tuner"), "flux/beating/res/#")
	s.operator = connect(t, s.urlOf("operator"), "flux/beating/res/#")
	return s
}

// socket opens the page's WebSocket, as the page does.
func socket(ctx context.Context, page string) (*websocket.Conn, error) {
	conn, _, err := websocket.Dial(ctx, page+"mqtt", &websocket.DialOptions{Subprotocols: []string{"mqtt"},
		HTTPHeader: http.Header{"Origin": {strings.TrimSuffix(page, "/")}}})
	return conn, err
}

// throughPage is an MQTT client whose connection is the page's WebSocket.
func throughPage(t *testing.T, page, user, password string) (*client, error) {
	t.Helper()
	c := &client{messages: make(chan mqtt.Message, 4096)}
	opts := mqtt.NewClientOptions().AddBroker("ws://page").SetClientID(fmt.Sprintf("page-%d", clients.Add(1))).
		SetUsername(user).SetPassword(password).SetProtocolVersion(4).SetStore(transport.NewStore()).SetAutoReconnect(false).
		SetCustomOpenConnectionFn(func(*url.URL, mqtt.ClientOptions) (net.Conn, error) {
			conn, err := socket(t.Context(), page)
			if err != nil {
				return nil, err
			}
			return websocket.NetConn(t.Context(), conn, websocket.MessageBinary), nil
		})
	c.Client = mqtt.NewClient(opts)
	token := c.Connect()
	if !token.WaitTimeout(patience) {
		t.Fatal("no answer to CONNECT through the page")
	}
	if token.Error() != nil {
		return nil, token.Error()
	}
	t.Cleanup(func() { c.Disconnect(0) })
	receive := func(_ mqtt.Client, message mqtt.Message) { c.messages <- message }
	if token := c.Subscribe("flux/beating/res/#", 0, receive); !token.WaitTimeout(patience) || token.Error() != nil {
		t.Fatalf("subscribe through the page: %v", token.Error())
	}
	return c, nil
}

// loggedIn is throughPage for one of the three users. It tries again: on a busy machine, the broker may give up a login.
func loggedIn(t *testing.T, page, user string) (c *client) {
	t.Helper()
	eventually(t, "a login of the "+user, func() bool {
		var err error
		c, err = throughPage(t, page, user, user+user)
		return err == nil
	})
	return c
}

// Who opens the page has the rights of the user who logs in, and no others.
func TestPageAndBrokerHoldUsersToTheirRoles(t *testing.T) {
	inRealTime(t)
	s := pageRobot(t)
	page := s.robot.Dashboard()
	threshold := func() float64 {
		values, _, err := s.robot.Get([]string{"network.neurons.a.threshold"})
		if err != nil {
			t.Fatal(err)
		}
		return values["network.neurons.a.threshold"].V
	}
	for _, c := range []struct{ user, password string }{{"", ""}, {"viewer", "wrong"}, {"nobody", "nobodynobody"},
		{"fluxd", "guessed"}} {
		if _, err := throughPage(t, page, c.user, c.password); err == nil {
			t.Errorf("user %q with password %q is let in", c.user, c.password)
		}
	}
	viewer := loggedIn(t, page, "viewer")
	s.timed(t, viewer, "get", protocol.Request{}) // it may read
	viewer.send("set", protocol.Request{Set: map[string]float64{"network.neurons.a.threshold": 77}})
	s.timed(t, s.tuner, "get", protocol.Request{}) // by now the viewer's request would have been obeyed, or soon will be
	tuner := loggedIn(t, page, "tuner")
	s.timed(t, tuner, "set", protocol.Request{Set: map[string]float64{"network.neurons.b.threshold": 88}})
	if got := threshold(); got != 100 {
		t.Errorf("a viewer has set a threshold to %g", got)
	}
	tuner.send("drive", protocol.Request{}) // the broker lets only an operator
	operator := loggedIn(t, page, "operator")
	s.timed(t, operator, "disarm", protocol.Request{})
	if state := s.robot.Health().Safety.State; state == "armed" {
		t.Errorf("%s after an operator has disarmed it through the page", state)
	}
}

// When the broker is killed, pages are given a reason, and can connect again when it is back.
func TestPageWhenTheOwnBrokerIsKilled(t *testing.T) {
	inRealTime(t)
	s := pageRobot(t)
	var conn *websocket.Conn
	login := packet(0x10, text("MQTT"), "\x04\xc2\x00\x3c", text("c"), text("viewer"), text("viewerviewer"))
	eventually(t, "a login", func() (ok bool) { // the broker gives up one that takes it too long, on a busy machine
		var err error
		if conn, err = socket(t.Context(), s.robot.Dashboard()); err != nil {
			return false
		}
		if conn.Write(t.Context(), websocket.MessageBinary, []byte(login)) == nil {
			_, answer, err := conn.Read(t.Context())
			ok = err == nil && strings.HasPrefix(string(answer), "\x20\x02\x00\x00")
		}
		if !ok {
			_ = conn.CloseNow()
		}
		return ok
	})
	defer conn.CloseNow()
	killOwn(t, s.robot)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if _, _, err := conn.Read(ctx); websocket.CloseStatus(err) != websocket.StatusTryAgainLater {
		t.Errorf("%v: expected the close code 1013", err)
	}
	loggedIn(t, s.robot.Dashboard(), "viewer")
}

// floods are what hostile clients do to a page. Each connects again when it is disconnected.
var floods = map[string]func(ctx context.Context, page, host string){
	"requests": func(_ context.Context, _, host string) {
		if conn, err := net.Dial("tcp", host); err == nil {
			defer conn.Close()
			go io.Copy(io.Discard, conn)
			for err == nil {
				_, err = io.WriteString(conn, "GET /app.js HTTP/1.1\r\nHost: localhost\r\n\r\n")
			}
		}
	},
	"connections": func(_ context.Context, _, host string) {
		if conn, err := net.Dial("tcp", host); err == nil {
			conn.Close()
		}
	},
	"half a header": func(ctx context.Context, _, host string) {
		if conn, err := net.Dial("tcp", host); err == nil {
			defer conn.Close()
			_, _ = io.WriteString(conn, "GET / HTTP/1.1\r\nX: ")
			stop := context.AfterFunc(ctx, func() { conn.Close() })
			defer stop()
			_, _ = io.Copy(io.Discard, conn)
		}
	},
	"empty MQTT packets": func(ctx context.Context, page, _ string) {
		if conn, err := socket(ctx, page); err == nil {
			defer conn.CloseNow()
			for err == nil {
				err = conn.Write(ctx, websocket.MessageBinary, []byte("\xc0\x00"))
			}
		}
	},
	"logins with a wrong password": func(ctx context.Context, page, _ string) {
		if conn, err := socket(ctx, page); err == nil {
			defer conn.CloseNow()
			login := packet(0x10, text("MQTT"), "\x04\xc2\x00\x3c", text(""), text("operator"), text("guess"))
			if conn.Write(ctx, websocket.MessageBinary, []byte(login)) == nil {
				_, _, _ = conn.Read(ctx)
			}
		}
	},
	"all messages, 100 times": func(ctx context.Context, page, _ string) {
		if conn, err := socket(ctx, page); err == nil {
			defer conn.CloseNow()
			conn.SetReadLimit(-1)
			all := packet(0x10, text("MQTT"), "\x04\xc2\x00\x3c", text(""), text("viewer"), text("viewerviewer"))
			for range 100 {
				all += packet(0x82, "\x00\x01", text("flux/#"), "\x00")
			}
			err = conn.Write(ctx, websocket.MessageBinary, []byte(all))
			for err == nil {
				_, _, err = conn.Read(ctx)
			}
		}
	},
}

// Floods at the page delay neither the loop nor the clients of the broker, and cost no memory. The test logs how long answers
// take, and what the loop's latency was.
func TestOwnBrokerWithHostileClientsAtThePage(t *testing.T) {
	inRealTime(t)
	for name, flood := range floods {
		t.Run(strings.ReplaceAll(name, " ", "-"), func(t *testing.T) {
			s := pageRobot(t)
			page := s.robot.Dashboard()
			at, err := url.Parse(page)
			if err != nil {
				t.Fatal(err)
			}
			process, heap := s.robot.links.Own.Process(), heapInUse()
			ctx, cancel := context.WithCancel(t.Context())
			var all sync.WaitGroup
			for range 8 {
				all.Go(func() {
					for ctx.Err() == nil {
						once, done := context.WithTimeout(ctx, 5*time.Second)
						flood(once, page, at.Host)
						done()
						time.Sleep(time.Millisecond)
					}
				})
			}
			var answer, stop time.Duration
			for i, until := 0, time.Now().Add(3*time.Second); time.Now().Before(until); i++ {
				set := protocol.Request{Set: map[string]float64{"network.neurons.a.threshold": float64(100 + i)}}
				answer = max(answer, s.timed(t, s.tuner, "set", set))
				s.timed(t, s.operator, "disarm", protocol.Request{})
				stop = max(stop, s.newcomer(t, "estop"))
				time.Sleep(50 * time.Millisecond)
			}
			h := s.robot.Health()
			t.Logf("answer %v, estop on a new connection %v at most; loop latency p99.9 %d us, max %d us", answer, stop,
				h.Latency.P999, h.Latency.Max)
			cancel()
			s.robot.links.Close()
			all.Wait()
			if grown := heapInUse() - heap; grown > 64<<20 {
				t.Errorf("the heap has grown by %d MB", grown>>20)
			}
			if now := s.robot.links.Own.Process(); now != process && now != 0 {
				t.Error("the broker had to be started again")
			}
		})
	}
}
