package transport

import (
	paho "github.com/eclipse/paho.mqtt.golang"
	"github.com/eclipse/paho.mqtt.golang/packets"
)

// store keeps copies of the messages that a broker has not acknowledged.
//
// The memory store of paho v1.5.1 keeps the messages themselves. After a lost connection the library marks each as sent twice,
// also one that was published a moment before and that another goroutine writes to the new connection: a data race between
// client.resume and PublishPacket.Write.
type store struct{ *paho.MemoryStore }

// NewStore returns an empty store for one client, for its SetStore.
func NewStore() paho.Store { return store{paho.NewMemoryStore()} }

func (s store) Put(key string, p packets.ControlPacket) { s.MemoryStore.Put(key, copyOf(p)) }

// Get returns a copy too: two connections in a row may send the same message again.
func (s store) Get(key string) packets.ControlPacket { return copyOf(s.MemoryStore.Get(key)) }

// replica copies a message with its header, which PublishPacket.Copy leaves out. Nobody changes the payload. Packets of other
// types are sent once: this robot and fluxctl do not resume subscriptions, and publish nothing with QoS 2.
func copyOf(p packets.ControlPacket) packets.ControlPacket {
	if message, is := p.(*packets.PublishPacket); is {
		another := *message
		return &another
	}
	return p
}
