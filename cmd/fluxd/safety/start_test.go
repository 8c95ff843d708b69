package safety

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"fluxd/actuators"
	"fluxd/boards/sim"
	"fluxd/bridge/protocol"
	"fluxd/cmd/fluxd/hardware"
	"fluxd/cmd/fluxd/machine"
	"fluxd/sensors"

	"periph.io/x/conn/v3/gpio"
)

// desk is a robot with one wheel and a start button, in virtual time.
type desk struct {
	*Keeper
	board  *sim.Board
	button *sim.Pin // it connects to ground, so pressed is low
	wheel  *Actuator

	mutex   sync.Mutex
	events  []string
	after   []func() // called at the end
	against error    // an additional reason not to arm
}

// atDesk runs a story in virtual time. Pressed is the state of the button at power-on.
func atDesk(t *testing.T, pressed bool, story func(d *desk)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		begun := time.Now()
		clock := func() time.Duration { return time.Since(begun) }
		d := &desk{board: sim.New(clock)}
		pin := func(name string) *sim.Pin {
			p, err := d.board.Pin(name)
			if err != nil {
				t.Fatal(err)
			}
			return p.(*sim.Pin)
		}
		d.button = pin("GPIO16")
		d.press(pressed)
		motor, err := actuators.NewHBridge(pin("GPIO12"), pin("GPIO5"), nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		guard, err := actuators.NewGuard(motor, actuators.GuardOpts{Min: -actuators.Full, Max: actuators.Full})
		if err != nil {
			t.Fatal(err)
		}
		guard.Hold(actuators.Disarmed)
		d.wheel = &Actuator{Actuator: &hardware.Actuator{Name: "wheel", Guard: guard, Device: motor}, Wake: func() {}}
		d.Keeper = &Keeper{Actuators: []*Actuator{d.wheel}, Clock: clock, Log: slog.New(slog.DiscardHandler), Stall: time.Second,
			ByHand: func() bool { return false }, Watchdogs: &machine.Watchdogs{}, Pings: make(chan struct{}, 1),
			Event: func(kind protocol.EventKind, text string) {
				d.mutex.Lock()
				defer d.mutex.Unlock()
				d.events = append(d.events, kind.Code()+" "+text)
			}}
		button, err := sensors.NewButton(d.button, &sensors.ButtonOpts{Pull: "up", Debounce: 20 * time.Millisecond})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		var all sync.WaitGroup
		all.Go(func() {
			d.WatchStart(ctx, button, func(who string) error {
				if d.against != nil {
					return d.against
				}
				return d.Arm(who)
			})
		})
		time.Sleep(100 * time.Millisecond) // its first level is read
		story(d)
		for _, end := range d.after {
			end()
		}
		cancel()
		all.Wait()
	})
}

func (d *desk) press(down bool) { d.button.Drive(gpio.Level(!down)) }

// The log names the user in an attribute, the event in its text.
func TestLogNamesTheUser(t *testing.T) {
	atDesk(t, false, func(d *desk) {
		var log strings.Builder
		d.Log = slog.New(slog.NewTextHandler(&log, nil))
		if err := d.Arm("ann"); err != nil {
			t.Fatal(err)
		}
		d.Disarm("ben")
		d.EmergencyStop("tom")
		d.expect(t, "stopped", "armed by ann: ", "disarmed by ben: ", "emergency_stop by tom")
		for _, want := range []string{`network" by=ann`, `failsafe" by=ben`, `failsafe" by=tom`} {
			if !strings.Contains(log.String(), want) {
				t.Errorf("expected %s in the log:\n%s", want, log.String())
			}
		}
	})
}

// hold presses the button for some time, and waits until the press has had its effect.
func (d *desk) hold(length time.Duration) {
	d.press(true)
	time.Sleep(length)
	d.press(false)
	time.Sleep(200 * time.Millisecond)
	synctest.Wait()
}

// expect compares the state, and the beginnings of the events since the last call.
func (d *desk) expect(t *testing.T, state string, events ...string) {
	t.Helper()
	synctest.Wait()
	d.mutex.Lock()
	defer d.mutex.Unlock()
	if got, _ := d.State(); got != state {
		t.Errorf("%s, want %s", got, state)
	}
	if len(d.events) != len(events) || !slices.EqualFunc(d.events, events, strings.HasPrefix) {
		t.Errorf("events %q, want %q", d.events, events)
	}
	d.events = nil
}

const (
	byButton = "by the start button: "
	armed    = "armed " + byButton + "actuators obey the network"
	disarmed = "disarmed " + byButton + "the actuators are at failsafe"
)

// A press arms a robot at rest when the button is released. It disarms an armed robot at once.
func TestStartButton(t *testing.T) {
	atDesk(t, false, func(d *desk) {
		time.Sleep(time.Second)
		d.press(true)
		time.Sleep(300 * time.Millisecond)
		d.expect(t, "disarmed") // a hand is at the robot
		d.press(false)
		time.Sleep(10 * time.Millisecond)
		d.expect(t, "armed", armed)
		if d.wheel.Guard.Held()&actuators.Disarmed != 0 {
			t.Error("armed, and the wheel is held")
		}
		d.press(true)
		time.Sleep(60 * time.Millisecond)
		d.expect(t, "disarmed", disarmed) // while it is still pressed
		if d.wheel.Guard.Held()&actuators.Disarmed == 0 {
			t.Error("disarmed, and the wheel is not held")
		}
		time.Sleep(200 * time.Millisecond)
		d.press(false)
		time.Sleep(time.Second)
		d.expect(t, "disarmed") // the same press does not arm it again
		d.hold(150 * time.Millisecond)
		d.expect(t, "armed", armed)
		d.hold(5 * time.Second)
		d.expect(t, "disarmed", disarmed)
	})
}

// These arm nothing: bounces, disturbances on the wire, a stuck button, a button that was pressed at power-on.
func TestStartButtonIgnoresWhatIsNoPress(t *testing.T) {
	atDesk(t, false, func(d *desk) {
		for range 20 { // contacts that bounce, or a motor beside the wire
			d.hold(time.Millisecond)
			d.hold(40 * time.Millisecond)
		}
		d.expect(t, "disarmed")
		d.hold(3 * time.Second)
		d.expect(t, "disarmed")
		d.press(true)
		time.Sleep(time.Hour)
		d.expect(t, "disarmed")
		d.press(false)
		time.Sleep(time.Second)
		d.expect(t, "disarmed")
	})
	atDesk(t, true, func(d *desk) {
		time.Sleep(300 * time.Millisecond)
		d.press(false)
		time.Sleep(time.Second)
		d.expect(t, "disarmed") // it was pressed when the power came on
		d.hold(100 * time.Millisecond)
		d.expect(t, "armed", armed)
		for range 20 { // disturbances do not stop an armed robot either
			d.hold(time.Millisecond)
		}
		d.expect(t, "armed")
	})
}

// A press whose contacts bounce at both ends counts as one.
func TestStartButtonBounces(t *testing.T) {
	atDesk(t, false, func(d *desk) {
		bounce := func(down bool) {
			for range 5 {
				d.press(down)
				time.Sleep(time.Millisecond)
				d.press(!down)
				time.Sleep(time.Millisecond)
			}
			d.press(down)
		}
		for _, want := range []struct{ state, event string }{{"armed", armed}, {"disarmed", disarmed}, {"armed", armed}} {
			bounce(true)
			time.Sleep(120 * time.Millisecond)
			bounce(false)
			time.Sleep(300 * time.Millisecond)
			d.expect(t, want.state, want.event)
		}
	})
}

// After an emergency stop, a short press arms nothing. A press of two seconds that begins after the stop acknowledges it.
func TestStartButtonAfterAnEmergencyStop(t *testing.T) {
	atDesk(t, false, func(d *desk) {
		d.hold(100 * time.Millisecond)
		d.expect(t, "armed", armed)
		d.press(true)
		time.Sleep(10 * time.Millisecond)
		d.EmergencyStop("ann")
		time.Sleep(5 * time.Second)
		d.press(false) // it was down before the stop
		time.Sleep(time.Second)
		d.expect(t, "stopped", "emergency_stop by ann")
		d.hold(300 * time.Millisecond)
		d.expect(t, "stopped", "not_armed "+byButton+"cannot arm: emergency_stop: stopped by ann: disarm first")
		d.pressed.Store(true) // the switch of the stop
		d.hold(2100 * time.Millisecond)
		d.expect(t, "stopped", "disarmed")
		d.pressed.Store(false)
		d.hold(2100 * time.Millisecond)
		d.expect(t, "disarmed", disarmed)
		d.hold(300 * time.Millisecond)
		d.expect(t, "armed", armed)
	})
}

// A robot that is disarmed during a press stays disarmed, and one that is armed during a press is disarmed. Reasons not to arm
// are reported.
func TestStartButtonWhileAUserArmsOrDisarms(t *testing.T) {
	atDesk(t, false, func(d *desk) {
		time.Sleep(time.Second)
		d.press(true)
		time.Sleep(200 * time.Millisecond)
		d.Disarm("ann")
		d.press(false)
		time.Sleep(time.Second)
		d.expect(t, "disarmed", "disarmed by ann")
		d.against = errors.New("sensor_stale: eye")
		d.hold(200 * time.Millisecond)
		d.expect(t, "disarmed", "not_armed "+byButton+"sensor_stale: eye")
		d.against = nil
		d.press(true)
		time.Sleep(20 * time.Millisecond)
		if err := d.Arm("ann"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(100 * time.Millisecond)
		d.press(false)
		time.Sleep(time.Second)
		d.expect(t, "disarmed", "armed by ann", disarmed) // it was armed during the press
	})
}

// When a press and its release are noticed together, the times of the edges decide.
func TestPressThatIsSeenLate(t *testing.T) {
	const ms = time.Millisecond
	for _, c := range []struct {
		length time.Duration
		state  string
		want   action
	}{{30 * ms, "disarmed", nothing}, {50 * ms, "disarmed", arm}, {1999 * ms, "disarmed", arm}, {2000 * ms, "disarmed", nothing},
		{30 * ms, "armed", nothing}, {60 * ms, "armed", disarm}, {time.Hour, "armed", disarm},
		{1999 * ms, "stopped", arm}, {2000 * ms, "stopped", disarm}} {
		p := press{}
		p.update(0, false, c.state, 7)
		p.update(time.Second, true, c.state, 7)
		if got := p.update(time.Second+c.length, false, c.state, 7); got != c.want {
			t.Errorf("%v while %s: %d, want %d", c.length, c.state, got, c.want)
		}
		if got := p.update(time.Second+c.length+ms, false, c.state, 7); got != nothing {
			t.Errorf("%v while %s: and then %d", c.length, c.state, got)
		}
	}
}

// farPin is a pin behind a bus: it has no edges, and fails when the bus does.
type farPin struct {
	gpio.PinIO
	mutex   sync.Mutex
	level   gpio.Level
	broken  bool
	panics  bool
	readers int
}

func (p *farPin) String() string                { return "more/A3" }
func (p *farPin) Name() string                  { return "more/A3" }
func (p *farPin) In(gpio.Pull, gpio.Edge) error { return nil }
func (p *farPin) ReadLevel() (gpio.Level, error) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.readers++
	if p.panics {
		panic("bus on fire")
	}
	if p.broken {
		return gpio.Low, errors.New("no answer")
	}
	return p.level, nil
}
func (p *farPin) set(change func()) { p.mutex.Lock(); change(); p.mutex.Unlock() }

// A button on a bus is read twenty times a second. While it cannot be read, it counts as released, and a recovery of the bus is
// no press.
func TestStartButtonOnABus(t *testing.T) {
	atDesk(t, false, func(d *desk) {
		p := &farPin{level: gpio.High}
		button, err := sensors.NewButton(p, &sensors.ButtonOpts{Pull: "up", Debounce: 20 * time.Millisecond})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan struct{})
		go func() {
			defer close(done)
			d.WatchStart(ctx, button, func(who string) error { return d.Arm(who) })
		}()
		time.Sleep(10 * time.Second)
		if p.set(func() {}); p.readers < 150 || p.readers > 250 {
			t.Errorf("read %d times in 10 s", p.readers)
		}
		press := func(length time.Duration) {
			p.set(func() { p.level = gpio.Low })
			time.Sleep(length)
			p.set(func() { p.level = gpio.High })
			time.Sleep(300 * time.Millisecond)
		}
		press(200 * time.Millisecond)
		d.expect(t, "armed", armed)
		press(200 * time.Millisecond)
		d.expect(t, "disarmed", disarmed)
		p.set(func() { p.level = gpio.Low })
		time.Sleep(200 * time.Millisecond)
		p.set(func() { p.broken = true })
		time.Sleep(500 * time.Millisecond)
		p.set(func() { p.broken, p.panics = false, true })
		time.Sleep(500 * time.Millisecond)
		p.set(func() { p.panics = false })
		time.Sleep(300 * time.Millisecond)
		p.set(func() { p.level = gpio.High })
		time.Sleep(300 * time.Millisecond)
		d.expect(t, "disarmed", "sensor_fault the start button: button on more/A3: read: no answer",
			"sensor_recovered the start button")
		press(200 * time.Millisecond)
		d.expect(t, "armed", armed)
		cancel()
		<-done
	})
}
