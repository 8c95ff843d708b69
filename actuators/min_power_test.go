package actuators_test

import (
	"testing"

	"fluxd/actuators"

	"periph.io/x/conn/v3/physic"
)

// A motor that friction holds below a quarter of its power is never driven with less, and stands still at 0 as before.
func TestMinPower(t *testing.T) {
	const hz = "20kHz"
	quarter := actuators.HBridgeOpts{MinPower: full / 4}
	braking := actuators.HBridgeOpts{MinPower: full / 4, Stop: "brake"}
	inverted := actuators.HBridgeOpts{MinPower: full / 4, Inverted: true}
	p := func(share float64) string { return duty("P", share, hz) }
	q := func(share float64) string { return duty("Q", share, hz) }
	for _, s := range []story{
		{"hbridge", func(w *wire) (actuators.Device, error) {
			return actuators.NewHBridge(newPin(w, "P"), newPin(w, "D"), nil, &quarter)
		}, []moment{
			{full * 0, []string{p(0)}},
			{full / 2, []string{p(0), "D Low", p(0.625)}},
			{full, []string{p(1)}},
			{actuators.Command(1), []string{p(0.250001)}},
			{actuators.Command(-1), []string{p(0), "D High", p(0.250001)}},
			{-full / 5, []string{p(0.4)}},
			{full * 0, []string{p(0)}},
			{"halt", []string{p(0)}},
		}},
		{"hbridge that brakes with full duty", func(w *wire) (actuators.Device, error) {
			return actuators.NewHBridgeIn1In2(newPin(w, "P"), newPin(w, "A"), newPin(w, "B"), nil, &braking)
		}, []moment{
			{full * 0, []string{p(0), "A High", "B High", p(1)}},
			{-full / 5, []string{p(0), "A Low", "B High", p(0.4)}},
		}},
		{"two PWM, inverted", func(w *wire) (actuators.Device, error) {
			return actuators.NewHBridgeTwoPWM(newPin(w, "P"), newPin(w, "Q"), nil, &inverted)
		}, []moment{
			{full / 5, []string{p(0), q(0), q(0.4)}},
			{-full / 5, []string{p(0), q(0), p(0.4)}},
			{full * 0, []string{p(0), q(0)}},
		}},
		{"one PWM: its duty is inverted in reverse", func(w *wire) (actuators.Device, error) {
			return actuators.NewHBridgeOnePWM(newPin(w, "P"), newPin(w, "Q"), nil, &quarter)
		}, []moment{
			{full / 5, []string{p(0), "Q Low", p(0.4)}},
			{-full / 5, []string{p(0), "Q Low", "Q High", p(0.6)}},
			{full * 0, []string{p(0), "Q Low"}},
		}},
		{"continuous, with a dead band and inverted", func(w *wire) (actuators.Device, error) {
			return actuators.NewContinuous(newPin(w, "P"), &actuators.ContinuousOpts{ServoOpts: actuators.ServoOpts{Inverted: true},
				DeadBand: full / 10, MinPower: full / 5})
		}, []moment{
			{full/10 - 1, []string{duty("P", 1.5/20, "50Hz")}},
			{full / 10, []string{duty("P", 1.36/20, "50Hz")}}, // 0.28 of the way
			{-full / 2, []string{duty("P", 1.8/20, "50Hz")}},  // 0.6
			{-full, []string{duty("P", 2.0/20, "50Hz")}},
		}},
		{"esc", func(w *wire) (actuators.Device, error) {
			return actuators.NewESC(newPin(w, "P"), &actuators.ESCOpts{MinPower: full / 10})
		}, []moment{
			{full * 0, []string{duty("P", 1.0/20, "50Hz")}}, // it arms at no throttle
			{full / 2, []string{duty("P", 1.55/20, "50Hz")}},
			{full, []string{duty("P", 2.0/20, "50Hz")}},
		}},
		{"esc with reverse", func(w *wire) (actuators.Device, error) {
			return actuators.NewESC(newPin(w, "P"), &actuators.ESCOpts{MinPower: full / 10, Reverse: true})
		}, []moment{
			{full * 0, []string{duty("P", 1.5/20, "50Hz")}},
			{-full / 2, []string{duty("P", 1.225/20, "50Hz")}}, // 0.55 of the way back
		}},
		{"lamp that is bright while low", func(w *wire) (actuators.Device, error) {
			return actuators.NewDimmer(newPin(w, "P"), &actuators.DimmerOpts{MinPower: full / 10, Inverted: true,
				Frequency: physic.KiloHertz})
		}, []moment{
			{full * 0, []string{duty("P", 1, "1kHz")}},
			{actuators.Command(1), []string{duty("P", 1-0.100001, "1kHz")}}, // to the eye it would be none
			{full, []string{duty("P", 0, "1kHz")}},
		}},
	} {
		s.run(t)
	}
}

// Range, slew rate and failsafe value are commands: a guard does not know min_power.
func TestMinPowerBehindItsGuard(t *testing.T) {
	w := &wire{}
	motor, err := actuators.NewHBridge(newPin(w, "P"), newPin(w, "D"), nil, &actuators.HBridgeOpts{MinPower: full / 2})
	if err != nil {
		t.Fatal(err)
	}
	opts := actuators.GuardOpts{Min: -full / 2, Max: full / 2, Slew: 20 * actuators.Slew(full)}
	g, err := actuators.NewGuard(motor, opts)
	if err != nil {
		t.Fatal(err)
	}
	if err := g.Start(0); err != nil {
		t.Fatal(err)
	}
	p := func(share float64) string { return duty("P", share, "20kHz") }
	w.expect(t, p(0))
	g.Set(10*ms, full) // cut to a half
	step(t, g, 10*ms)
	w.expect(t, p(0), "D Low", p(0.6)) // one step of the slew is 0.2 of the command, and 0.1 of the duty
	step(t, g, 20*ms)
	w.expect(t, p(0.7))
	step(t, g, 30*ms)
	w.expect(t, p(0.75)) // the end of the range
	expectNotDue(t, g)
	g.Hold(actuators.EmergencyStop)
	step(t, g, 40*ms)
	w.expect(t, p(0)) // at once, and not the smallest power
	change, err := motor.Adjusted(&actuators.HBridgeOpts{MinPower: full / 4})
	if err != nil {
		t.Fatal(err)
	}
	if err := g.Adjust(45*ms, opts, change); err != nil {
		t.Fatal(err)
	}
	step(t, g, 45*ms)
	w.expect(t, p(0)) // held, it stays at rest
	g.Release(actuators.EmergencyStop)
	step(t, g, 60*ms)
	w.expect(t, p(0.4)) // 0.2 of the command
}
