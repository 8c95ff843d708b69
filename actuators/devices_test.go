package actuators_test

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"fluxd/actuators"

	"periph.io/x/conn/v3/gpio"
	"periph.io/x/conn/v3/physic"
)

var (
	_ actuators.Device = (*actuators.HBridge)(nil)
	_ actuators.Device = (*actuators.Servo)(nil)
	_ actuators.Device = (*actuators.ESC)(nil)
	_ actuators.Device = (*actuators.Dimmer)(nil)
	_ actuators.Device = (*actuators.Relay)(nil)
	_ actuators.Device = (*actuators.Stepper)(nil)
)

const full = actuators.Full

// story is a device on a wire, and its writes when it is driven.
type story struct {
	name  string
	make  func(w *wire) (actuators.Device, error)
	steps []moment
}

type moment struct {
	do     any // a command, or "halt"
	writes []string
}

func (s story) run(t *testing.T) {
	t.Helper()
	t.Run(s.name, func(t *testing.T) {
		w := &wire{}
		d, err := s.make(w)
		if err != nil {
			t.Fatal(err)
		}
		w.expect(t) // making it writes nothing
		for _, step := range s.steps {
			if command, ok := step.do.(actuators.Command); ok {
				err = d.Drive(command)
			} else {
				err = d.Halt()
			}
			if err != nil {
				t.Errorf("%v: %v", step.do, err)
			}
			w.expect(t, step.writes...)
		}
	})
}

func duty(pin string, share float64, at string) string {
	return fmt.Sprintf("%s %d/16777216 at %s", pin, int64(math.Round(share*16777216)), at)
}

func bridge(opts *actuators.HBridgeOpts, standby bool) func(w *wire) (actuators.Device, error) {
	return func(w *wire) (actuators.Device, error) {
		var pin gpio.PinOut
		if standby {
			pin = newPin(w, "STBY")
		}
		return actuators.NewHBridgeIn1In2(newPin(w, "PWM"), newPin(w, "IN1"), newPin(w, "IN2"), pin, opts)
	}
}

func TestHBridgeWithTwoDirectionInputs(t *testing.T) {
	off := duty("PWM", 0, "20kHz")
	for _, s := range []story{
		{"coasts at 0", bridge(nil, false), []moment{
			{full, []string{off, "IN1 High", "IN2 Low", duty("PWM", 1, "20kHz")}},
			{full / 2, []string{duty("PWM", 0.5, "20kHz")}},
			{-full / 4, []string{off, "IN1 Low", "IN2 High", duty("PWM", 0.25, "20kHz")}},
			{full * 0, []string{off, "IN1 Low", "IN2 Low", off}},
			{"halt", []string{off}},
		}},
		{"brakes at 0", bridge(&actuators.HBridgeOpts{Stop: "brake"}, false), []moment{
			{full * 0, []string{off, "IN1 High", "IN2 High", duty("PWM", 1, "20kHz")}},
			{-full, []string{off, "IN1 Low", "IN2 High", duty("PWM", 1, "20kHz")}},
			{"halt", []string{off}}, // without torque, and without braking
		}},
		{"inverted, with standby", bridge(&actuators.HBridgeOpts{Inverted: true, Frequency: physic.KiloHertz}, true), []moment{
			{full, []string{duty("PWM", 0, "1kHz"), "IN1 Low", "IN2 High", "STBY High", duty("PWM", 1, "1kHz")}},
			{full / 2, []string{duty("PWM", 0.5, "1kHz")}},
			{full * 0, []string{duty("PWM", 0, "1kHz"), "IN1 Low", "IN2 Low", duty("PWM", 0, "1kHz"), "STBY Low"}},
			{"halt", []string{duty("PWM", 0, "1kHz"), "STBY Low"}},
		}},
	} {
		s.run(t)
	}
	w := &wire{}
	if _, err := actuators.NewHBridge(newPin(w, "A"), newPin(w, "B"), nil, &actuators.HBridgeOpts{Stop: "brake"}); err == nil {
		t.Error("brake with one direction input: expected an error")
	}
	if _, err := actuators.NewHBridgeIn1In2(newPin(w, "A"), newPin(w, "B"), newPin(w, "B"), nil, nil); err == nil {
		t.Error("one pin for both inputs: expected an error")
	}
}

func TestServoTrimInvertedAndDeadBand(t *testing.T) {
	servo := func(opts actuators.ServoOpts) func(w *wire) (actuators.Device, error) {
		return func(w *wire) (actuators.Device, error) { return actuators.NewServo(newPin(w, "S"), &opts) }
	}
	continuous := func(w *wire) (actuators.Device, error) {
		return actuators.NewContinuous(newPin(w, "S"), &actuators.ContinuousOpts{DeadBand: full / 10})
	}
	for _, s := range []story{
		{"trim moves every pulse", servo(actuators.ServoOpts{Trim: -20 * us}), []moment{
			{-full, []string{duty("S", 0.98/20, "50Hz")}}, {full * 0, []string{duty("S", 1.48/20, "50Hz")}},
			{full, []string{duty("S", 1.98/20, "50Hz")}}}},
		{"inverted", servo(actuators.ServoOpts{Inverted: true}), []moment{{full, []string{duty("S", 1.0/20, "50Hz")}},
			{-full, []string{duty("S", 2.0/20, "50Hz")}}}},
		{"a continuous one stands still within its dead band", continuous, []moment{
			{full/10 - 1, []string{duty("S", 1.5/20, "50Hz")}}, {-full/10 + 1, []string{duty("S", 1.5/20, "50Hz")}},
			{full / 10, []string{duty("S", 1.55/20, "50Hz")}}}},
	} {
		s.run(t)
	}
	for name, opts := range map[string]actuators.ServoOpts{
		"trimmed below the shortest pulse": {Min: 500 * us, Trim: -200 * us},
		"beyond the longest pulse":         {Max: 2700 * us},
	} {
		if _, err := actuators.NewServo(newPin(&wire{}, "S"), &opts); err == nil || !strings.HasPrefix(err.Error(), "servo on S: ") {
			t.Errorf("%s: got %v", name, err)
		}
	}
	if _, err := actuators.NewContinuous(newPin(&wire{}, "S"), &actuators.ContinuousOpts{DeadBand: full}); err == nil ||
		!strings.HasPrefix(err.Error(), "servo on S: dead_band: ") {
		t.Errorf("dead band of all: got %v", err)
	}
}

func TestESC(t *testing.T) {
	esc := func(opts *actuators.ESCOpts) func(w *wire) (actuators.Device, error) {
		return func(w *wire) (actuators.Device, error) { return actuators.NewESC(newPin(w, "E"), opts) }
	}
	for _, s := range []story{
		{"one way", esc(nil), []moment{{full * 0, []string{duty("E", 1.0/20, "50Hz")}}, {full / 2, []string{duty("E", 1.5/20, "50Hz")}},
			{full, []string{duty("E", 2.0/20, "50Hz")}}, {"halt", []string{duty("E", 0, "50Hz")}}}},
		{"both ways, fast", esc(&actuators.ESCOpts{Reverse: true, Frequency: 400 * physic.Hertz}),
			[]moment{{full * 0, []string{duty("E", 1.5/2.5, "400Hz")}}, {-full, []string{duty("E", 1.0/2.5, "400Hz")}}}},
	} {
		s.run(t)
	}
	w := &wire{}
	oneWay, err := actuators.NewESC(newPin(w, "E"), nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := oneWay.Drive(-1); err == nil {
		t.Error("backwards, which it cannot: expected an error")
	}
	w.expect(t)
	if _, err := actuators.NewESC(newPin(w, "E"), &actuators.ESCOpts{Frequency: 500 * physic.Hertz}); err == nil {
		t.Error("500 Hz: expected an error")
	}
}

func TestDimmer(t *testing.T) {
	dimmer := func(opts *actuators.DimmerOpts) func(w *wire) (actuators.Device, error) {
		return func(w *wire) (actuators.Device, error) { return actuators.NewDimmer(newPin(w, "LED"), opts) }
	}
	for _, s := range []story{
		{"linear", dimmer(&actuators.DimmerOpts{Linear: true}), []moment{{full / 4, []string{duty("LED", 0.25, "1kHz")}},
			{"halt", []string{duty("LED", 0, "1kHz")}}}},
		{"inverted", dimmer(&actuators.DimmerOpts{Linear: true, Inverted: true, Frequency: 200 * physic.Hertz}),
			[]moment{{full / 4, []string{duty("LED", 0.75, "200Hz")}}, {"halt", []string{"LED High"}}}},
		{"as the eye sees it", dimmer(nil), []moment{{full * 0, []string{duty("LED", 0, "1kHz")}},
			{full / 2, []string{duty("LED", 0.184187, "1kHz")}}, {full, []string{duty("LED", 1, "1kHz")}}}},
	} {
		s.run(t)
	}
	if _, err := actuators.NewDimmer(newPin(&wire{}, "LED"), &actuators.DimmerOpts{Frequency: -1}); err == nil {
		t.Error("negative frequency: expected an error")
	}
}

// The integers agree with the formula in floating point, and never fall.
func TestDimmerFollowsTheEye(t *testing.T) {
	w := &wire{}
	d, err := actuators.NewDimmer(newPin(w, "LED"), nil)
	if err != nil {
		t.Fatal(err)
	}
	before := int64(-1)
	for c := actuators.Command(0); c <= full; c += 1009 {
		if err := d.Drive(c); err != nil {
			t.Fatal(err)
		}
		var got int64
		if _, err := fmt.Sscanf(w.writes[0], "LED %d/", &got); err != nil {
			t.Fatal(err)
		}
		w.writes = nil
		lightness := float64(c) / 1e4
		want := math.Pow((lightness+16)/116, 3)
		if lightness <= 8 {
			want = lightness / 903.3
		}
		if math.Abs(float64(got)/16777216-want) > 1.1e-6 || got < before {
			t.Errorf("lightness %g: duty %g, want %g", lightness, float64(got)/16777216, want)
		}
		before = got
	}
}

func TestRelay(t *testing.T) {
	relay := func(opts *actuators.RelayOpts) func(w *wire) (actuators.Device, error) {
		return func(w *wire) (actuators.Device, error) { return actuators.NewRelay(newPin(w, "R"), opts) }
	}
	for _, s := range []story{
		{"between the two it stays as it is", relay(nil), []moment{
			{full * 45 / 100, []string{"R Low"}}, {full / 2, []string{"R High"}}, {full * 45 / 100, []string{"R High"}},
			{full * 2 / 5, []string{"R Low"}}, {full, []string{"R High"}}, {"halt", []string{"R Low"}}}},
		{"active low", relay(&actuators.RelayOpts{Active: "low"}), []moment{{full, []string{"R Low"}}, {full * 0, []string{"R High"}},
			{"halt", []string{"R High"}}}},
	} {
		s.run(t)
	}
	for _, opts := range []actuators.RelayOpts{{On: 1, Off: 1}, {On: full + 1}, {On: 1, Off: -1}} {
		if _, err := actuators.NewRelay(newPin(&wire{}, "R"), &opts); err == nil {
			t.Errorf("%+v: expected an error", opts)
		}
	}
	// A write that failed may have switched nothing: between the two commands it is repeated.
	w := &wire{failAt: map[int]bool{0: true}}
	r, err := actuators.NewRelay(newPin(w, "R"), nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Drive(full); !errors.Is(err, errBroken) {
		t.Errorf("got %v", err)
	}
	if err := r.Drive(full); err != nil {
		t.Error(err)
	}
	w.expect(t, "R High", "R High")
}

func TestStepper(t *testing.T) {
	stepper := func(opts actuators.StepperOpts, enable bool) func(w *wire) (actuators.Device, error) {
		return func(w *wire) (actuators.Device, error) {
			var pin gpio.PinOut
			if enable {
				pin = newPin(w, "EN")
			}
			return actuators.NewStepper(newPin(w, "STEP"), newPin(w, "DIR"), pin, &opts)
		}
	}
	still, steps := duty("STEP", 0, "1Hz"), func(at string) string { return duty("STEP", 0.5, at) }
	for _, s := range []story{
		{"its speed is the frequency of its steps", stepper(actuators.StepperOpts{}, false), []moment{
			{full, []string{still, "DIR Low", steps("1kHz")}},
			{full / 2, []string{steps("500Hz")}},
			{-full / 4, []string{still, "DIR High", steps("250Hz")}},
			{actuators.Command(999), []string{still}}, // less than one step per second
			{"halt", []string{still}},
		}},
		{"released at rest", stepper(actuators.StepperOpts{Inverted: true, MaxRate: 2 * physic.KiloHertz}, true), []moment{
			{full, []string{still, "DIR High", "EN Low", steps("2kHz")}}, {full * 0, []string{still, "EN High"}},
			{"halt", []string{still, "EN High"}}}},
		{"held at rest", stepper(actuators.StepperOpts{Hold: true}, true), []moment{{full * 0, []string{still, "EN Low"}},
			{"halt", []string{still, "EN High"}}}},
	} {
		s.run(t)
	}
	w := &wire{}
	for name, make := range map[string]func() (*actuators.Stepper, error){
		"too fast": func() (*actuators.Stepper, error) {
			return actuators.NewStepper(newPin(w, "STEP"), newPin(w, "DIR"), nil, &actuators.StepperOpts{MaxRate: physic.MegaHertz})
		},
		"a pin twice": func() (*actuators.Stepper, error) {
			return actuators.NewStepper(newPin(w, "STEP"), newPin(w, "DIR"), newPin(w, "DIR"), nil)
		},
	} {
		if _, err := make(); err == nil || !strings.HasPrefix(err.Error(), "stepper on STEP and DIR: ") {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

// Whichever write fails, the error names the device, and no motor is left driven in a direction that was not commanded.
func TestEveryWriteCanFail(t *testing.T) {
	for name, make := range map[string]func(w *wire) (actuators.Device, error){
		"hbridge": func(w *wire) (actuators.Device, error) {
			return actuators.NewHBridge(newPin(w, "PWM"), newPin(w, "DIR"), nil, nil)
		},
		"in1 in2": bridge(nil, true),
		"brakes":  bridge(&actuators.HBridgeOpts{Stop: "brake"}, false),
		"stepper": func(w *wire) (actuators.Device, error) {
			return actuators.NewStepper(newPin(w, "PWM"), newPin(w, "DIR"), newPin(w, "EN"), nil)
		},
	} {
		for fail := range 12 {
			w := &wire{}
			d, err := make(w)
			if err != nil {
				t.Fatal(err)
			}
			if err := d.Drive(full); err != nil {
				t.Fatal(err)
			}
			w.writes, w.failAt = nil, map[int]bool{fail: true}
			err = d.Drive(-full)
			if len(w.writes) <= fail { // all were done
				break
			}
			helped := fail+1 < len(w.writes) && w.writes[fail+1] == "PWM Low" // if PWM fails, a low level helps
			if !helped && (!errors.Is(err, errBroken) || !strings.Contains(err.Error(), " on ")) {
				t.Errorf("%s, write %d of %q: got %v", name, fail, w.writes, err)
			}
			// The write that failed may have been done or not. If the power came on at all, it was the last of all.
			for i, write := range w.writes[:max(0, len(w.writes)-1)] {
				if strings.HasPrefix(write, "PWM ") && !strings.HasPrefix(write, "PWM 0/") && write != "PWM Low" {
					t.Errorf("%s: power at write %d of %q", name, i, w.writes)
				}
			}
			w.writes, w.failAt = nil, nil
			if err := d.Drive(-full); err != nil { // and the next one corrects it
				t.Errorf("%s: %v", name, err)
			}
			if err := d.Drive(0); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

func ExampleStepper() {
	w := &wire{} // on a robot: pins of the board
	belt, err := actuators.NewStepper(newPin(w, "GPIO18"), newPin(w, "GPIO25"), nil,
		&actuators.StepperOpts{MaxRate: 800 * physic.Hertz})
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := belt.Drive(actuators.Full / 4); err != nil {
		fmt.Println(err)
	}
	if err := belt.Halt(); err != nil {
		fmt.Println(err)
	}
	for _, write := range w.writes {
		fmt.Println(write)
	}
	// Output:
	// GPIO18 0/16777216 at 1Hz
	// GPIO25 Low
	// GPIO18 8388608/16777216 at 200Hz
	// GPIO18 0/16777216 at 1Hz
}

func ExampleRelay() {
	w := &wire{}
	horn, err := actuators.NewRelay(newPin(w, "GPIO23"), &actuators.RelayOpts{Active: "low"})
	if err != nil {
		fmt.Println(err)
		return
	}
	guard, err := actuators.NewGuard(horn, actuators.GuardOpts{Max: actuators.Full, Timeout: time.Second})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(guard.Start(0), w.writes)
	guard.Set(0, actuators.Full)
	fmt.Println(guard.Step(0), w.writes)
	// Output:
	// <nil> [GPIO23 High]
	// <nil> [GPIO23 High GPIO23 Low]
}
