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

// newPulses are those of a pin, and tells its options the period that the pin makes. The name is the device's, for errors.
func newPulses(name string, pwm gpio.PinOut, frequency physic.Frequency, opts *Shared) pulses {
	p := pulses{name: name, pwm: pwm, frequency: frequency, period: frequency.Period()}
	if pin, ok := pwm.(stepped); ok && frequency > 0 {
		p.period, p.steps = pin.Steps(frequency)
	}
	opts.Period = p.period
	return p
}

// lengths are what a robot file says of pulses.
type lengths struct {
	min, max, trim time.Duration
	trimmed        bool // they can be
	period         time.Duration
	of             string // the expander that makes it: ", of all outputs of expander servos"; "" without one
}

// period is from one pulse to the next: of an expander, or of a pin with the frequency that the options say.
func (s *Shared) period(said physic.Frequency) time.Duration {
	if s.Period != 0 {
		return s.Period
	}
	return said.Period()
}

// expander names an expander of which a pin is, for errors.
func (s *Shared) expander(pin string) string {
	if s.Asked == 0 {
		return ""
	}
	name, _, _ := strings.Cut(pin, "/")
	return ", of all outputs of expander " + name
}

// fits says whether a frequency of pulses is within the limits of the options, which are those of their own frequency; the
// mistake is that of an expander whose frequency is not.
func (s *Shared) fits(opts Options, said physic.Frequency, pin string) (ok bool, mistakes []options.Mistake) {
	field, _ := reflect.TypeOf(opts).Elem().FieldByName("Frequency")
	low, high := options.TagLimits(field)
	if s.Asked == 0 {
		return int64(said) >= low.Int() && int64(said) <= high.Int(), nil
	}
	if int64(s.Asked) < low.Int() || int64(s.Asked) > high.Int() {
		return false, []options.Mistake{options.Wrong("pwm", "%v%s: expected %s to %s",
			s.Asked, s.expander(pin), field.Tag.Get("min"), field.Tag.Get("max"))}
	}
	return true, nil
}

// limits are the ends of a pulse, which with its trim is not shorter than ShortestPulse nor longer than LongestPulse or the
// period.
func (l lengths) limits(key string) (low, high int64, ok bool) {
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
		return e.Low, e.High, l.trimmed
	}
	return 0, 0, false
}

// check finds pulses that contradict each other, of those that are within their limits, and those that do not fit into their
// period, where that is known.
func (l lengths) check(period bool) (mistakes []options.Mistake) {
	if l.min < ShortestPulse || l.min > LongestPulse || l.max < ShortestPulse || l.max > LongestPulse {
		return nil
	}
	if l.min >= l.max {
		mistakes = append(mistakes, options.Wrong("min_pulse", "%v: expected less than max_pulse %v", l.min, l.max))
	}
	if l.min+l.trim < ShortestPulse || l.max+l.trim > LongestPulse {
		mistakes = append(mistakes, options.Wrong("trim", "%v: expected pulses of %v to %v with it", l.trim, ShortestPulse, LongestPulse))
	}
	if period && l.max+max(0, l.trim) >= l.period {
		mistakes = append(mistakes, options.Wrong("max_pulse", "%v: expected less than the period of the pulses, %v%s", l.max, l.period, l.of))
	}
	return mistakes
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

// powered is the power of a command to what does not move below a least power: from there to Full, whatever the sign; 0 stays 0, and so
// does the order of commands. A guard knows nothing of it: range, slew and failsafe are those of the command.
func powered(c, least Command) Command {
	if c == 0 {
		return 0
	}
	size := least + (max(c, -c)*(Full-least)+Full/2)/Full // at most 1e12: 64 bits hold it
	if c < 0 {
		return -size
	}
	return size
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
