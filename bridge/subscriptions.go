package bridge

import (
	"strings"

	mochi "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/packets"
)

const (
	// mostSubscriptions bounds those of a client, and mostLevels the levels of each: Home Assistant has one for each number that it shows.
	mostSubscriptions = 4096
	mostLevels        = 32
)

// OnSubscribe refuses subscriptions that nobody needs, and that would take memory from the robot.
func (g *gatekeeper) OnSubscribe(client *mochi.Client, pk packets.Packet) packets.Packet {
	room := mostSubscriptions - client.State.Subscriptions.Len()
	for i, f := range pk.Filters {
		if _, known := client.State.Subscriptions.Get(f.Filter); known {
			continue
		}
		if room <= 0 || strings.Count(f.Filter, "/") >= mostLevels {
			pk.Filters[i].Filter = "" // which the broker refuses
			g.tell(g.guest(client), "refused a subscription", "client", client.ID, "limit", mostSubscriptions, "levels", mostLevels)
			continue
		}
		room--
	}
	return pk
}
