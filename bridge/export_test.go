package bridge

import (
	"time"

	"fluxd/bridge/leases"
	"fluxd/bridge/packetreader"
)

// For the tests in package bridge_test.
const (
	WaitingRequests   = waitingRequests
	ImportantMessages = importantMessages
	MaxInFlight       = maxInFlight
	MaxUnacknowledged = maxUnacknowledged
	MaxPublish        = packetreader.MaxPublish
)

// Connected reports whether the bridge is connected to the broker now.
func (b *Bridge) Connected() bool { return b.client.IsConnectionOpen() }

// Waiting returns the lengths of the two queues of requests.
func (b *Bridge) Waiting() (requests, viewerRequests int) {
	return len(b.requests), len(b.viewerRequests)
}

// Lease has spikes published for a time, as the verb watch does.
func (b *Bridge) Lease(length time.Duration) { b.lease(length, leases.Wants{Spikes: true}) }

// Discovered reports whether the broker has passed on the message for Home Assistant.
func (b *Bridge) Discovered() bool { return b.discoveryReturned.Load() }
