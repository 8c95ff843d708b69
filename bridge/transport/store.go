package transport

import (
	paho "github.com/eclipse/paho.mqtt.golang"
	"github.com/eclipse/paho.mqtt.golang/packets"
)

// store keeps copies of the messages that the broker has not acknowledged.
//
// The memory store of paho v1.5.1 keeps the messages themselves. After a lost connection the library sets a flag in each of them,
// even if another goroutine is writing the message to the new connection: a data race between client.resume and
// PublishPacket.Write.
type store struct{ *paho.MemoryStore }

// NewStore returns an empty store for one client: see paho.ClientOptions.SetStore.
func NewStore() paho.Store { return store{paho.NewMemoryStore()} }

func (s store) Put(key string, p packets.ControlPacket) { s.MemoryStore.Put(key, copyOf(p)) }

// Get returns a copy too: two connections after one another may send the same message.
func (s store) Get(key string) packets.ControlPacket { return copyOf(s.MemoryStore.Get(key)) }

// copyOf copies a message with its header, which PublishPacket.Copy omits. The payload is shared; it never changes. Other types
// of packets are not copied, since they are sent only once: neither robot nor fluxctl resumes subscriptions or publishes with QoS
// 2.
func copyOf(p packets.ControlPacket) packets.ControlPacket {
	if message, is := p.(*packets.PublishPacket); is {
		another := *message
		return &another
	}
	return p
}
