package chips

import "fluxd/boards/sim"

// Stepper is a stepper motor behind a driver with the inputs STEP and DIR. Its command is its speed: the rate of its steps, as a
// share of the highest rate in the robot file. An enable input that nothing drives is low, so that the driver holds the motor: a
// resistor on the usual module pulls it down.
//
// Source: Allegro, A4988 data sheet, rev. 5.
type Stepper struct {
	step, direction, enable *sim.Pin
	settings                Settings
}

func newStepper(pins map[string]*sim.Pin, settings Settings) Actuator {
	return &Stepper{pins["step"], pins["direction"], pins["enable"], settings}
}

// Command implements Actuator.
func (s *Stepper) Command() int64 {
	steps := signal(s.step)
	if s.Limp() || steps.High == 0 || steps.Frequency == 0 {
		return 0
	}
	fastest := int64(s.settings.numberOr("max_rate", 1e9)) // in µHz, 1 kHz
	command := mulDiv(int64(steps.Frequency), full, max(fastest, 1))
	if high(s.direction, false) {
		command = -command
	}
	return s.settings.turned(command)
}

// Limp implements Actuator: the driver is off.
func (s *Stepper) Limp() bool { return high(s.enable, false) }
