package actuators_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"periph.io/x/conn/v3/gpio"
	"periph.io/x/conn/v3/physic"
)

var errBroken = errors.New("broken")

// wire records the writes to its pins, in order. A test can make writes fail.
type wire struct {
	writes []string
	failAt map[int]bool // by the number of the write, counted from 0
}

func (w *wire) write(text string) error {
	n := len(w.writes)
	w.writes = append(w.writes, text)
	if w.failAt[n] {
		return errBroken
	}
	return nil
}

func (w *wire) expect(t *testing.T, want ...string) {
	t.Helper()
	if !slices.Equal(w.writes, want) {
		t.Errorf("writes:\n got %q\nwant %q", w.writes, want)
	}
	w.writes = nil
}

// pin is an output on a wire. Methods that outputs do not use are those of gpio.INVALID.
type pin struct {
	gpio.PinIO
	name string
	wire *wire
}

func newPin(w *wire, name string) *pin { return &pin{gpio.INVALID, name, w} }

func (p *pin) Name() string           { return p.name }
func (p *pin) Out(l gpio.Level) error { return p.wire.write(fmt.Sprintf("%s %s", p.name, l)) }
func (p *pin) PWM(duty gpio.Duty, f physic.Frequency) error {
	return p.wire.write(fmt.Sprintf("%s %d/%d at %s", p.name, duty, gpio.DutyMax, f))
}
