package chips

import (
	"time"

	"periph.io/x/conn/v3/gpio"
	"periph.io/x/conn/v3/physic"

	"fluxd/boards/sim"
)

const (
	// Other pulses than these are no signal to a servo or a speed controller.
	shortestPulse = 300 * time.Microsecond
	longestPulse  = 2800 * time.Microsecond

	// stillPulse is how far a pulse may be from the middle while a motor stands still. Servos ignore some microseconds; this is the
	// least that covers the steps of a PCA9685 at 40 Hz, which are of 6.1 µs.
	stillPulse = 3100 * time.Nanosecond
)

// pulse returns the length of the pulses on a pin; 0 without pulses of a length that a servo knows.
func pulse(pin *sim.Pin) time.Duration {
	s := signal(pin)
	if s.Frequency <= 0 {
		return 0
	}
	// In ns: the share of 2^24, in a period of 10^15 by the frequency in µHz.
	length := time.Duration(mulDiv(int64(s.High), int64(time.Second)*int64(physic.Hertz), int64(s.Frequency)*int64(gpio.DutyMax)))
	if length < shortestPulse || length > longestPulse {
		return 0
	}
	return length
}

// Servo is a servo or an electronic speed controller, whose command is the length of a pulse. It is limp without pulses.
type Servo struct {
	pwm         *sim.Pin
	mounting    mounting
	low         int64         // the command of the shortest pulse
	first, last time.Duration // the pulses of that command and of the largest
	deadBand    time.Duration // around the command 0
}

func newServo(pins map[string]*sim.Pin, settings Settings) Actuator {
	return servoFor(pins, settings, -full, 0)
}

func newContinuous(pins map[string]*sim.Pin, settings Settings) Actuator {
	return servoFor(pins, settings, -full, stillPulse)
}

func newESC(pins map[string]*sim.Pin, settings Settings) Actuator {
	if settings.on("reverse") {
		return servoFor(pins, settings, -full, stillPulse)
	}
	return servoFor(pins, settings, 0, 2*stillPulse) // the shortest pulse is rounded up
}

func servoFor(pins map[string]*sim.Pin, settings Settings, low int64, deadBand time.Duration) *Servo {
	trim := time.Duration(settings.numberOr("trim", 0))
	first := time.Duration(settings.numberOr("min_pulse", float64(time.Millisecond))) + trim
	last := time.Duration(settings.numberOr("max_pulse", float64(2*time.Millisecond))) + trim
	return &Servo{
		pwm: pins["pwm"], mounting: settings.mounting(), low: low, first: first, last: max(last, first+1), deadBand: deadBand,
	}
}

// Command implements Actuator: a position, or the speed of a motor.
func (s *Servo) Command() int64 {
	length := pulse(s.pwm)
	if length == 0 {
		return 0
	}
	wide := int64(s.last - s.first)
	// Beyond its ends a servo is at its stop.
	command := max(s.low, min(s.low+toNearest(int64(length-s.first)*(full-s.low), wide), full))
	if size := max(command, -command); size*wide <= int64(s.deadBand)*(full-s.low) {
		return 0
	}
	return s.mounting.command(command)
}

// Limp implements Actuator.
func (s *Servo) Limp() bool { return pulse(s.pwm) == 0 }
