package bridge

import (
	mochi "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/packets"
)

// Client and server number their packets independently (MQTT 3.1.1, section 2.3.1). The broker library, 2.7.9, keeps both numbers in one
// table, and refuses a subscription when a message that is under way to the client has its number: whoever subscribes twice while retained
// messages come, as Mosquitto's bridge does.

// OnPacketRead keeps the number of a subscription, or of its end, from meeting that of a message under way.
func (g *gatekeeper) OnPacketRead(client *mochi.Client, pk packets.Packet) (packets.Packet, error) {
	subscription := pk.FixedHeader.Type == packets.Subscribe || pk.FixedHeader.Type == packets.Unsubscribe
	if subscription && pk.PacketID != 0 { // 0 is a mistake of the client, and told as such
		g.guest(client).number = pk.PacketID
		pk.PacketID, pk.FixedHeader.Qos = 0, 0 // no message under way has 0, which passes at QoS 0 only
	}
	return pk, nil
}

// OnPacketEncode gives the acknowledgement its number; it is written before the client's next packet is read.
func (g *gatekeeper) OnPacketEncode(client *mochi.Client, pk packets.Packet) packets.Packet {
	if pk.FixedHeader.Type == packets.Suback || pk.FixedHeader.Type == packets.Unsuback {
		pk.PacketID = g.guest(client).number
	}
	return pk
}
