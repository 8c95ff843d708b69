package bridge

import "time"

// What the tests of this package see besides what everybody does.
const (
	WaitingRequests   = waitingRequests
	ImportantMessages = importantMessages
	MaxInFlight       = maxInFlight
	MaxPublish        = maxPublish
	MaxNumbers        = maxNumbers
)

// Connected reports whether the broker can be reached now.
func (b *Bridge) Connected() bool { return b.client.IsConnectionOpen() }

// Waiting returns how many requests wait, and how many of those that anybody may ask.
func (b *Bridge) Waiting() (requests, questions int) { return len(b.requests), len(b.viewerRequests) }

// Lease has spikes published for a time, as the verb watch does.
func (b *Bridge) Lease(length time.Duration) { b.lease(length) }

// Discovered reports whether the message for Home Assistant has come back.
func (b *Bridge) Discovered() bool { return b.discoveryReturned.Load() }
