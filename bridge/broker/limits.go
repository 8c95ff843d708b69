package broker

import (
	"runtime/debug"

	"github.com/nats-io/nats-server/v2/server"

	"fluxd/bridge/protocol"
)

// limits bound the broker's share of the machine. They follow from the size of the robot's description, its largest message.
type limits struct {
	clients  int
	message  int   // bytes of a message, with the server's own headers
	retained int64 // bytes of all retained messages
	pending  int64 // bytes that may wait for a client before it is disconnected
	soft     int64 // bytes of memory above which garbage is collected more often
	hard     int64 // bytes of memory at which the process ends
}

// The streams of the server's MQTT part, with the names that it gives them.
const (
	retained = "$MQTT_rmsgs"
	messages = "$MQTT_msgs"
	sessions = "$MQTT_sess"
	received = "$MQTT_qos2in"
	sent     = "$MQTT_out"
)

func (c *config) limits() limits {
	l := limits{clients: c.Clients, message: max(2*protocol.MaxRequest, c.DescriptionSize+c.DescriptionSize/8) + 16<<10}
	// The robot retains its description, the one for Home Assistant, and a message for each parameter, which is shorter than its
	// description but has headers. Clients can retain a message in each topic that they may write: a dozen without a name, and as
	// many under their user's name.
	own := int64(4*c.DescriptionSize + 256<<10)
	l.retained = own + 32*int64(l.message)
	l.pending = 1<<20 + 2*own // a client that subscribes to everything receives all of it at once
	l.soft = overhead * (64<<20 + 2*l.memory())
	l.hard = 2 * l.soft
	return l
}

// memory returns how much all streams may hold together, in bytes.
func (l limits) memory() (sum int64) {
	for _, s := range l.streams() {
		sum += s.MaxBytes
	}
	return sum + 4<<20 // for the subscriptions of QoS 1
}

// streams returns the streams that the server would otherwise create with the first client, on disk and without a bound.
func (l limits) streams() []server.StreamConfig {
	all := []server.StreamConfig{
		// Retained messages are never dropped: without room, a message to a new topic is refused. One to an old topic is not.
		{
			Name: retained, Subjects: []string{"$MQTT.rmsgs.>"}, Retention: server.LimitsPolicy, MaxMsgsPer: 1,
			Discard: server.DiscardNew, MaxBytes: l.retained,
		},
		// Messages of QoS 1 for slow clients: the oldest are dropped.
		{
			Name: messages, Subjects: []string{"$MQTT.msgs.>"}, Retention: server.InterestPolicy,
			Discard: server.DiscardOld, MaxBytes: 4 * int64(max(l.message, 1<<20)), MaxConsumers: (l.clients + 2) * subscriptions,
		},
		{
			Name: sessions, Subjects: []string{"$MQTT.sess.>"}, Retention: server.LimitsPolicy, MaxMsgsPer: 1,
			Discard: server.DiscardOld, MaxBytes: 2 << 20,
		},
		{
			Name: received, Subjects: []string{"$MQTT.qos2.in.>"}, Retention: server.LimitsPolicy, MaxMsgsPer: 1,
			Discard: server.DiscardNew, DiscardNewPer: true, MaxBytes: 4 * int64(l.message),
		},
		{
			Name: sent, Subjects: []string{"$MQTT.out.>"}, Retention: server.InterestPolicy,
			Discard: server.DiscardOld, MaxBytes: 1 << 20,
		},
	}
	for i := range all {
		all[i].Storage = server.MemoryStorage
		all[i].Replicas = 1
	}
	return all
}

// enforce sets the limits of memory for this process.
func (l limits) enforce() {
	debug.SetMemoryLimit(l.soft)
	limitMemory(l.hard)
}
