package actuators_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"fluxd/actuators"

	"periph.io/x/conn/v3/physic"
)

var _ actuators.Device = (*actuators.Servo)(nil)

func TestServoPulses(t *testing.T) {
	wide := &actuators.ServoOpts{Min: 500 * time.Microsecond, Max: 2500 * time.Microsecond, Frequency: 100 * physic.Hertz}
	cases := []struct {
		name    string
		opts    *actuators.ServoOpts
		command actuators.Command
		want    string // pulse / period * 2^24, to the nearest
	}{
		{"one end, 1 ms of 20", nil, -1_000_000, "S 838861/16777216 at 50Hz"},
		{"middle, 1.5 ms of 20", nil, 0, "S 1258291/16777216 at 50Hz"},
		{"other end, 2 ms of 20", nil, 1_000_000, "S 1677722/16777216 at 50Hz"},
		{"zero fields are defaults", &actuators.ServoOpts{}, 1_000_000, "S 1677722/16777216 at 50Hz"},
		{"wide, 0.5 ms of 10", wide, -1_000_000, "S 838861/16777216 at 100Hz"},
		{"wide, 2 ms of 10", wide, 500_000, "S 3355443/16777216 at 100Hz"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			w := &wire{}
			servo, err := actuators.NewServo(newPin(w, "S"), c.opts)
			if err != nil {
				t.Fatal(err)
			}
			w.expect(t) // making a servo must not move it
			if err := servo.Drive(c.command); err != nil {
				t.Fatal(err)
			}
			w.expect(t, c.want)
		})
	}
}

func TestServoRefusesWhatItCannotDo(t *testing.T) {
	w := &wire{}
	for name, opts := range map[string]actuators.ServoOpts{
		"ends swapped":            {Min: 2 * time.Millisecond, Max: time.Millisecond},
		"pulse beyond the period": {Frequency: 500 * physic.Hertz},
		"negative pulse":          {Min: -time.Millisecond},
		"frequency too low":       {Frequency: physic.MilliHertz},
		"frequency too high":      {Frequency: physic.MegaHertz},
	} {
		if _, err := actuators.NewServo(newPin(w, "S"), &opts); err == nil {
			t.Errorf("%s: expected an error", name)
		}
	}
	servo, err := actuators.NewServo(newPin(w, "S"), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, command := range []actuators.Command{-1_000_001, 1_000_001} {
		if err := servo.Drive(command); err == nil {
			t.Errorf("command %d: expected an error", command)
		}
	}
	w.expect(t)
}

func TestServoNoAnswer(t *testing.T) {
	w := &wire{failAt: map[int]bool{0: true, 1: true, 3: true, 4: true}}
	servo, err := actuators.NewServo(newPin(w, "S"), nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := servo.Drive(0); !errors.Is(err, errBroken) {
		t.Errorf("drive: expected the pin's error, got %v", err)
	}
	if err := servo.Halt(); err != nil {
		t.Errorf("halt with a pin that can at least go low: %v", err)
	}
	if err := servo.Halt(); !errors.Is(err, errBroken) {
		t.Errorf("halt: expected the pin's error, got %v", err)
	}
	const off = "S 0/16777216 at 50Hz"
	w.expect(t, "S 1258291/16777216 at 50Hz", off, "S Low", off, "S Low")
}

func ExampleServo() {
	w := &wire{}
	servo, err := actuators.NewServo(newPin(w, "GPIO18"), nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := servo.Drive(0); err != nil { // the middle: 1.5 ms of 20 ms
		fmt.Println(err)
	}
	if err := servo.Halt(); err != nil { // limp
		fmt.Println(err)
	}
	fmt.Println(servo)
	for _, write := range w.writes {
		fmt.Println(write)
	}
	// Output:
	// servo on GPIO18
	// GPIO18 1258291/16777216 at 50Hz
	// GPIO18 0/16777216 at 50Hz
}
