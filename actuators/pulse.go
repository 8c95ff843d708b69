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

// stepped is a pin whose PWM comes in few steps of a period that is not quite the one that it is asked for, such as an output of a PCA9685.
type stepped interface {
	// Steps gives the period that becomes of a frequency, rounded up to a nanosecond, and how many equal steps it has.
	Steps(asked physic.Frequency) (period time.Duration, steps int64)
}

// pulses is a pin that carries a pulse of some length in each period: the language of servos and electronic speed controllers.
type pulses struct {
	name      string
	pwm       gpio.PinOut
	frequency physic.Frequency
	period    time.Duration // that the pin really makes
	steps     int64         // of it; 0 for a pin that has as many as there are duties
	min, max  time.Duration
}

// newPulses checks the frequency and the two ends. The name is the device's, for errors.
func newPulses(name string, pwm gpio.PinOut, frequency, lowest, highest physic.Frequency, shortest, longest, trim time.Duration) (pulses, error) {
	if frequency < lowest || frequency > highest {
		return pulses{}, fmt.Errorf("%s: frequency: expected %s to %s, got %s", name, lowest, highest, frequency)
	}
	p := pulses{name: name, pwm: pwm, frequency: frequency, period: frequency.Period(), min: shortest + trim, max: longest + trim}
	if pin, ok := pwm.(stepped); ok {
		p.period, p.steps = pin.Steps(frequency)
	}
	if p.min < ShortestPulse || p.min >= p.max || p.max > LongestPulse || p.max >= p.period {
		return pulses{}, fmt.Errorf("%s: expected %v <= min pulse < max pulse <= %v, trim included, all shorter than the period of %v, got %v and %v with a trim of %v",
			name, ShortestPulse, LongestPulse, p.period, shortest, longest, trim)
	}
	return p, nil
}

// String names the device.
func (p *pulses) String() string { return p.name }

// Period is the time from one pulse to the next, as the pin makes it: a PCA9685 makes 1.97 ms of the 2.04 ms of 490 Hz. The longest
// pulse is shorter.
func (p *pulses) Period() time.Duration { return p.period }

// set makes the pulse that is a share of the way from min to max, from 0 to whole.
func (p *pulses) set(share, whole int64) error {
	// At most 2e6 ns times 2e6 here: 64 bits hold it, on 32-bit processors too.
	pulse := int64(p.min) + (int64(p.max-p.min)*share+whole/2)/whole
	if err := p.pwm.PWM(p.duty(pulse), p.frequency); err != nil {
		return fmt.Errorf("%s: set pulse to %v at %s: %w; check that %s has PWM on this board and that this user may use it", p.name, time.Duration(pulse), p.frequency, err, p.pwm.Name())
	}
	return nil
}

// duty is that of a pulse, to the nearest that the pin makes: about a nanosecond with the period of a kernel's PWM, which is what it is
// asked for. Where steps are long, neither end is passed by rounding, as far as there is a step between them: they protect gears.
func (p *pulses) duty(pulse int64) gpio.Duty {
	// At most 25e6 ns times 2^24 here: 64 bits hold it.
	period := int64(p.period)
	if p.steps == 0 {
		return gpio.Duty((pulse*int64(gpio.DutyMax) + period/2) / period)
	}
	steps := (pulse*p.steps + period/2) / period
	steps = max(steps, (int64(p.min)*p.steps+period-1)/period)
	steps = min(steps, int64(p.max)*p.steps/period)
	return gpio.Duty(steps * int64(gpio.DutyMax) / p.steps)
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

// The frequencies of PWM that gives power. Kernels count a period in 32 bits of nanoseconds, 4.29 s, and a Raspberry Pi's PWM ticks every
// 100 ns, so that a period of less than a microsecond has hardly any duties to choose from.
const (
	lowestPower  = physic.Hertz
	highestPower = physic.MegaHertz
)

// expectFrequency refuses a frequency that gives no power.
func expectFrequency(name string, f physic.Frequency) error {
	if f < lowestPower || f > highestPower {
		return fmt.Errorf("%s: frequency: expected %s to %s, got %s", name, lowestPower, highestPower, f)
	}
	return nil
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
