package safety

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"fluxd/actuators"
	"fluxd/boards/sim"
	"fluxd/boards/sim/chips"
	"fluxd/cmd/fluxd/hardware"
	"fluxd/configs"

	"periph.io/x/conn/v3/gpio"
)

// lamp is a status light on its own board, with a record of its changes.
type lamp struct {
	body  *hardware.Body
	board *sim.Board

	mutex   sync.Mutex
	changes []bool // what the light changed to
}

// lit opens the status light of a robot file, and lets it show the robot's state.
func (d *desk) lit(t *testing.T, light string) *lamp {
	t.Helper()
	config, err := configs.Parse("test.yaml", []byte(`robot: r
board: {kind: sim}
expanders: {leds: {device: pca9685, bus: I2C1, address: 0x40}}
network: {neurons: {a: {}}}
safety: {status_light: `+light+`}
mqtt: {broker: none}
`), nil)
	if err != nil {
		t.Fatal(err)
	}
	l := &lamp{body: hardware.New(config, hardware.Options{Log: slog.New(slog.DiscardHandler), BusWait: hardware.BusWait}, d.Clock)}
	if err := l.body.OpenBoard(); err != nil {
		t.Fatal(err)
	}
	panel, err := l.body.OpenPanel()
	if err != nil {
		t.Fatal(err)
	}
	l.board = l.body.Board.(*sim.Board)
	if line, err := l.board.Line("GPIO24"); err == nil {
		line.Watch(func(_ time.Duration, level gpio.Level) {
			l.mutex.Lock()
			defer l.mutex.Unlock()
			l.changes = append(l.changes, bool(level))
		})
	}
	ctx, cancel := context.WithCancel(context.Background())
	var all sync.WaitGroup
	all.Go(func() { d.WatchLight(ctx, panel.Light) })
	d.after = append(d.after, func() { cancel(); all.Wait() })
	return l
}

// changed waits for some time, and returns what the light changed to first, and how often it changed.
func (l *lamp) changed(within time.Duration) (first bool, count int) {
	l.mutex.Lock()
	l.changes = nil
	l.mutex.Unlock()
	time.Sleep(within)
	synctest.Wait()
	l.mutex.Lock()
	defer l.mutex.Unlock()
	return len(l.changes) > 0 && l.changes[0], len(l.changes)
}

func (l *lamp) level(t *testing.T) gpio.Level {
	t.Helper()
	line, err := l.board.Line("GPIO24")
	if err != nil {
		t.Fatal(err)
	}
	_, level := line.Power()
	return level
}

// The light shows disarmed (off), armed (on), a fault that holds an actuator (slow blink) and an emergency stop (fast blink).
func TestStatusLight(t *testing.T) {
	atDesk(t, false, func(d *desk) {
		l := d.lit(t, "{pin: GPIO24}")
		steady := func(what string, want gpio.Level, signal Signal) {
			t.Helper()
			time.Sleep(150 * time.Millisecond)
			if _, count := l.changed(3 * time.Second); count != 0 || l.level(t) != want || d.Signal() != signal {
				t.Errorf("%s: %d changes, then %v, %s; want %v", what, count, l.level(t), d.Signal(), want)
			}
		}
		blinks := func(what string, first bool, each int, signal Signal) {
			t.Helper()
			begun, count := l.changed(4 * time.Second)
			if want := 4 * each; count < want-1 || count > want+1 || begun != first || d.Signal() != signal {
				t.Errorf("%s: %d changes in 4 s, to %t at first, %s; want %d, %t", what, count, begun, d.Signal(), want, first)
			}
		}
		steady("disarmed", gpio.Low, Off)
		d.hold(100 * time.Millisecond)
		steady("armed", gpio.High, On)
		d.wheel.Guard.Hold(actuators.Expired)
		steady("a silent network", gpio.High, On)
		d.wheel.Guard.Hold(actuators.Stale)
		blinks("a sensor is stale", false, 2, SlowBlink)
		d.wheel.Guard.Release(actuators.Stale)
		steady("the sensor is fresh again", gpio.High, On)
		d.stalled.Store(true)
		blinks("the loop hangs", false, 2, SlowBlink)
		d.EmergencyStop("ann")
		blinks("stopped", d.Signal() == FastBlink && l.level(t) == gpio.Low, 10, FastBlink)
		d.Disarm("ann")
		steady("disarmed after the stop", gpio.Low, Off)
		d.stalled.Store(false)
		d.Actuators = append(d.Actuators, broken(t))
		d.mutex.Lock()
		d.events = nil
		d.mutex.Unlock()
		if err := d.ArmAtStart(); err != nil {
			t.Error(err)
		}
		blinks("an actuator fails", true, 2, SlowBlink)
		if err := l.body.Failsafe(); err != nil {
			t.Error(err)
		}
		steady("at the end", gpio.Low, SlowBlink)
	})
}

// broken returns an actuator that does not answer.
func broken(t *testing.T) *Actuator {
	t.Helper()
	guard, err := actuators.NewGuard(deaf{}, actuators.GuardOpts{Min: -actuators.Full, Max: actuators.Full})
	if err != nil {
		t.Fatal(err)
	}
	if guard.Start(0) == nil {
		t.Fatal("it answers")
	}
	return &Actuator{Actuator: &hardware.Actuator{Name: "deaf", Guard: guard, Device: deaf{}}, Wake: func() {}}
}

type deaf struct{}

func (deaf) String() string                { return "deaf" }
func (deaf) Halt() error                   { return nil }
func (deaf) Drive(actuators.Command) error { return errors.New("no answer") }

// With active: low, the light is off while its pin is high; also when fluxd ends.
func TestStatusLightThatIsLitByLow(t *testing.T) {
	atDesk(t, false, func(d *desk) {
		l := d.lit(t, "{pin: GPIO24, active: low}")
		time.Sleep(150 * time.Millisecond)
		if l.level(t) != gpio.High {
			t.Error("disarmed, and lit")
		}
		if err := d.ArmAtStart(); err != nil {
			t.Error(err)
		}
		time.Sleep(150 * time.Millisecond)
		if l.level(t) != gpio.Low {
			t.Error("armed, and dark")
		}
		if err := l.body.Failsafe(); err != nil || l.level(t) != gpio.High {
			t.Errorf("at the end: %v, %v", l.level(t), err)
		}
	})
}

// A light on an expander is set again after its chip was missing, and that is reported once. While its bus hangs, nothing waits
// for it.
func TestStatusLightOnABusThatFails(t *testing.T) {
	atDesk(t, false, func(d *desk) {
		l := d.lit(t, "{pin: leds/7}")
		chip := chips.NewPCA9685()
		faults, err := l.board.Faults("I2C1")
		if err != nil {
			t.Fatal(err)
		}
		if err := l.board.Detach("I2C1", 0x40); err != nil {
			t.Fatal(err)
		}
		time.Sleep(3 * time.Second)
		d.expect(t, "disarmed", "actuator_fault the status light: light on output 7 of pca9685")
		if err := l.board.Attach("I2C1", 0x40, chip); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		d.expect(t, "disarmed", "actuator_recovered the status light")
		faults.Stick()
		time.Sleep(time.Second)
		d.hold(100 * time.Millisecond)
		d.expect(t, "armed", "actuator_fault the status light: ", armed)
		begun := d.Clock()
		d.EmergencyStop("ann")
		if d.Clock() != begun || d.Signal() != FastBlink {
			t.Error("an emergency stop waited for the light")
		}
		d.Disarm("ann")
		if err := d.ArmAtStart(); err != nil {
			t.Error(err)
		}
		faults.Release()
		time.Sleep(2 * time.Second)
		if duty := chip.Duty(d.Clock(), 7); duty != gpio.DutyMax {
			t.Errorf("armed, and the light has %v", duty)
		}
		d.mutex.Lock()
		if last := d.events[len(d.events)-1]; !strings.HasPrefix(last, "actuator_recovered the status light") {
			t.Errorf("events %q", d.events)
		}
		d.mutex.Unlock()
	})
}
