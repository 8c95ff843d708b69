package hil_test

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"
)

// heated is a robot whose fan runs faster when its thermometer is warmer: off at 20 °C, full speed at 60 °C.
func heated(c *testCase) string {
	c.t.Helper()
	c.needs(under.thermometer() != nil, "thermometer whose temperature is set")
	c.needs(under.pwm() != nil, "PWM that is seen from outside")
	return fmt.Sprintf(`robot: heated
board: %s
sensors:
  heat: {%s, every: 50ms, stale: 500ms, encode: {kind: rate, range: [20 °C, 60 °C], max: 200 Hz, to: warm}}
network: {neurons: {warm: {}}}
actuators:
  fan: {device: dimmer, linear: true, pwm: '%s', decode: {kind: count, neuron: warm, full: 200 Hz, window: 500ms}}
mqtt: {broker: none}
`, under.board(), under.thermometer().sensor, under.pwm().pin)
}

// fanOn and fanOff read the fan's PWM from outside.
func fanOn() bool  { _, duty := under.pwm().read(); return duty > 0.5 }
func fanOff() bool { _, duty := under.pwm().read(); return duty == 0 }

// A higher temperature raises the duty cycle of the PWM: through the kernel's drivers into the network, and back out.
func TestHeatTurnsTheFan(t *testing.T) {
	c := begin(t)
	text := heated(c)
	heat, fan := under.thermometer(), under.pwm()
	heat.set(20)
	start(t, text)
	for _, celsius := range []int{40, 50, 30, 20} {
		want := float64(celsius-20) / 40
		heat.set(celsius)
		took := eventually(t, fmt.Sprintf("duty %.2f at %d °C", want, celsius), func() bool {
			_, duty := fan.read()
			return math.Abs(duty-want) <= 0.05+0.5*fan.tolerance
		})
		c.figure("%d °C after %v", celsius, took.Round(time.Millisecond))
	}
}

// A higher temperature switches a relay on. The delay is measured from outside.
func TestHeatSwitchesTheRelay(t *testing.T) {
	c := begin(t)
	c.needs(under.thermometer() != nil, "thermometer whose temperature is set")
	c.needs(under.wire() != nil, "output that is seen from outside")
	heat, w := under.thermometer(), under.wire()
	heat.set(20)
	start(t, fmt.Sprintf(`robot: heater
board: %s
sensors:
  heat: {%s, every: 20ms, encode: {kind: rate, range: [20 °C, 60 °C], max: 200 Hz, to: warm}}
network: {neurons: {warm: {}}}
actuators: {heater: {%s, decode: {kind: count, neuron: warm, full: 50 Hz, window: 100ms}}}
mqtt: {broker: none}
`, under.board(), heat.sensor, w.actuator))
	var on, off distribution
	for range 10 {
		w.mark()
		heat.set(60)
		on = append(on, w.await(t, true))
		w.mark()
		heat.set(20)
		off = append(off, w.await(t, false))
	}
	c.figure("hot to line high, from outside, %v", on)
	c.figure("cold to line low p50 %v", off.at(0.5))
	t.Logf("hot to line high:\n%s", on.picture())
}

// Each actuator's command appears at its pin as PWM with the right frequency and duty cycle.
func TestPWM(t *testing.T) {
	c := begin(t)
	fan := under.pwm()
	c.needs(fan != nil, "PWM that is seen from outside")
	for _, row := range []struct {
		name, device    string
		command         float64
		frequency, duty float64
		span            float64 // of the duty cycle, from command 0 to full
	}{
		{"dimmer at a quarter", "device: dimmer, linear: true, frequency: 100 Hz, pwm: PIN", 0.25, 100, 0.25, 1},
		{"dimmer at a half", "device: dimmer, linear: true, frequency: 1 kHz, pwm: PIN", 0.5, 1000, 0.5, 1},
		{"dimmer at full", "device: dimmer, linear: true, frequency: 1 kHz, pwm: PIN", 1, 0, 1, 1},
		{"motor at three quarters", "device: hbridge, frequency: 400 Hz, slew: none, pwm: PIN, direction: GPIO16", 0.75, 400, 0.75, 1},
		// 1.5 ms and half of 0.5 ms, of 20 ms
		{"servo half way", "device: servo, range: [0, 1], slew: none, pwm: PIN", 0.5, 50, 0.0875, 0.05},
		{"continuous servo at full", "device: continuous, slew: none, pwm: PIN", 1, 50, 0.1, 0.05}, // 2 ms of 20 ms
		{"ESC at full", "device: esc, slew: none, pwm: PIN", 1, 50, 0.1, 0.05},                     // 2 ms of 20 ms
		{"stepper at half its rate", "device: stepper, max_rate: 400 Hz, slew: none, step: PIN, direction: GPIO16", 0.5, 200, 0.5, 0},
	} {
		_, stop := start(t, fmt.Sprintf(`robot: pulse
board: %s
network: {neurons: {beat: {pacemaker: 10ms}}}
actuators: {fan: {%s, decode: {kind: count, neuron: beat, full: %.3f Hz, window: 1s}}}
mqtt: {broker: none}
`, under.board(), strings.Replace(row.device, "PIN", "'"+fan.pin+"'", 1), 100/row.command))
		var frequency, duty float64
		right := func() bool {
			frequency, duty = fan.read()
			// Two spikes more or less in the window change the command by 0.02. A line that is always high has no frequency.
			rightDuty := math.Abs(duty-row.duty) <= 0.02*row.span+row.duty*fan.tolerance
			rightFrequency := math.Abs(frequency-row.frequency) <= row.frequency*max(0.021, fan.tolerance)
			return rightDuty && (row.duty == 1 || rightFrequency)
		}
		time.Sleep(1200 * time.Millisecond) // until the decoder's window is full
		is := right()
		for begun := time.Now(); !is && time.Since(begun) < patience/3; is = right() {
			time.Sleep(5 * time.Millisecond)
		}
		if !is {
			t.Errorf("%s: %.1f Hz, duty %.4f: want %v Hz, %v", row.name, frequency, duty, row.frequency, row.duty)
		}
		c.figure("%s %.1f Hz %.2f %%", row.name, frequency, duty*100)
		stop()
		eventually(t, "rest", fanOff)
	}
}
