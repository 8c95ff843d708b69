package actuators

import (
	"errors"
	"fmt"
	"time"

	"periph.io/x/conn/v3/gpio"
	"periph.io/x/conn/v3/physic"
)

// The pulses that servos and electronic speed controllers take: shorter or longer ones are a mistake in somebody's configuration, and
// break gears.
const (
	ShortestPulse = 400 * time.Microsecond
	LongestPulse  = 2600 * time.Microsecond
)

// pulses is a pin that carries a pulse of some length in each period: the language of servos and electronic speed controllers.
type pulses struct {
	name      string
	pwm       gpio.PinOut
	frequency physic.Frequency
	period    time.Duration
	min, max  time.Duration
}

// newPulses checks the frequency and the two ends. The name is the device's, for errors.
func newPulses(name string, pwm gpio.PinOut, frequency, lowest, highest physic.Frequency, shortest, longest, trim time.Duration) (pulses, error) {
	if frequency < lowest || frequency > highest {
		return pulses{}, fmt.Errorf("%s: frequency: expected %s to %s, got %s", name, lowest, highest, frequency)
	}
	p := pulses{name: name, pwm: pwm, frequency: frequency, period: frequency.Period(), min: shortest + trim, max: longest + trim}
	if p.min < ShortestPulse || p.min >= p.max || p.max > LongestPulse || p.max >= p.period {
		return pulses{}, fmt.Errorf("%s: expected %v <= min pulse < max pulse <= %v, trim included, all shorter than the period of %v, got %v and %v with a trim of %v",
			name, ShortestPulse, LongestPulse, p.period, shortest, longest, trim)
	}
	return p, nil
}

// String names the device.
func (p *pulses) String() string { return p.name }

// set makes the pulse that is a share of the way from min to max, from 0 to whole.
func (p *pulses) set(share, whole int64) error {
	// At most 2e6 ns times 2e6 here, and 25e6 ns times 2^24 below: 64 bits hold both, on 32-bit processors too.
	pulse := int64(p.min) + (int64(p.max-p.min)*share+whole/2)/whole
	duty := gpio.Duty((pulse*int64(gpio.DutyMax) + int64(p.period)/2) / int64(p.period))
	if err := p.pwm.PWM(duty, p.frequency); err != nil {
		return fmt.Errorf("%s: set pulse to %v at %s: %w; check that %s has PWM on this board and that this user may use it", p.name, time.Duration(pulse), p.frequency, err, p.pwm.Name())
	}
	return nil
}

// end ends the pulse train. The kernel's PWM and a PCA9685 take a new duty over at the end of a period, so the last pulse is a whole one
// (Linux, Documentation/driver-api/pwm.rst; NXP, PCA9685 data sheet, section 7.3.3: outputs change on STOP, between two pulses with duty 0
// as with any other). Where PWM fails the pin is set low.
func (p *pulses) end() error {
	return rest(p.name, "end the pulse train", p.pwm, p.frequency)
}

// rest takes the duty to 0, and where PWM fails the pin to low.
func rest(name, doing string, pwm gpio.PinOut, frequency physic.Frequency) error {
	err := pwm.PWM(0, frequency)
	if err == nil {
		return nil
	}
	if low := pwm.Out(gpio.Low); low != nil {
		return fmt.Errorf("%s: %s: %w", name, doing, errors.Join(err, low))
	}
	return nil
}

// setDuty makes PWM of a duty.
func setDuty(name string, pwm gpio.PinOut, duty gpio.Duty, frequency physic.Frequency) error {
	if err := pwm.PWM(duty, frequency); err != nil {
		return fmt.Errorf("%s: set duty to %v at %s: %w; check that %s has PWM on this board and that this user may use it", name, duty, frequency, err, pwm.Name())
	}
	return nil
}

// dutyOf is a share of full scale as a duty, to the nearest.
func dutyOf(share Command) gpio.Duty {
	return gpio.Duty((int64(share)*int64(gpio.DutyMax) + int64(Full)/2) / int64(Full))
}

// expectRange refuses a command that a device does not know.
func expectRange(name string, c, low, high Command) error {
	if c < low || c > high {
		return fmt.Errorf("%s: expected a command between %d and %d, got %d", name, low, high, c)
	}
	return nil
}

// distinct refuses one pin for two purposes. Pins that are nil are not there.
func distinct(name string, pins ...gpio.PinOut) error {
	for i, one := range pins {
		for _, other := range pins[:i] {
			if one != nil && other != nil && one.Name() == other.Name() {
				return fmt.Errorf("%s: expected a pin for each purpose, got %s for two", name, one.Name())
			}
		}
	}
	return nil
}
