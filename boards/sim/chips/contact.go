package chips

import (
	"strconv"
	"sync"
	"time"

	"periph.io/x/conn/v3/gpio"

	"fluxd/boards/sim"
)

// Contact simulates something that is on or off: a push button, a bumper, a motion detector, a line sensor with a comparator. Its
// contacts do not bounce.
type Contact struct {
	line      *sim.Pin
	activeLow bool
	sensed    func(at time.Duration) int64 // on from a half, in millionths

	mutex sync.Mutex
	on    bool
}

// NewContact connects a contact to a pin, which it makes low while it is on if it is active low, and high otherwise. At the start
// it is off. The function returns millionths; from 500,000 on the contact is on.
func NewContact(line *sim.Pin, activeLow bool, sensed func(at time.Duration) int64) *Contact {
	c := &Contact{line: line, activeLow: activeLow, sensed: sensed}
	line.Drive(gpio.Level(activeLow))
	return c
}

// Settle implements Follower.
func (c *Contact) Settle(at time.Duration) { c.set(at) }

// Follow implements Follower: the contact changes at the end.
func (c *Contact) Follow(_, to time.Duration) { c.set(to) }

func (c *Contact) set(at time.Duration) {
	on := c.sensed(at) >= full/2
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if on != c.on {
		c.line.DriveAt(at, gpio.Level(on != c.activeLow))
		c.on = on
	}
}

// activeLow reports whether a contact of the robot file makes its pin low while it is on. The usual switch connects the pin to
// ground, against a resistor that pulls it up.
func (s Settings) activeLow() bool {
	active, pull := s["active"], s["pull"]
	if active == nil || active == "" {
		return pull == nil || pull == "up"
	}
	return active == "low"
}

// senseContact is off at rest.
func senseContact(pins []*sim.Pin, sense Sense, settings Settings) Follower {
	return NewContact(pins[0], settings.activeLow(), sense.or("", 0))
}

// row is a row of contacts.
type row []*Contact

// Settle implements Follower.
func (r row) Settle(at time.Duration) {
	for _, c := range r {
		c.Settle(at)
	}
}

// Follow implements Follower.
func (r row) Follow(from, to time.Duration) {
	for _, c := range r {
		c.Follow(from, to)
	}
}

// senseRow is a row of line sensors, none of which sees a line at rest. The sensors count, by their numbers. Where none of them
// is sensed, they see a line at the position that is sensed, which is from -1 at the first to 1 at the last. It is as wide as the
// count that is sensed, in sensors, or else one and a half, so that one or two see it.
func senseRow(pins []*sim.Pin, sense Sense, settings Settings) Follower {
	var all row
	single := false
	for i := range pins {
		single = single || sense.of(strconv.Itoa(i)) != nil
	}
	position, count := sense.of("position"), sense.or("count", 1_500_000)
	if position == nil && sense.of("count") != nil {
		position = sense.or("position", 0)
	}
	for i, pin := range pins {
		sensed := sense.or(strconv.Itoa(i), 0)
		if last := int64(len(pins) - 1); !single && position != nil && last > 0 {
			sensed = func(at time.Duration) int64 {
				// In halves of the distance between two sensors, times millionths.
				off := bounded(position(at), 1_000_000_000)*last - (2*int64(i)-last)*full
				if max(off, -off) < bounded(count(at), 1_000_000_000) {
					return full
				}
				return 0
			}
		}
		all = append(all, NewContact(pin, settings.activeLow(), sensed))
	}
	return all
}
