package chips_test

import (
	"testing"
	"time"

	"periph.io/x/conn/v3/gpio"
	"periph.io/x/conn/v3/physic"

	"fluxd/boards/sim"
	"fluxd/boards/sim/chips"
)

// The truth tables of the bridges, with inputs that no driver would write too.
func TestMotorInputs(t *testing.T) {
	const off, half, on, floats = 0, 50, 100, -1
	type inputs map[string]int // per cent of the time that they are high
	for _, c := range []struct {
		wiring string
		inputs inputs
		want   int64 // per cent
		limp   bool
	}{
		{"direction", inputs{"pwm": half, "direction": off}, 50, false},
		{"direction", inputs{"pwm": half, "direction": on}, -50, false},
		{"direction", inputs{"pwm": off, "direction": on}, 0, true},
		{"direction", inputs{"pwm": on, "direction": floats}, 100, false},
		{"direction", inputs{"pwm": floats, "direction": on}, 0, true},
		{"direction and standby", inputs{"pwm": half, "direction": off, "standby": off}, 0, true},
		{"direction and standby", inputs{"pwm": half, "direction": off, "standby": floats}, 0, true},
		{"direction and standby", inputs{"pwm": half, "direction": off, "standby": on}, 50, false},
		{"in1 and in2", inputs{"pwm": half, "in1": on, "in2": off}, 50, false},
		{"in1 and in2", inputs{"pwm": half, "in1": off, "in2": on}, -50, false},
		{"in1 and in2", inputs{"pwm": on, "in1": on, "in2": on}, 0, false}, // brakes
		{"in1 and in2", inputs{"pwm": on, "in1": off, "in2": off}, 0, true},
		{"in1 and in2", inputs{"pwm": off, "in1": on, "in2": off}, 0, true},
		{"in1 and in2", inputs{"pwm": on, "in1": on, "in2": on, "standby": off}, 0, true},
		{"pwm2", inputs{"pwm": half, "pwm2": off}, 50, false},
		{"pwm2", inputs{"pwm": off, "pwm2": half}, -50, false},
		{"pwm2", inputs{"pwm": on, "pwm2": on}, 0, false},
		{"pwm2", inputs{"pwm": on, "pwm2": half}, 50, false}, // brakes between pulses
		{"pwm2", inputs{"pwm": off, "pwm2": off}, 0, true},
		{"pwm2", inputs{"pwm": floats, "pwm2": floats}, 0, true},
		{"in2", inputs{"pwm": half, "in2": on}, -50, false},
		{"in2", inputs{"pwm": on, "in2": on}, 0, false},
		{"in2", inputs{"pwm": half, "in2": off}, 50, false},
		{"in2", inputs{"pwm": off, "in2": on}, -100, false},
		{"in2", inputs{"pwm": on, "in2": off, "standby": off}, 0, true},
	} {
		pins := map[string]*sim.Pin{}
		for key, high := range c.inputs {
			pins[key] = sim.NewPin(key, len(pins), func() time.Duration { return 0 })
			switch high {
			case floats:
			case half:
				pins[key].PWM(gpio.DutyHalf, 20*physic.KiloHertz)
			default:
				pins[key].Out(high == on)
			}
		}
		kind, _ := chips.FindActuator("hbridge")
		motor := kind.New(pins, nil)
		if got := motor.Command(); got != c.want*10_000 || motor.Limp() != c.limp {
			t.Errorf("%s %v: %d, limp %v; want %d %%, %v", c.wiring, c.inputs, got, motor.Limp(), c.want, c.limp)
		}
	}
}

// A servo obeys pulses of a length that it knows, and is limp otherwise: with a level, with PWM for a motor. Beyond its ends it
// is at its stop.
func TestServoPulses(t *testing.T) {
	pin := sim.NewPin("pwm", 0, func() time.Duration { return 0 })
	kind, _ := chips.FindActuator("servo")
	servo := kind.New(map[string]*sim.Pin{"pwm": pin}, nil)
	for _, c := range []struct {
		pulse     time.Duration
		frequency physic.Frequency
		want      int64
		limp      bool
	}{
		{0, 50 * physic.Hertz, 0, true},
		{200 * time.Microsecond, 50 * physic.Hertz, 0, true},
		{600 * time.Microsecond, 50 * physic.Hertz, -1_000_000, false},
		{1500 * time.Microsecond, 50 * physic.Hertz, 0, false},
		{1750 * time.Microsecond, 50 * physic.Hertz, 500_000, false},
		{1750 * time.Microsecond, 333 * physic.Hertz, 500_000, false},
		{2400 * time.Microsecond, 50 * physic.Hertz, 1_000_000, false},
		{3 * time.Millisecond, 50 * physic.Hertz, 0, true},
		{500 * time.Nanosecond, physic.MegaHertz, 0, true},
	} {
		pin.PWM(gpio.Duty(float64(c.pulse)/float64(c.frequency.Period())*float64(gpio.DutyMax)+0.5), c.frequency)
		if got := servo.Command(); max(got-c.want, c.want-got) > 10 || servo.Limp() != c.limp {
			t.Errorf("%v at %v: %d, limp %v; want %d, %v", c.pulse, c.frequency, got, servo.Limp(), c.want, c.limp)
		}
	}
	pin.Out(gpio.High)
	if servo.Command() != 0 || !servo.Limp() {
		t.Errorf("high: %d, limp %v", servo.Command(), servo.Limp())
	}
}
