package actuators_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"periph.io/x/conn/v3/gpio"
	"periph.io/x/conn/v3/physic"

	"fluxd/actuators"
)

var _ actuators.Device = (*actuators.TwoInputHBridge)(nil)

func TestTwoInputHBridge(t *testing.T) {
	twoPWM := func(opts actuators.HBridgeOpts) func(w *wire) (actuators.Device, error) {
		return func(w *wire) (actuators.Device, error) {
			return actuators.NewHBridgeTwoPWM(newPin(w, "A"), newPin(w, "B"), nil, &opts)
		}
	}
	onePWM := func(opts actuators.HBridgeOpts, standby bool) func(w *wire) (actuators.Device, error) {
		return func(w *wire) (actuators.Device, error) {
			var pin gpio.PinOut
			if standby {
				pin = newPin(w, "STBY")
			}
			return actuators.NewHBridgeOnePWM(newPin(w, "A"), newPin(w, "B"), pin, &opts)
		}
	}
	a := func(share float64) string { return duty("A", share, "20kHz") }
	b := func(share float64) string { return duty("B", share, "20kHz") }
	for _, s := range []story{
		{"two PWM: the one that does not drive is low", twoPWM(actuators.HBridgeOpts{}), []moment{
			{full * 0, []string{a(0), b(0)}},
			{full / 4, []string{a(0), b(0), a(0.25)}},
			{full / 2, []string{a(0.5)}},
			{-full / 4, []string{a(0), b(0), b(0.25)}},
			{-full, []string{b(1)}},
			{full * 0, []string{a(0), b(0)}},
			{"halt", []string{a(0), b(0)}},
		}},
		{"two PWM that brake", twoPWM(actuators.HBridgeOpts{Stop: "brake"}), []moment{
			{full * 0, []string{b(1), a(1)}}, {full / 4, []string{a(0), b(0), a(0.25)}}, {full * 0, []string{b(1), a(1)}},
			{"halt", []string{a(0), b(0)}}}},
		{"two PWM, inverted", twoPWM(actuators.HBridgeOpts{Inverted: true}), []moment{{full, []string{a(0), b(0), b(1)}},
			{-full, []string{a(0), b(0), a(1)}}}},
		{"one PWM: its duty is inverted in reverse", onePWM(actuators.HBridgeOpts{}, false), []moment{
			{full / 4, []string{a(0), "B Low", a(0.25)}},
			{full / 2, []string{a(0.5)}},
			{-full / 4, []string{a(0), "B Low", "B High", a(0.75)}},
			{-full, []string{a(0)}},
			{full / 4, []string{a(0), "B Low", a(0.25)}},
			{full * 0, []string{a(0), "B Low"}},
			{"halt", []string{a(0), "B Low"}},
		}},
		{"one PWM that brakes, with standby", onePWM(actuators.HBridgeOpts{Stop: "brake"}, true), []moment{
			{full * 0, []string{"B High", a(1), "STBY High"}}, {-full, []string{a(0), "B Low", "B High", a(0)}},
			{"halt", []string{a(0), "B Low", "STBY Low"}}}},
		{"one PWM that coasts, with standby", onePWM(actuators.HBridgeOpts{}, true), []moment{
			{full, []string{a(0), "B Low", a(1), "STBY High"}}, {full * 0, []string{a(0), "B Low", "STBY Low"}}}},
	} {
		s.run(t)
	}
	w := &wire{}
	if _, err := actuators.NewHBridgeTwoPWM(newPin(w, "A"), newPin(w, "A"), nil, nil); err == nil {
		t.Error("one pin for both inputs: expected an error")
	}
	if _, err := actuators.NewHBridgeOnePWM(newPin(w, "A"), newPin(w, "B"), nil,
		&actuators.HBridgeOpts{Frequency: 2 * physic.MegaHertz}); err == nil {
		t.Error("2 MHz: expected an error")
	}
}

// Whichever write fails, the error says which motor, and every input that can be reached is low in the end.
func TestTwoInputHBridgeComesToRestWhenAWriteFails(t *testing.T) {
	for name, make := range map[string]func(w *wire) (actuators.Device, error){
		"two PWM": func(w *wire) (actuators.Device, error) {
			return actuators.NewHBridgeTwoPWM(newPin(w, "A"), newPin(w, "B"), newPin(w, "STBY"), nil)
		},
		"one PWM": func(w *wire) (actuators.Device, error) {
			return actuators.NewHBridgeOnePWM(newPin(w, "A"), newPin(w, "B"), newPin(w, "STBY"), nil)
		},
	} {
		for fail := range 4 {
			w := &wire{}
			d, err := make(w)
			if err != nil {
				t.Fatal(err)
			}
			if err := d.Drive(full / 2); err != nil {
				t.Fatal(err)
			}
			w.writes, w.failAt = nil, map[int]bool{fail: true}
			err = d.Drive(-full / 2)
			if len(w.writes) <= fail { // all were done
				break
			}
			if err == nil || !strings.HasPrefix(err.Error(), "hbridge on A and B: ") {
				t.Errorf("%s, write %d of %q: got %v", name, fail, w.writes, err)
			}
			if last := w.writes[len(w.writes)-1]; last != "STBY Low" || slices.Contains(w.writes, duty("B", 1, "20kHz")) {
				t.Errorf("%s: write %d of %q failed, and the bridge is not at rest", name, fail, w.writes)
			}
			w.writes, w.failAt = nil, nil
			if err := d.Drive(-full / 2); err != nil { // and the next one makes it good
				t.Errorf("%s: %v", name, err)
			}
			if last := w.writes[len(w.writes)-1]; last != "STBY High" {
				t.Errorf("%s: %q", name, w.writes)
			}
		}
	}
}

// Two halves of a bridge have one standby pin: it is low when neither drives.
func TestSharedStandby(t *testing.T) {
	w := &wire{}
	shared := actuators.NewSharedStandby(newPin(w, "STBY"))
	var halves []*actuators.HBridge
	for _, name := range []string{"A", "B"} {
		h, err := actuators.NewHBridge(newPin(w, "PWM"+name), newPin(w, "DIR"+name), shared.Share(), nil)
		if err != nil {
			t.Fatal(err)
		}
		halves = append(halves, h)
	}
	expect := func(half int, do actuators.Command, want gpio.Level) {
		t.Helper()
		if err := halves[half].Drive(do); err != nil {
			t.Fatal(err)
		}
		last := ""
		for _, write := range w.writes {
			if strings.HasPrefix(write, "STBY") {
				last = write
			}
		}
		if last != fmt.Sprintf("STBY %s", want) {
			t.Errorf("half %d at %d: %q, want STBY %s", half, do, w.writes, want)
		}
	}
	expect(0, 0, gpio.Low)
	expect(1, 0, gpio.Low)
	expect(0, full, gpio.High)
	expect(1, full, gpio.High)
	expect(0, 0, gpio.High) // the other one drives
	expect(1, 0, gpio.Low)
	if err := halves[0].Halt(); err != nil {
		t.Fatal(err)
	}
	expect(1, -full, gpio.High)
	if err := halves[1].Halt(); err != nil || w.writes[len(w.writes)-1] != "STBY Low" {
		t.Errorf("halted: %v, %q", err, w.writes)
	}
}

func ExampleNewHBridgeTwoPWM() {
	w := &wire{} // on a robot: pins of the board
	wheel, err := actuators.NewHBridgeTwoPWM(newPin(w, "GPIO12"), newPin(w, "GPIO13"), nil, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := wheel.Drive(-actuators.Full / 2); err != nil {
		fmt.Println(err)
	}
	fmt.Println(wheel)
	for _, write := range w.writes {
		fmt.Println(write)
	}
	// Output:
	// hbridge on GPIO12 and GPIO13
	// GPIO12 0/16777216 at 20kHz
	// GPIO13 0/16777216 at 20kHz
	// GPIO13 8388608/16777216 at 20kHz
}
