package bridge

import (
	"crypto/sha256"
	"crypto/subtle"
	"strings"
	"sync"

	mochi "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/packets"
)

// gatekeeper decides who may connect and what may be published and read. It also keeps apart what the broker does not.
type gatekeeper struct {
	mochi.HookBase
	user, password string

	// retaining is held while the broker files a retained message, and shared while it looks for those of a new subscription.
	// It does both without a lock on the topic's name, and half a name that is read meanwhile can end the process.
	retaining sync.RWMutex
}

// writable are the filters of topics that clients may publish to.
var writable = []string{Root + "/#"}

// ID names the hook.
func (g *gatekeeper) ID() string { return "gatekeeper" }

// Provides names what the hook takes part in.
func (g *gatekeeper) Provides(what byte) bool {
	switch what {
	case mochi.OnConnectAuthenticate, mochi.OnACLCheck, mochi.OnPublish, mochi.OnWill, mochi.OnRetainMessage, mochi.OnSubscribed, mochi.OnPacketProcessed:
		return true
	}
	return false
}

// OnConnectAuthenticate checks the credentials, if there are any to check, and the last will, which the broker publishes without
// asking OnACLCheck.
func (g *gatekeeper) OnConnectAuthenticate(client *mochi.Client, pk packets.Packet) bool {
	if pk.Connect.WillFlag && !mayWrite(pk.Connect.WillTopic) {
		return false
	}
	client.Properties.Will.WillDelayInterval = 0 // MQTT 5 only; delayed ones do not pass OnWill
	return g.user == "" || same(pk.Connect.Username, g.user) && same(pk.Connect.Password, g.password)
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
	return client.Properties.ProtocolVersion < 5 || mayWrite(topic)
}

// OnPublish drops what may not be written. It is acknowledged all the same: MQTT 3.1.1, section 3.3.5, leaves only that or ending
// the connection, and a client that is cut off for one wrong topic connects again and repeats it for ever.
func (g *gatekeeper) OnPublish(client *mochi.Client, pk packets.Packet) (packets.Packet, error) {
	if !mayWrite(pk.TopicName) {
		g.Log.Warn("dropped a message to a topic that clients may not write", "topic", pk.TopicName, "client", client.ID, "writable", writable)
		return pk, packets.CodeSuccessIgnore
	}
	if pk.FixedHeader.Retain {
		g.retaining.Lock() // the broker files it next, and calls OnRetainMessage
	}
	return pk, nil
}

// OnWill is what OnPublish is for last wills.
func (g *gatekeeper) OnWill(_ *mochi.Client, will mochi.Will) (mochi.Will, error) {
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

func mayWrite(topic string) bool {
	for _, filter := range writable {
		if matches(filter, topic) {
			return true
		}
	}
	return false
}
