package chips_test

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"periph.io/x/conn/v3/gpio"
	"periph.io/x/conn/v3/physic"
	"pgregory.net/rapid"

	"fluxd/actuators"
	"fluxd/boards/expanders"
	"fluxd/boards/sim/chips"
	"fluxd/options"
)

// acting is an actuator in one of its wirings.
type acting struct {
	kind, wiring string
	opts         func(t *rapid.T, pwm, level func() string) actuators.Options
	// within is the resolution, for a command, at the step of the pin's duty cycles, both in millionths.
	within func(o actuators.Options, command, step float64) float64
	board  bool // only on pins of the board
}

var actings = func() []acting {
	bridge := func(wiring string, wire func(o *actuators.HBridgeOpts, pwm, level func() string)) acting {
		return acting{kind: "hbridge", wiring: wiring, board: wiring == "pwm and in2",
			opts: func(t *rapid.T, pwm, level func() string) actuators.Options {
				o := &actuators.HBridgeOpts{PWM: pwm(), Inverted: rapid.Bool().Draw(t, "inverted"), MinPower: leastPower(t)}
				wire(o, pwm, level)
				if rapid.Bool().Draw(t, "standby") {
					o.Standby = level()
				}
				if o.Direction == "" {
					o.Stop = rapid.SampledFrom([]string{"coast", "brake"}).Draw(t, "stop")
				}
				return o
			},
			within: func(o actuators.Options, _, step float64) float64 {
				return (1 + step) / (1 - float64(o.(*actuators.HBridgeOpts).MinPower)/1e6)
			}}
	}
	ofPulse := func(step, period float64, low, high time.Duration, fullScale, least float64) float64 {
		return (fullScale*(step/1e6*period+4)/float64(high-low) + 1) / (1 - least/1e6)
	}
	return []acting{
		bridge("pwm and direction", func(o *actuators.HBridgeOpts, _, level func() string) { o.Direction = level() }),
		bridge("pwm, in1 and in2", func(o *actuators.HBridgeOpts, _, level func() string) { o.In1, o.In2 = level(), level() }),
		bridge("pwm and pwm2", func(o *actuators.HBridgeOpts, pwm, _ func() string) { o.PWM2 = pwm() }),
		bridge("pwm and in2", func(o *actuators.HBridgeOpts, _, level func() string) { o.In2 = level() }),
		{kind: "servo", opts: func(t *rapid.T, pwm, _ func() string) actuators.Options { o := randomServo(t, pwm()); return &o },
			within: func(of actuators.Options, _, step float64) float64 {
				o := of.(*actuators.ServoOpts)
				return ofPulse(step, float64(o.Period), o.Min, o.Max, 2e6, 0)
			}},
		{kind: "continuous", opts: func(t *rapid.T, pwm, _ func() string) actuators.Options {
			return &actuators.ContinuousOpts{ServoOpts: randomServo(t, pwm()), MinPower: leastPower(t)}
		}, within: func(of actuators.Options, command, step float64) float64 {
			o := of.(*actuators.ContinuousOpts)
			within := ofPulse(step, float64(o.Period), o.Min, o.Max, 2e6, float64(o.MinPower))
			if still := 2e6 * 3100 / float64(o.Max-o.Min); math.Abs(command) < still+within {
				return max(within, still+within) // it stands still
			}
			return within
		}},
		{kind: "esc", opts: func(t *rapid.T, pwm, _ func() string) actuators.Options {
			s := randomServo(t, pwm())
			return &actuators.ESCOpts{PWM: s.PWM, Frequency: s.Frequency, Min: s.Min, Max: s.Max,
				Reverse: rapid.Bool().Draw(t, "reverse"), MinPower: leastPower(t)}
		}, within: func(of actuators.Options, command, step float64) float64 {
			o := of.(*actuators.ESCOpts)
			scale, still := 1e6, 6200.
			if o.Reverse {
				scale, still = 2e6, 3100
			}
			within := ofPulse(step, float64(o.Period), o.Min, o.Max, scale, float64(o.MinPower))
			if still := scale * still / float64(o.Max-o.Min); math.Abs(command) < still+within {
				return max(within, still+within)
			}
			return within
		}},
		{kind: "dimmer", opts: func(t *rapid.T, pwm, _ func() string) actuators.Options {
			return &actuators.DimmerOpts{PWM: pwm(), Linear: rapid.Bool().Draw(t, "linear"), Inverted: rapid.Bool().Draw(t, "inverted"),
				MinPower: leastPower(t)}
		}, within: func(of actuators.Options, command, step float64) float64 {
			o := of.(*actuators.DimmerOpts)
			power := (1.5 + step) / (1 - float64(o.MinPower)/1e6)
			if o.Linear {
				return power
			}
			// The lightness changes by 9.033 for each power in the dark, and less in the light.
			slope := 9.033
			if l := math.Abs(command)/1e6*100 + 16; l > 24+power/1e4 {
				slope = 1 / (3 * (l / 116) * (l / 116) / 1.16) * 1.1
			}
			return min(power*slope+5, 1e6)
		}},
		{kind: "relay", opts: func(t *rapid.T, _, level func() string) actuators.Options {
			return &actuators.RelayOpts{Pin: level(), Active: rapid.SampledFrom([]string{"high", "low"}).Draw(t, "active"), On: 500_000,
				Off: 400_000}
		}, within: func(_ actuators.Options, command, _ float64) float64 { return 1e6 - math.Abs(command) }},
		{kind: "stepper", board: true, opts: func(t *rapid.T, pwm, level func() string) actuators.Options {
			o := &actuators.StepperOpts{Step: pwm(), Direction: level(), Hold: rapid.Bool().Draw(t, "hold"),
				Inverted: rapid.Bool().Draw(t, "inverted"),
				MaxRate:  physic.Frequency(rapid.IntRange(1, 200_000).Draw(t, "rate")) * physic.Hertz}
			if rapid.Bool().Draw(t, "enable") {
				o.Enable = level()
			}
			return o
		}, within: func(of actuators.Options, _, _ float64) float64 {
			return 1 + 1e6*float64(physic.Hertz)/float64(of.(*actuators.StepperOpts).MaxRate) // below a step a second it stands still
		}},
	}
}()

func leastPower(t *rapid.T) actuators.Command {
	return actuators.Command(rapid.SampledFrom([]int{0, 0, 80_000, 250_000, 900_000}).Draw(t, "min power"))
}

func randomServo(t *rapid.T, pwm string) actuators.ServoOpts {
	o := actuators.ServoOpts{PWM: pwm, Inverted: rapid.Bool().Draw(t, "inverted"),
		Frequency: physic.Frequency(rapid.IntRange(40, 300).Draw(t, "frequency")) * physic.Hertz,
		Min:       time.Duration(rapid.IntRange(600, 1400).Draw(t, "min")) * time.Microsecond,
		Max:       time.Duration(rapid.IntRange(1600, 2400).Draw(t, "max")) * time.Microsecond,
		Trim:      time.Duration(rapid.IntRange(-200, 200).Draw(t, "trim")) * time.Microsecond}
	return o
}

// The twin of each actuator does what its driver commands, in every wiring, on pins of the board and of expanders, and nothing at
// power-up and after a halt.
func TestTwinsDoWhatDriversSay(t *testing.T) {
	for _, c := range actings {
		t.Run(strings.TrimSuffix(c.kind+" "+c.wiring, " "), rapid.MakeCheck(func(t *rapid.T) {
			onChip := !c.board && rapid.Bool().Draw(t, "on expanders")
			frequency := physic.Frequency(rapid.SampledFrom([]int{40, 50, 200, 300}).Draw(t, "of the expander")) * physic.Hertz
			r := newBench(t, &expanders.PCA9685Opts{Frequency: frequency,
				Oscillator: physic.Frequency(rapid.IntRange(23_000, 27_000).Draw(t, "oscillator")) * physic.KiloHertz})
			n := 3
			next := func(names ...string) func() string {
				return func() string {
					n++
					return fmt.Sprintf(rapid.SampledFrom(names).Draw(t, "pin"), n%8+n/16)
				}
			}
			pwm, level := next("GPIO%d"), next("GPIO1%d", "more/B%d", "servos/%d")
			if c.board {
				level = next("GPIO1%d")
			}
			if onChip {
				pwm = next("servos/%d")
			}
			opts := c.opts(t, pwm, level)
			kind, _ := actuators.KindOf(c.kind)
			twin, driver := r.actuate(t, c.kind, opts)
			step := 1e6 / 4096
			if !onChip {
				step = 1e6 / float64(gpio.DutyMax)
			}
			expect := func(when string, want actuators.Command) {
				t.Helper()
				r.now += ms
				got := twin.Command()
				if within := c.within(opts, float64(want), step); math.Abs(float64(got-int64(want))) > within {
					t.Errorf("%s %d: the twin does %d, resolution %.0f", when, want, got, within)
				}
			}
			// The outputs of a PCA9685 are low at power-up, and a device that is active then acts.
			if settings := options.Values(opts); twin.Command() != 0 && (settings["inverted"] != true && settings["active"] != "low" ||
				!strings.Contains(fmt.Sprint(opts), "servos/")) {
				t.Errorf("at power-up it does %d", twin.Command())
			}
			for range 6 {
				low := opts.Lowest()
				command := actuators.Command(rapid.OneOf(rapid.Int64Range(int64(low), int64(actuators.Full)),
					rapid.SampledFrom([]int64{int64(low), 0, 1, 100, int64(actuators.Full)})).Draw(t, "command"))
				if kind.Name == "relay" {
					command = actuators.Command(rapid.SampledFrom([]int64{0, int64(actuators.Full)}).Draw(t, "on"))
				}
				if err := driver.Drive(command); err != nil {
					t.Fatal(err)
				}
				expect("after the command", command)
				if command == 0 && twin.Command() != 0 && c.kind != "servo" {
					t.Errorf("with the command 0 it does %d", twin.Command())
				}
			}
			if err := driver.Halt(); err != nil {
				t.Fatal(err)
			}
			holds := c.kind == "stepper" && opts.(*actuators.StepperOpts).Enable == "" // its driver is always on
			if r.now += ms; twin.Command() != 0 || twin.Limp() == holds {
				t.Errorf("after a halt it does %d, limp %v", twin.Command(), twin.Limp())
			}
		}))
	}
}

// Each actuator that moves something has a twin, which the test above tries.
func TestActuatorKinds(t *testing.T) {
	if !slices.IsSortedFunc(chips.ActuatorKinds, func(a, b chips.ActuatorKind) int { return strings.Compare(a.Name, b.Name) }) {
		t.Error("the list is not in order")
	}
	for _, k := range actuators.Kinds {
		_, found := chips.FindActuator(k.Name)
		tried := slices.ContainsFunc(actings, func(a acting) bool { return a.kind == k.Name })
		if found == k.Label || tried != found {
			t.Errorf("%s: twin %v, tried %v", k.Name, found, tried)
		}
	}
	for _, k := range chips.ActuatorKinds { // nothing is connected
		if twin := k.New(nil, nil); twin.Command() != 0 {
			t.Errorf("%s: without pins it does %d", k.Name, twin.Command())
		}
	}
}
