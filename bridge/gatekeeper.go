package bridge

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	mochi "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/packets"
	"golang.org/x/time/rate"
)

// gatekeeper decides who may connect and what may be published and read. It also keeps apart what the broker does not.
type gatekeeper struct {
	mochi.HookBase
	robot  Topics // whose broker it is: its own topics are its own client's; "" for none
	secret string // of its own client
	log    *slog.Logger
	users  *Users // nil: whoever reaches the broker may operate the robot
	stop   func() // the robot, at once; nil for none
	refuse func(verb string, payload []byte, why string)

	guests  sync.Map      // *guest by client
	dropped atomic.Uint64 // messages that came too fast

	failures atomic.Uint64  // of logins
	failed   rate.Sometimes // tells of them

	// retaining is held while the broker files a retained message, and shared while it looks for those of a new subscription.
	// It does both without a lock on the topic's name, and half a name that is read meanwhile can end the process.
	retaining sync.RWMutex
}

// guest is a client that has logged in.
type guest struct {
	name string
	user      // as in the file when it logged in; without a file an operator
	own  bool // the robot's
	pace *rate.Limiter
	told atomic.Int64 // when it was last told of in the log, in seconds since 1970

	number uint16 // of its subscription that is being processed; see OnPacketRead
}

const (
	// ownName is the user name of the robot's own client.
	ownName = "fluxd"
	// publishRate and publishBurst bound what a client may publish: messages a second, and how many at once.
	publishRate  = 500
	publishBurst = 5000
	// failurePause is how long a failed login is kept waiting: guessing takes time.
	failurePause = 500 * time.Millisecond
	// echoTopics are for fluxctl, to see when all retained messages have come.
	echoTopics = Root + "/fluxctl-"
)

// ID names the hook.
func (g *gatekeeper) ID() string { return "gatekeeper" }

// Provides names what the hook takes part in.
func (g *gatekeeper) Provides(what byte) bool {
	switch what {
	case mochi.OnConnectAuthenticate, mochi.OnACLCheck, mochi.OnPublish, mochi.OnWill, mochi.OnRetainMessage, mochi.OnSubscribed, mochi.OnPacketProcessed, mochi.OnDisconnect,
		mochi.OnPacketRead, mochi.OnPacketEncode, mochi.OnSubscribe:
		return true
	}
	return false
}

// OnConnectAuthenticate checks the credentials, if there are any to check, and the last will, which the broker publishes without
// asking OnACLCheck.
func (g *gatekeeper) OnConnectAuthenticate(client *mochi.Client, pk packets.Packet) bool {
	one := &guest{name: string(pk.Connect.Username), user: user{role: Operator}, pace: rate.NewLimiter(publishRate, publishBurst)}
	switch {
	case g.secret != "" && one.name == ownName && same(pk.Connect.Password, g.secret):
		one.own = true
	case g.users != nil:
		address, _, _ := net.SplitHostPort(client.Net.Remote)
		known, ok, trouble := g.users.check(one.name, string(pk.Connect.Password), address)
		g.troubled(trouble)
		if !ok {
			failures := g.failures.Add(1)
			g.failed.Do(func() {
				g.log.Warn("a login failed", "user", one.name, "address", address, "failures", failures)
			})
			time.Sleep(failurePause)
			return false
		}
		one.user = known
	}
	if pk.Connect.WillFlag && !g.mayWrite(one, pk.Connect.WillTopic) {
		return false
	}
	if v, ok := client.Net.Conn.(*visitor); ok { // else the robot's own
		most := int64(guestPacket)
		if one.role == RobotRole || g.users == nil { // a robot's description may be large
			most = maxPacket
		}
		v.admit(most)
	}
	// No session outlasts its connection. The library keeps them for ever, with up to 8,192 messages each, which it repeats in any order: an old value
	// of a parameter after a new one. Who comes back finds what counts retained.
	client.Properties.Clean = true
	client.Properties.Will.WillDelayInterval = 0 // MQTT 5 only; delayed ones do not pass OnWill
	g.guests.Store(client, one)
	return true
}

// troubled tells that the file of users cannot be used, if it cannot.
func (g *gatekeeper) troubled(trouble error) {
	if trouble != nil {
		g.log.Error("the file of users cannot be used; those stay who were there", "error", trouble)
	}
}

// lookEvery is how often it is looked whether the file of users has changed.
const lookEvery = time.Second

// errChanged is why a client is sent away.
var errChanged = errors.New("the user was changed")

// look sends those away whose user was taken out, or has another role or password; they may log in again with that. It returns when the broker ends.
func (g *gatekeeper) look(end <-chan struct{}) {
	every := time.NewTicker(lookEvery)
	defer every.Stop()
	for {
		select {
		case <-end:
			return
		case <-every.C:
		}
		changed, trouble := g.users.changed()
		g.troubled(trouble)
		g.guests.Range(func(client, one any) bool {
			if one := one.(*guest); !one.own && changed(one.name, one.user) {
				g.log.Info("a user was changed: its client has to log in again", "user", one.name)
				client.(*mochi.Client).Stop(errChanged)
			}
			return true
		})
	}
}

// OnDisconnect forgets a client.
func (g *gatekeeper) OnDisconnect(client *mochi.Client, _ error, _ bool) { g.guests.Delete(client) }

// guest returns who a client is.
func (g *gatekeeper) guest(client *mochi.Client) *guest {
	if one, ok := g.guests.Load(client); ok {
		return one.(*guest)
	}
	return &guest{} // it has gone; without a role
}

// same compares in constant time, also for different lengths.
func same(got []byte, want string) bool {
	a, b := sha256.Sum256(got), sha256.Sum256([]byte(want))
	return subtle.ConstantTimeCompare(a[:], b[:]) == 1
}

// OnACLCheck lets everything be read but the broker's own topics, which it files without asking. MQTT 5 clients are told that they may
// not write a topic. For older ones the broker would end the connection, so they pass here and OnPublish takes the message away.
func (g *gatekeeper) OnACLCheck(client *mochi.Client, topic string, write bool) bool {
	if !write {
		return !strings.HasPrefix(topic, "$SYS")
	}
	one := g.guest(client)
	_, request := g.verb(topic)
	return client.Properties.ProtocolVersion < 5 || request || g.mayWrite(one, topic) // a request is answered
}

// OnPublish drops what may not be written, or comes too fast. It is acknowledged all the same: MQTT 3.1.1, section 3.3.5, leaves only that
// or ending the connection, and a client that is cut off for one wrong topic connects again and repeats it for ever. A request is answered.
func (g *gatekeeper) OnPublish(client *mochi.Client, pk packets.Packet) (packets.Packet, error) {
	one := g.guest(client)
	if !one.own && one.pace != nil && !one.pace.Allow() && !g.stops(pk.TopicName) {
		g.dropped.Add(1)
		g.tell(one, "a client publishes too fast: dropped", "user", one.name, "client", client.ID, "topic", pk.TopicName, "limit_per_s", publishRate)
		return pk, packets.CodeSuccessIgnore
	}
	if !g.mayWrite(one, pk.TopicName) {
		if verb, request := g.verb(pk.TopicName); request {
			_, least := one.role.may(verb)
			g.refuse(verb, pk.Payload, fmt.Sprintf("user %q is %s, and %s needs %s", one.name, one.role, verb, least))
		} else {
			g.tell(one, "dropped a message to a topic that this client may not write", "user", one.name, "client", client.ID, "topic", pk.TopicName)
		}
		return pk, packets.CodeSuccessIgnore
	}
	g.stopIf(pk.TopicName)
	if pk.FixedHeader.Retain && !one.own && strings.HasPrefix(pk.TopicName, echoTopics) {
		return pk, packets.CodeSuccessIgnore // nobody needs to keep an echo, and everybody may write one
	}
	if pk.FixedHeader.Retain {
		g.retaining.Lock() // the broker files it next, and calls OnRetainMessage
	}
	return pk, nil
}

// tellEvery is how often one client is told of in the log.
const tellEvery = 60

func (g *gatekeeper) tell(one *guest, text string, more ...any) {
	now := time.Now().Unix()
	if last := one.told.Load(); now-last >= tellEvery && one.told.CompareAndSwap(last, now) {
		g.log.Warn(text, more...)
	}
}

// OnWill is what OnPublish is for last wills.
func (g *gatekeeper) OnWill(_ *mochi.Client, will mochi.Will) (mochi.Will, error) {
	g.stopIf(will.TopicName)
	if will.Retain {
		g.retaining.Lock()
	}
	return will, nil
}

// OnRetainMessage follows OnPublish and OnWill when the message is filed.
func (g *gatekeeper) OnRetainMessage(*mochi.Client, packets.Packet, int64) { g.retaining.Unlock() }

// OnSubscribed comes before the broker looks for retained messages.
func (g *gatekeeper) OnSubscribed(*mochi.Client, packets.Packet, []byte) { g.retaining.RLock() }

// OnPacketProcessed comes after it, whether that worked or not.
func (g *gatekeeper) OnPacketProcessed(_ *mochi.Client, pk packets.Packet, _ error) {
	if pk.FixedHeader.Type == packets.Subscribe {
		g.retaining.RUnlock()
	}
}

// verb returns the verb of a request to the robot.
func (g *gatekeeper) verb(topic string) (verb string, request bool) {
	if g.robot == "" {
		return "", false
	}
	verb, request = strings.CutPrefix(topic, g.robot.Request(""))
	return verb, request && !strings.Contains(verb, "/")
}

// stops reports whether a message is an emergency stop, which no limit may hold up.
func (g *gatekeeper) stops(topic string) bool {
	verb, request := g.verb(topic)
	return request && verb == "estop"
}

// stopIf stops the robot if that is what is asked for, before any queue; the request follows, for its answer.
func (g *gatekeeper) stopIf(topic string) {
	if g.stop != nil && g.stops(topic) {
		g.stop()
	}
}

// mayWrite says what a client may publish to. Levels are compared one by one.
func (g *gatekeeper) mayWrite(one *guest, topic string) bool {
	if one.own {
		return matches(Root+"/"+string(g.robot)+"/#", topic) || matches(homeAssistant+"/#", topic)
	}
	if verb, request := g.verb(topic); request {
		may, _ := one.role.may(verb)
		return may
	}
	levels := strings.Split(topic, "/")
	switch {
	case levels[0] != Root || len(levels) < 3:
		return false
	case g.robot != "" && levels[1] == string(g.robot):
		return false // these are the robot's
	case strings.HasPrefix(topic, echoTopics) && matches(Root+"/+/event/echo", topic):
		return true
	case g.users == nil:
		return true // other robots, on this machine
	}
	return one.role == RobotRole && levels[1] == one.name
}

// idOf reads the id of a request, however wrong the rest of it is.
func idOf(payload []byte) string {
	var only struct{ ID string }
	if len(payload) > MaxRequest || json.Unmarshal(payload, &only) != nil || len(only.ID) > maxID {
		return ""
	}
	return only.ID
}
