package broker

import (
	"crypto/sha256"
	"crypto/subtle"
	"log/slog"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"golang.org/x/time/rate"

	"fluxd/bridge/protocol"
	"fluxd/bridge/users"
)

const (
	// failurePause is how long a failed login is kept waiting: guessing takes time.
	failurePause = 500 * time.Millisecond
	// loginRate and loginBurst bound the logins of a user, a second and at once. Who comes faster waits, up to loginPatience:
	// each login costs a session, which the server keeps if the client says so.
	loginRate     = 50
	loginBurst    = 100
	loginPatience = 2 * time.Second
	// usersEvery is how often the gate looks whether the file of users has changed.
	usersEvery = time.Second
)

// gate decides who may log in, and with which rights. The server asks it on a goroutine of the client that wants in.
type authenticator struct {
	robot    protocol.Topics
	secret   string // the password of the robot's own clients, and of the one that sets up the server
	clients  int    // at most, the robot's own not counted
	users    *users.Users
	log      *slog.Logger
	server   *server.Server
	mayLog   rate.Sometimes
	failures int

	ready chan struct{} // closed when the server is set up: before, nobody may do anything, and after that nobody more than a client

	mutex      sync.Mutex
	sessions   map[uint64]session       // by the server's number of the connection
	loginRates map[string]*rate.Limiter // of logins, by user
}

func newAuthenticator(robot protocol.Topics, secret string, clients int, log *slog.Logger) *authenticator {
	return &authenticator{robot: robot, secret: secret, clients: clients, log: log, mayLog: rate.Sometimes{First: 3, Interval: time.Second}, ready: make(chan struct{}), sessions: map[uint64]session{}, loginRates: map[string]*rate.Limiter{}}
}

// session is a client that has logged in.
type session struct {
	name string
	user users.User // as in the file when it logged in
}

// setupUser is the user name of the client in the process that sets up the server.
const setupUser = "setup"

// Check lets a client in, or not. It is called by the server.
func (g *authenticator) Check(c server.ClientAuthentication) bool {
	name, password := c.GetOpts().Username, c.GetOpts().Password
	if name == setupUser && equal(password, g.secret) {
		select {
		case <-g.ready: // there is one, and it has connected
			return false
		default:
			return true
		}
	}
	<-g.ready
	if name == robotUser && equal(password, g.secret) {
		c.RegisterUser(&server.User{Username: robotUser, Permissions: robotRights(g.robot)})
		return true
	}
	address, _, _ := net.SplitHostPort(c.RemoteAddress().String())
	one := users.User{Role: users.Operator} // where nobody has to log in
	if g.users != nil {
		known, ok, problem := g.users.Check(name, password, address)
		g.logProblem(problem)
		if !ok {
			g.refuse("a login failed", "user", name, "address", address)
			time.Sleep(failurePause)
			return false
		}
		one = known
	} else {
		name = "" // whoever it says it is
	}
	if wait := g.loginDelay(name); wait > loginPatience {
		g.refuse("a user logs in too often", "user", name, "address", address, "most_per_s", loginRate)
		return false
	} else if wait > 0 {
		time.Sleep(wait)
	}
	if !g.admit(c.GetID(), session{name, one}) {
		g.refuse("there is no room for one more client: raise mqtt.clients", "clients", g.clients, "user", name, "address", address)
		return false
	}
	c.RegisterUser(&server.User{Username: name, Permissions: rights(g.robot, name, one.Role)})
	return true
}

// wait returns how long a login of a user has to wait. It counts for none if that is longer than loginPatience.
func (g *authenticator) loginDelay(user string) time.Duration {
	g.mutex.Lock()
	defer g.mutex.Unlock()
	pace := g.loginRates[user]
	if pace == nil { // there are as many as users in the file
		pace = rate.NewLimiter(loginRate, loginBurst)
		g.loginRates[user] = pace
	}
	turn := pace.Reserve()
	if turn.Delay() > loginPatience {
		turn.Cancel()
		return loginPatience + 1
	}
	return turn.Delay()
}

// settle opens the gate.
func (g *authenticator) open() { close(g.ready) }

// same compares in constant time, also for different lengths.
func equal(got, want string) bool {
	a, b := sha256.Sum256([]byte(got)), sha256.Sum256([]byte(want))
	return subtle.ConstantTimeCompare(a[:], b[:]) == 1
}

// admit notes a client, if there is room for one. Of the places viewers may take half, and tuners with them three quarters: who
// may only look cannot keep out who is to stop the robot.
func (g *authenticator) admit(id uint64, one session) bool {
	room, among := g.clients, []users.Role{}
	switch one.user.Role {
	case users.Viewer:
		room, among = (g.clients+1)/2, []users.Role{users.Viewer}
	case users.Tuner:
		room, among = (3*g.clients+3)/4, []users.Role{users.Viewer, users.Tuner}
	}
	g.mutex.Lock()
	defer g.mutex.Unlock()
	g.removeGone()
	taken := 0
	for _, other := range g.sessions {
		if len(among) == 0 || slices.Contains(among, other.user.Role) {
			taken++
		}
	}
	if taken >= room || len(g.sessions) >= g.clients {
		return false
	}
	g.sessions[id] = one
	return true
}

// forget drops the clients that have gone. The mutex is held.
func (g *authenticator) removeGone() {
	for id := range g.sessions {
		if g.server.GetClient(id) == nil {
			delete(g.sessions, id)
		}
	}
}

// refuse logs why somebody is not let in, now and then.
func (g *authenticator) refuse(why string, more ...any) {
	g.mutex.Lock()
	g.failures++
	failures := g.failures
	g.mutex.Unlock()
	g.mayLog.Do(func() { g.log.Warn(why, append(more, "refused", failures)...) })
}

// troubled logs that the file of users cannot be used, if it cannot.
func (g *authenticator) logProblem(problem error) {
	if problem != nil {
		g.log.Error("the file of users cannot be used: those stay who were there", "error", problem)
	}
}

// look disconnects the clients whose user was taken out, or has another role or password: they may log in again with that. It
// returns when the channel is closed.
func (g *authenticator) disconnectChanged(end <-chan struct{}) {
	every := time.NewTicker(usersEvery)
	defer every.Stop()
	for {
		select {
		case <-end:
			return
		case <-every.C:
		}
		changed, problem := g.users.Changed() // outside of the lock: a disk may be slow
		g.logProblem(problem)
		var gone []uint64
		g.mutex.Lock()
		for id, one := range g.sessions {
			if changed(one.name, one.user) {
				g.log.Info("a user was changed: its client has to log in again", "user", one.name)
				gone = append(gone, id)
			}
		}
		g.mutex.Unlock()
		for _, id := range gone {
			_ = g.server.DisconnectClientByID(id) // it may have gone meanwhile
		}
	}
}
