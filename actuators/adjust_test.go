package actuators_test

import (
	"testing"
	"time"

	"fluxd/actuators"

	"periph.io/x/conn/v3/physic"
)

// New options apply from the next write on: the new range limits the request as it came, not as the old range had limited it.
func TestGuardAdjusts(t *testing.T) {
	g, d := started(t, actuators.GuardOpts{Min: -full / 2, Max: full / 2, Timeout: time.Second})
	g.Set(0, full)
	step(t, g, 0)
	d.expect(t, full/2)
	if err := g.Adjust(10*ms, actuators.GuardOpts{Min: -full, Max: full * 3 / 4, Timeout: time.Second}, nil); err != nil {
		t.Fatal(err)
	}
	expectDue(t, g, 10*ms)
	step(t, g, 10*ms)
	d.expect(t, full*3/4)
	if err := g.Adjust(20*ms, actuators.GuardOpts{Min: -full, Max: 0, Slew: actuators.Slew(full)}, nil); err != nil {
		t.Fatal(err)
	}
	step(t, g, 20*ms) // at the new slew rate, one step's worth
	d.expect(t, full*3/4-full/100)
	if err := g.Adjust(30*ms, actuators.GuardOpts{Min: -full, Max: full, Timeout: 100 * ms}, nil); err != nil {
		t.Fatal(err)
	}
	step(t, g, 30*ms)
	d.expect(t, full)
	step(t, g, 100*ms) // the request is as old as the new timeout allows
	d.expect(t, 0)
	for name, opts := range map[string]actuators.GuardOpts{
		"failsafe": {Min: -full, Max: full, Failsafe: 1}, "range": {Min: full, Max: -full},
		"range without the failsafe value": {Min: 1, Max: full},
	} {
		if err := g.Adjust(120*ms, opts, nil); err == nil {
			t.Errorf("%s was accepted", name)
		}
	}
	step(t, g, 130*ms)
	d.expect(t)
}

// After a change of the device its last command means something else: it is written again, also while a hold is set.
func TestGuardWritesAgainAfterAChangeOfItsDevice(t *testing.T) {
	w := &wire{}
	servo, err := actuators.NewServo(newPin(w, "S"), nil)
	if err != nil {
		t.Fatal(err)
	}
	opts := actuators.GuardOpts{Min: -full, Max: full}
	g, err := actuators.NewGuard(servo, opts)
	if err != nil {
		t.Fatal(err)
	}
	g.Hold(actuators.Disarmed)
	if err := g.Start(0); err != nil {
		t.Fatal(err)
	}
	step(t, g, 0)
	w.expect(t, "S 1258291/16777216 at 50Hz")
	change, err := servo.Adjusted(&actuators.ServoOpts{Trim: 100 * time.Microsecond})
	if err != nil {
		t.Fatal(err)
	}
	w.expect(t) // nothing has happened yet
	if err := g.Adjust(ms, opts, change); err != nil {
		t.Fatal(err)
	}
	step(t, g, ms)
	w.expect(t, "S 1342177/16777216 at 50Hz") // 1.6 ms
	expectNotDue(t, g)
	if _, err := servo.Adjusted(&actuators.ServoOpts{Trim: 700 * time.Microsecond}); err == nil {
		t.Error("a pulse of 2.7 ms was accepted")
	}
}

func TestDevicesAdjusted(t *testing.T) {
	type adjusted func() (func(), error)
	w := &wire{}
	esc, _ := actuators.NewESC(newPin(w, "E"), nil)
	relay, _ := actuators.NewRelay(newPin(w, "R"), &actuators.RelayOpts{Active: "low"})
	bridge, _ := actuators.NewHBridge(newPin(w, "H"), newPin(w, "T"), nil, nil)
	two, _ := actuators.NewHBridgeTwoPWM(newPin(w, "A"), newPin(w, "B"), nil, &actuators.HBridgeOpts{Frequency: physic.KiloHertz})
	lamp, _ := actuators.NewDimmer(newPin(w, "L"), &actuators.DimmerOpts{Linear: true, Frequency: 100 * physic.Hertz})
	continuous, _ := actuators.NewContinuous(newPin(w, "S"), nil)
	half := actuators.HBridgeOpts{MinPower: full / 2, Frequency: physic.Hertz, Inverted: true} // only min_power is live
	stepper, _ := actuators.NewStepper(newPin(w, "P"), newPin(w, "D"), nil, &actuators.StepperOpts{Hold: true})
	if err := relay.Drive(full * 45 / 100); err != nil { // in between: off
		t.Fatal(err)
	}
	w.expect(t, "R High")
	for _, c := range []struct {
		name        string
		device      actuators.Device
		good, wrong adjusted
		command     actuators.Command
		want        []string
	}{
		{"esc", esc, func() (func(), error) { return esc.Adjusted(&actuators.ESCOpts{Min: 1100 * us, Max: 1900 * us}) },
			func() (func(), error) { return esc.Adjusted(&actuators.ESCOpts{Max: 3 * ms}) }, full, []string{"E 1593836/16777216 at 50Hz"}},
		{"relay", relay, func() (func(), error) {
			return relay.Adjusted(&actuators.RelayOpts{On: full * 42 / 100, Off: full / 10})
		},
			func() (func(), error) { return relay.Adjusted(&actuators.RelayOpts{On: 1, Off: 2}) }, full * 45 / 100, []string{"R Low"}},
		{"hbridge", bridge, func() (func(), error) { return bridge.Adjusted(&half) },
			func() (func(), error) { return bridge.Adjusted(&actuators.HBridgeOpts{MinPower: full}) }, full / 2,
			[]string{"H 0/16777216 at 20kHz", "T Low", "H 12582912/16777216 at 20kHz"}},
		{"two inputs", two, func() (func(), error) { return two.Adjusted(&half) },
			func() (func(), error) { return two.Adjusted(&actuators.HBridgeOpts{MinPower: -1}) }, -full / 2,
			[]string{"A 0/16777216 at 1kHz", "B 0/16777216 at 1kHz", "B 12582912/16777216 at 1kHz"}},
		{"dimmer", lamp, func() (func(), error) {
			return lamp.Adjusted(&actuators.DimmerOpts{MinPower: full / 2, Inverted: true})
		},
			func() (func(), error) { return lamp.Adjusted(&actuators.DimmerOpts{MinPower: full}) }, full / 2,
			[]string{"L 12582912/16777216 at 100Hz"}},
		{"continuous", continuous, func() (func(), error) {
			return continuous.Adjusted(&actuators.ContinuousOpts{MinPower: full / 2, DeadBand: full / 10})
		},
			func() (func(), error) { return continuous.Adjusted(&actuators.ContinuousOpts{MinPower: full}) }, full / 2,
			[]string{duty("S", 1.875/20, "50Hz")}},
		{"esc's smallest power", esc, func() (func(), error) { return esc.Adjusted(&actuators.ESCOpts{MinPower: full / 2}) },
			func() (func(), error) { return esc.Adjusted(&actuators.ESCOpts{MinPower: full}) }, full / 2,
			[]string{duty("E", 1.75/20, "50Hz")}},
		{"stepper", stepper, func() (func(), error) { return stepper.Adjusted(&actuators.StepperOpts{MaxRate: 2 * physic.KiloHertz}) },
			func() (func(), error) { return stepper.Adjusted(&actuators.StepperOpts{MaxRate: physic.MegaHertz}) }, full,
			[]string{"P 0/16777216 at 1Hz", "D Low", "P 8388608/16777216 at 2kHz"}},
	} {
		if _, err := c.wrong(); err == nil {
			t.Errorf("%s: a wrong value was accepted", c.name)
		}
		change, err := c.good()
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		change()
		if err := c.device.Drive(c.command); err != nil {
			t.Fatal(err)
		}
		t.Log(c.name)
		w.expect(t, c.want...)
	}
}
