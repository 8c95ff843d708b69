package actuators

import (
	"errors"
	"fluxd/options"
	"fmt"
	"reflect"
	"strings"
	"time"

	"periph.io/x/conn/v3/gpio"
	"periph.io/x/conn/v3/physic"
)

// The limits of the pulses of servos and electronic speed controllers. Shorter or longer ones are a mistake in the configuration,
// and break gears.
const (
	ShortestPulse = 400 * time.Microsecond
	LongestPulse  = 2600 * time.Microsecond
)

// stepped is a pin whose PWM has few steps, in a period that differs a little from the requested one, such as an output of a
// PCA9685.
type stepped interface {
	// Steps returns the period that the pin makes of a frequency, rounded up to a nanosecond, and its number of equal steps.
	Steps(requested physic.Frequency) (period time.Duration, steps int64)
}

// pulses is a pin that carries a pulse of a variable length in each period: the signal of servos and electronic speed
// controllers.
type pulses struct {
	name      string
	pwm       gpio.PinOut
	frequency physic.Frequency
	period    time.Duration // that the pin really makes
	steps     int64         // of the period; 0 for a pin with as many as there are duty cycles
	min, max  time.Duration
}

// newPulses returns the pulses of a pin, and sets the period of opts to the one that the pin makes. The name is the device's, for
// errors.
func newPulses(name string, pwm gpio.PinOut, frequency physic.Frequency, opts *Shared) pulses {
	p := pulses{name: name, pwm: pwm, frequency: frequency, period: frequency.Period()}
	if pin, ok := pwm.(stepped); ok && frequency > 0 {
		p.period, p.steps = pin.Steps(frequency)
	}
	opts.Period = p.period
	return p
}

// pulseLengths are the options about pulses.
type pulseLengths struct {
	min, max, trim time.Duration
	hasTrim        bool
	period         time.Duration
	expander       string // that makes the period, for errors: ", of all outputs of expander servos"; "" without one
}

// period returns the time from one pulse to the next: the expander's, or that of the frequency in the options.
func (s *Shared) period(own physic.Frequency) time.Duration {
	if s.Period != 0 {
		return s.Period
	}
	return own.Period()
}

// expander names the expander of a pin, for errors; "" without one.
func (s *Shared) expander(pin string) string {
	if s.Configured == 0 {
		return ""
	}
	name, _, _ := strings.Cut(pin, "/")
	return ", of all outputs of expander " + name
}

// fits reports whether the frequency of the pulses is within the limits of the key frequency. If that of an expander is not, it
// returns a mistake; a frequency in the options themselves is checked elsewhere.
func (s *Shared) fits(opts Options, own physic.Frequency, pin string) (ok bool, mistakes []options.Mistake) {
	field, _ := reflect.TypeOf(opts).Elem().FieldByName("Frequency")
	low, high := options.TagLimits(field)
	if s.Configured == 0 {
		return int64(own) >= low.Int() && int64(own) <= high.Int(), nil
	}
	if int64(s.Configured) < low.Int() || int64(s.Configured) > high.Int() {
		return false, []options.Mistake{options.Wrong("pwm", "%v%s: expected %s to %s",
			s.Configured, s.expander(pin), field.Tag.Get("min"), field.Tag.Get("max"))}
	}
	return true, nil
}

// limits returns the limits of a key. With its trim, a pulse is at least ShortestPulse, at most LongestPulse, and shorter than
// the period.
func (l pulseLengths) limits(key string) (low, high int64, ok bool) {
	longest := min(LongestPulse, (l.period - 1).Truncate(time.Microsecond)) // shorter than the period, in whole microseconds
	switch key {
	case "min_pulse":
		e := options.Range{Value: int64(l.min), Low: int64(ShortestPulse), High: int64(LongestPulse)}
		e.AtLeast(int64(ShortestPulse - l.trim))
		e.AtMost(int64(l.max - time.Microsecond))
		return e.Low, e.High, true
	case "max_pulse":
		e := options.Range{Value: int64(l.max), Low: int64(ShortestPulse), High: int64(LongestPulse)}
		e.AtLeast(int64(l.min + time.Microsecond))
		e.AtMost(int64(longest - max(0, l.trim)))
		return e.Low, e.High, true
	case "trim":
		const widest = LongestPulse - ShortestPulse
		e := options.Range{Value: int64(l.trim), Low: -int64(widest), High: int64(widest)}
		e.AtLeast(int64(ShortestPulse - l.min))
		e.AtMost(int64(longest - l.max))
		return e.Low, e.High, l.hasTrim
	}
	return 0, 0, false
}

// check finds pulses that contradict each other, if they are within their limits, and pulses that do not fit into the period, if
// that is known.
func (l pulseLengths) check(periodKnown bool) (mistakes []options.Mistake) {
	if l.min < ShortestPulse || l.min > LongestPulse || l.max < ShortestPulse || l.max > LongestPulse {
		return nil
	}
	if l.min >= l.max {
		mistakes = append(mistakes, options.Wrong("min_pulse", "%v: expected less than max_pulse %v", l.min, l.max))
	}
	if l.min+l.trim < ShortestPulse || l.max+l.trim > LongestPulse {
		mistakes = append(mistakes, options.Wrong("trim", "%v: expected pulses of %v to %v with it", l.trim, ShortestPulse,
			LongestPulse))
	}
	if periodKnown && l.max+max(0, l.trim) >= l.period {
		mistakes = append(mistakes, options.Wrong("max_pulse", "%v: expected less than the period of the pulses, %v%s", l.max, l.period,
			l.expander))
	}
	return mistakes
}

// String returns the name of the device.
func (p *pulses) String() string { return p.name }

// Period returns the time from one pulse to the next, as the pin makes it: a PCA9685 makes 1.97 ms of the 2.04 ms of 490 Hz. The
// longest pulse is shorter.
func (p *pulses) Period() time.Duration { return p.period }

// set sets the pulse between min and max: share / whole of the way.
func (p *pulses) set(share, whole int64) error {
	// At most 2e6 ns times 2e6 here: 64 bits hold it, on 32-bit processors too.
	pulse := int64(p.min) + (int64(p.max-p.min)*share+whole/2)/whole
	if err := p.pwm.PWM(p.duty(pulse), p.frequency); err != nil {
		return fmt.Errorf("%s: set pulse to %v at %s: %w; "+pwmRemedy, p.name, time.Duration(pulse), p.frequency, err, p.pwm.Name())
	}
	return nil
}

// pwmRemedy ends the error of a PWM pin that refuses a write; it needs the pin's name.
const pwmRemedy = "check that %s has PWM on this board and that this user may use it"

// duty returns the duty cycle of a pulse, rounded to the nearest that the pin can make: with the kernel's PWM, whose period is
// the requested one, that is about a nanosecond. Where steps are long, rounding does not pass min or max as long as there is a
// step between them: these limits protect gears.
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

// end ends the pulse train. The kernel's PWM and a PCA9685 apply a new duty cycle at the end of a period, so the last pulse is
// complete (Linux, Documentation/driver-api/pwm.rst; NXP, PCA9685 data sheet, section 7.3.3: outputs change on STOP, and a duty
// cycle of 0 is no exception). If PWM fails, end sets the pin low.
func (p *pulses) end() error {
	return stopPWM(p.name, "end the pulse train", p.pwm, p.frequency)
}

// stopPWM sets the duty cycle to 0 or, if that fails, the pin to low.
func stopPWM(name, doing string, pwm gpio.PinOut, frequency physic.Frequency) error {
	err := pwm.PWM(0, frequency)
	if err == nil {
		return nil
	}
	if low := pwm.Out(gpio.Low); low != nil {
		return fmt.Errorf("%s: %s: %w", name, doing, errors.Join(err, low))
	}
	return nil
}

// setDuty sets the duty cycle of a pin.
func setDuty(name string, pwm gpio.PinOut, duty gpio.Duty, frequency physic.Frequency) error {
	if err := pwm.PWM(duty, frequency); err != nil {
		return fmt.Errorf("%s: set duty to %v at %s: %w; "+pwmRemedy, name, duty, frequency, err, pwm.Name())
	}
	return nil
}

// dutyOf converts a share of full scale to a duty cycle, rounded to the nearest.
func dutyOf(share Command) gpio.Duty {
	return gpio.Duty((int64(share)*int64(gpio.DutyMax) + int64(Full)/2) / int64(Full))
}

// withMinPower returns the power for a command to a device that does not move below a least power. Commands from just above 0 to
// Full become powers from least to Full, likewise in reverse. 0 stays 0, and the order of commands stays the same. A guard knows
// nothing of this: its range, slew rate and failsafe value are commands.
func withMinPower(c, least Command) Command {
	if c == 0 {
		return 0
	}
	size := least + (max(c, -c)*(Full-least)+Full/2)/Full // at most 1e12: 64 bits hold it
	if c < 0 {
		return -size
	}
	return size
}

// expectRange returns an error for a command outside the range of a device.
func expectRange(name string, c, low, high Command) error {
	if c < low || c > high {
		return fmt.Errorf("%s: expected a command between %d and %d, got %d", name, low, high, c)
	}
	return nil
}

// distinct returns an error if one pin is given for two purposes. It ignores nil pins.
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
