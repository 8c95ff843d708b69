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
	// failurePause is how long a failed login is delayed: guessing takes time.
	failurePause = 500 * time.Millisecond
	// loginRate and loginBurst bound the logins of a user, per second and at once. Further ones wait up to loginPatience. Each login
	// creates a session, which the server keeps if the client asks for it.
	loginRate     = 50
	loginBurst    = 100
	loginPatience = 2 * time.Second
	// usersEvery is how often the file of users is checked for changes.
	usersEvery = time.Second
)

// authenticator decides which clients may log in, and with which rights. The server calls it on a goroutine of the client.
type authenticator struct {
	robot    protocol.Topics
	secret   string // the password of the robot's own clients, and of the client that sets up the server
	clients  int    // how many may be logged in, not counting the robot's own
	users    *users.Users
	log      *slog.Logger
	server   *server.Server
	mayLog   rate.Sometimes
	failures int

	// ready is closed when the server is set up. Before, only the client that sets it up may log in, and after that only others may.
	ready chan struct{}

	mutex      sync.Mutex
	sessions   map[uint64]session       // by the server's number of the connection
	loginRates map[string]*rate.Limiter // by user
}

func newAuthenticator(robot protocol.Topics, secret string, clients int, log *slog.Logger) *authenticator {
	return &authenticator{robot: robot, secret: secret, clients: clients, log: log,
		mayLog: rate.Sometimes{First: 3, Interval: time.Second}, ready: make(chan struct{}),
		sessions: map[uint64]session{}, loginRates: map[string]*rate.Limiter{}}
}

// session is a client that has logged in.
type session struct {
	name string
	user users.User // as in the file when it logged in
}

// setupUser is the user name of the client in this process that sets up the server.
const setupUser = "setup"

// Check reports whether a client may log in. The server calls it.
func (a *authenticator) Check(c server.ClientAuthentication) bool {
	name, password := c.GetOpts().Username, c.GetOpts().Password
	if name == setupUser && equal(password, a.secret) {
		select {
		case <-a.ready: // it has done its work
			return false
		default:
			return true
		}
	}
	<-a.ready
	if name == robotUser && equal(password, a.secret) {
		c.RegisterUser(&server.User{Username: robotUser, Permissions: robotRights(a.robot)})
		return true
	}
	address, _, _ := net.SplitHostPort(c.RemoteAddress().String())
	one := users.User{Role: users.Operator} // without a file of users
	if a.users != nil {
		known, ok, problem := a.users.Check(name, password, address)
		a.logProblem(problem)
		if !ok {
			a.refuse("a login failed", "user", name, "address", address)
			time.Sleep(failurePause)
			return false
		}
		one = known
	} else {
		name = "" // it proves nothing
	}
	if wait := a.loginDelay(name); wait > loginPatience {
		a.refuse("a user logs in too often", "user", name, "address", address, "max_per_s", loginRate)
		return false
	} else if wait > 0 {
		time.Sleep(wait)
	}
	if !a.admit(c.GetID(), session{name, one}) {
		a.refuse("too many clients are logged in: raise mqtt.clients", "clients", a.clients, "user", name, "address", address)
		return false
	}
	c.RegisterUser(&server.User{Username: name, Permissions: rights(a.robot, name, one.Role)})
	return true
}

// loginDelay returns how long a login of a user has to wait. If that is longer than loginPatience, the login must be refused, and
// does not count.
func (a *authenticator) loginDelay(user string) time.Duration {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	limit := a.loginRates[user]
	if limit == nil { // at most one for each user in the file
		limit = rate.NewLimiter(loginRate, loginBurst)
		a.loginRates[user] = limit
	}
	reserved := limit.Reserve()
	if reserved.Delay() > loginPatience {
		reserved.Cancel()
		return loginPatience + 1
	}
	return reserved.Delay()
}

// open lets clients log in.
func (a *authenticator) open() { close(a.ready) }

// equal compares in constant time, for different lengths too.
func equal(got, want string) bool {
	first, second := sha256.Sum256([]byte(got)), sha256.Sum256([]byte(want))
	return subtle.ConstantTimeCompare(first[:], second[:]) == 1
}

// admit adds a client, if there is room for it. Viewers may take half of the places, viewers and tuners together three quarters:
// users who may only watch cannot keep out those who may stop the robot.
func (a *authenticator) admit(id uint64, client session) bool {
	room, among := a.clients, []users.Role{}
	switch client.user.Role {
	case users.Viewer:
		room, among = (a.clients+1)/2, []users.Role{users.Viewer}
	case users.Tuner:
		room, among = (3*a.clients+3)/4, []users.Role{users.Viewer, users.Tuner}
	}
	a.mutex.Lock()
	defer a.mutex.Unlock()
	a.removeGone()
	taken := 0
	for _, other := range a.sessions {
		if len(among) == 0 || slices.Contains(among, other.user.Role) {
			taken++
		}
	}
	if taken >= room || len(a.sessions) >= a.clients {
		return false
	}
	a.sessions[id] = client
	return true
}

// removeGone removes the clients that have disconnected. The mutex is held.
func (a *authenticator) removeGone() {
	for id := range a.sessions {
		if a.server.GetClient(id) == nil {
			delete(a.sessions, id)
		}
	}
}

// refuse logs why a client may not log in, at a limited rate.
func (a *authenticator) refuse(why string, more ...any) {
	a.mutex.Lock()
	a.failures++
	failures := a.failures
	a.mutex.Unlock()
	a.mayLog.Do(func() { a.log.Warn(why, append(more, "refused", failures)...) })
}

// logProblem logs a problem with the file of users, if there is one.
func (a *authenticator) logProblem(problem error) {
	if problem != nil {
		a.log.Error("the file of users cannot be used: the users read before stay valid", "error", problem)
	}
}

// disconnectChanged disconnects clients whose user was deleted or has another role or password. They may log in again with those.
// It returns when end is closed.
func (a *authenticator) disconnectChanged(end <-chan struct{}) {
	every := time.NewTicker(usersEvery)
	defer every.Stop()
	for {
		select {
		case <-end:
			return
		case <-every.C:
		}
		changed, problem := a.users.Changed() // outside of the lock: a disk may be slow
		a.logProblem(problem)
		var gone []uint64
		a.mutex.Lock()
		for id, one := range a.sessions {
			if changed(one.name, one.user) {
				a.log.Info("a user was changed: the client has to log in again", "user", one.name)
				gone = append(gone, id)
			}
		}
		a.mutex.Unlock()
		for _, id := range gone {
			_ = a.server.DisconnectClientByID(id) // an error means that it has disconnected
		}
	}
}
