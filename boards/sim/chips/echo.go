package chips

import (
	"sync"
	"time"

	"periph.io/x/conn/v3/gpio"

	"fluxd/boards/sim"
)

const (
	echoBurst     = 460 * time.Microsecond // from the trigger to the start of the echo: eight periods of 40 kHz, and processing
	echoNothing   = 38 * time.Millisecond  // length of the echo if nothing comes back
	echoReach     = 4_000_000              // µm
	soundAtZero   = 331_300                // mm/s in air of 0 °C
	soundByDegree = 606                    // mm/s more by each °C
	zeroCelsius   = 273_150_000            // µK
)

// Echo simulates an HC-SR04. It answers a trigger by an echo that lasts as long as sound takes to the obstacle and back, or 38 ms
// if there is none within 4 m. Meanwhile it ignores triggers. The real module needs a trigger of 10 µs; a write to a simulated
// pin takes almost no time, so the twin does not check that.
//
// Sources: ElecFreaks, HC-SR04 user guide; Kuttruff, Room Acoustics, chapter 1, for the speed of sound. The air has 20 °C.
type Echo struct {
	echo     *sim.Pin
	distance func(at time.Duration) int64
	sound    int64 // its speed in mm/s

	mutex     sync.Mutex
	unplugged bool
	busy      time.Duration
}

// NewEcho connects a range finder to two pins. The distance is in µm; 0 or less, or more than 4 m, means that nothing is in
// sight.
func NewEcho(trigger, echo *sim.Pin, distance func(at time.Duration) int64) *Echo {
	e := &Echo{echo: echo, distance: distance, sound: soundAtZero + 20*soundByDegree}
	trigger.Watch(e.trigger)
	return e
}

// senseEcho is in air of the temperature that the robot file says.
func senseEcho(pins []*sim.Pin, sense Sense, settings Settings) Follower {
	e := NewEcho(pins[0], pins[1], sense.or("", restingDistance))
	if kelvin, set := settings.number("temperature"); set { // in nK
		e.sound = soundAtZero + toNearest((int64(kelvin)/1000-zeroCelsius)*soundByDegree, 1_000_000)
	}
	return nil
}

// Unplug switches the supply of the module off, or on again.
func (e *Echo) Unplug(unplugged bool) {
	e.mutex.Lock()
	defer e.mutex.Unlock()
	e.unplugged = unplugged
}

func (e *Echo) trigger(at time.Duration, level gpio.Level) {
	e.mutex.Lock()
	defer e.mutex.Unlock()
	if level == gpio.High || e.unplugged || at < e.busy {
		return
	}
	takes := echoNothing
	if d := e.distance(at); d > 0 && d <= echoReach {
		takes = time.Duration(toNearest(d*2_000_000, e.sound))
	}
	begins := at + echoBurst
	e.busy = begins + takes
	e.echo.DriveAt(begins, gpio.High)
	e.echo.DriveAt(e.busy, gpio.Low)
}
