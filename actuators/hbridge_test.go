package actuators_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"fluxd/actuators"

	"periph.io/x/conn/v3/physic"
)

var _ actuators.Device = (*actuators.HBridge)(nil)

func newMotor(t *testing.T, opts *actuators.HBridgeOpts) (*actuators.HBridge, *wire) {
	t.Helper()
	w := &wire{}
	motor, err := actuators.NewHBridge(newPin(w, "PWM"), newPin(w, "DIR"), nil, opts)
	if err != nil {
		t.Fatal(err)
	}
	w.expect(t) // making a motor must not move it
	return motor, w
}

func TestHBridgeWritesDutyAndDirection(t *testing.T) {
	const (
		none    = "PWM 0/16777216 at 20kHz"
		quarter = "PWM 4194304/16777216 at 20kHz"
		full    = "PWM 16777216/16777216 at 20kHz"
	)
	cases := []struct {
		name     string
		inverted bool
		commands []actuators.Command
		want     []string
	}{
		{"stop needs no direction", false, []actuators.Command{0}, []string{none}},
		{"the first command settles the direction", false, []actuators.Command{250_000}, []string{none, "DIR Low", quarter}},
		{"reverse", false, []actuators.Command{-1_000_000}, []string{none, "DIR High", full}},
		{"inverted forward", true, []actuators.Command{1_000_000}, []string{none, "DIR High", full}},
		{"inverted reverse", true, []actuators.Command{-1_000_000}, []string{none, "DIR Low", full}},
		{"same direction: duty alone", false, []actuators.Command{250_000, 1_000_000}, []string{none, "DIR Low", quarter, full}},
		{"reversal: off, direction, on", false, []actuators.Command{1_000_000, -250_000},
			[]string{none, "DIR Low", full, none, "DIR High", quarter}},
		{"stopping keeps the direction", false, []actuators.Command{250_000, 0, 250_000},
			[]string{none, "DIR Low", quarter, none, quarter}},
		{"smallest command", false, []actuators.Command{1}, []string{none, "DIR Low", "PWM 17/16777216 at 20kHz"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			motor, w := newMotor(t, &actuators.HBridgeOpts{Inverted: c.inverted})
			for _, command := range c.commands {
				if err := motor.Drive(command); err != nil {
					t.Fatal(err)
				}
			}
			w.expect(t, c.want...)
		})
	}
}

func TestHBridgeRefusesWhatItCannotDo(t *testing.T) {
	motor, w := newMotor(t, nil)
	for _, command := range []actuators.Command{-1_000_001, 1_000_001} {
		if err := motor.Drive(command); err == nil {
			t.Errorf("command %d: expected an error", command)
		}
	}
	w.expect(t)
	if _, err := actuators.NewHBridge(newPin(w, "A"), newPin(w, "A"), nil, nil); err == nil {
		t.Error("one pin for both: expected an error")
	}
	if _, err := actuators.NewHBridge(newPin(w, "A"), newPin(w, "B"), nil,
		&actuators.HBridgeOpts{Frequency: -physic.Hertz}); err == nil {
		t.Error("negative frequency: expected an error")
	}
}

// A board that does not answer at any write of a reversal leaves the motor without power, and the next command starts from there.
func TestHBridgeFailedReversalLeavesPowerOff(t *testing.T) {
	motor, w := newMotor(t, nil)
	if err := motor.Drive(actuators.Full); err != nil {
		t.Fatal(err)
	}
	w.writes = nil
	w.failAt = map[int]bool{1: true}
	err := motor.Drive(-actuators.Full)
	if !errors.Is(err, errBroken) || !strings.Contains(err.Error(), "hbridge on PWM and DIR: set direction pin DIR to High") {
		t.Errorf("got error %v", err)
	}
	w.expect(t, "PWM 0/16777216 at 20kHz", "DIR High")
	w.failAt = nil
	if err := motor.Drive(actuators.Full); err != nil {
		t.Fatal(err)
	}
	w.expect(t, "PWM 0/16777216 at 20kHz", "DIR Low", "PWM 16777216/16777216 at 20kHz")
}

func TestHBridgeHaltTriesALowLevelWherePWMFails(t *testing.T) {
	motor, w := newMotor(t, nil)
	if err := motor.Halt(); err != nil {
		t.Error(err)
	}
	w.expect(t, "PWM 0/16777216 at 20kHz")

	w.failAt = map[int]bool{0: true}
	if err := motor.Halt(); err != nil {
		t.Error(err)
	}
	w.expect(t, "PWM 0/16777216 at 20kHz", "PWM Low")

	w.failAt = map[int]bool{0: true, 1: true}
	if err := motor.Halt(); !errors.Is(err, errBroken) {
		t.Errorf("expected the pin's error, got %v", err)
	}
}

// The two pins may belong to any board; here they print what is written to them.
func ExampleHBridge() {
	w := &wire{}
	motor, err := actuators.NewHBridge(newPin(w, "GPIO12"), newPin(w, "GPIO5"), nil, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer motor.Halt()
	if err := motor.Drive(-actuators.Full / 2); err != nil { // half reverse
		fmt.Println(err)
	}
	fmt.Println(motor)
	for _, write := range w.writes {
		fmt.Println(write)
	}
	// Output:
	// hbridge on GPIO12 and GPIO5
	// GPIO12 0/16777216 at 20kHz
	// GPIO5 High
	// GPIO12 8388608/16777216 at 20kHz
}
