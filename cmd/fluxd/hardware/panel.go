package hardware

import (
	"fmt"
	"sync"
	"time"

	"periph.io/x/conn/v3/gpio"

	"fluxd/configs"
	"fluxd/sensors"
)

// A Panel is the switches and the light for people at the robot. Each is nil if the robot file has none.
type Panel struct {
	Stop  *sensors.Button // the emergency stop's switch
	Start *sensors.Button // arms and disarms
	Light *Light          // shows whether the robot is armed
}

// The contacts of a switch bounce: further changes within this time after a change do not count.
const (
	stopDebounce  = 5 * time.Millisecond
	startDebounce = 20 * time.Millisecond // it may be a cheap button, and no finger presses twice so fast
)

// OpenPanel makes the switches and the light. It adds the light to the body, which switches it off at failsafe. It writes
// nothing.
func (b *Body) OpenPanel() (p Panel, err error) {
	c := b.config.Safety
	if stop := c.EmergencyStop; stop != nil {
		opts := sensors.ButtonOpts{Pin: stop.Pin, Pull: stop.Pull, Active: stop.Active, Debounce: stopDebounce}
		p.Stop, err = b.openSwitch("safety.emergency_stop", opts)
	}
	if start := c.Start; start != nil && err == nil {
		opts := sensors.ButtonOpts{Pin: start.Pin, Pull: start.Pull, Active: start.Active, Debounce: startDebounce}
		p.Start, err = b.openSwitch("safety.start", opts)
	}
	if light := c.StatusLight; light != nil && err == nil {
		p.Light, err = b.openLight(light)
	}
	return p, err
}

func (b *Body) openSwitch(path string, opts sensors.ButtonOpts) (*sensors.Button, error) {
	var button *sensors.Button
	err := Attempt(func() error {
		pin, err := b.pin(opts.Pin)
		if err != nil {
			return err
		}
		button, err = sensors.NewButton(pin, &opts)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return button, nil
}

func (b *Body) openLight(c *configs.StatusLight) (*Light, error) {
	made := &Light{lit: c.Active == "high"}
	if err := Attempt(func() (err error) { made.pin, err = b.pin(c.Pin); return err }); err != nil {
		return nil, fmt.Errorf("safety.status_light: %w", err)
	}
	b.light = made
	return made, nil
}

// A Light is the robot's status light. Any goroutine may use it.
type Light struct {
	pin  gpio.PinOut
	lit  gpio.Level
	lock sync.Mutex
	off  bool // for good: Halt was called
}

// Set switches the light on or off. After Halt it stays off.
func (l *Light) Set(on bool) error {
	l.lock.Lock()
	defer l.lock.Unlock()
	if l.off {
		return nil
	}
	return l.write(on)
}

// Halt switches the light off for good.
func (l *Light) Halt() error {
	l.lock.Lock()
	defer l.lock.Unlock()
	l.off = true
	return l.write(false)
}

func (l *Light) write(on bool) error {
	if err := l.pin.Out(gpio.Level(on) == l.lit); err != nil {
		return fmt.Errorf("light on %s: %w; check that the pin exists and that nothing else uses it", l.pin.Name(), err)
	}
	return nil
}
