package actuators

import (
	"fluxd/options"
	"time"
)

// CommonOpts are the keys of a robot file that all actuators have in common: the limits that a Guard enforces.
type CommonOpts struct {
	Slew     *Slew         `yaml:"slew" unit:"1/s" live:"true" none:"no limit" doc:"slew rate, in full scales per second, such as 4/s; absent: 10/s for motors, 4/s for servos and ESCs, 2/s for steppers, no limit for a dimmer"`
	Range    *[2]Command   `yaml:"range" unit:"" live:"true" doc:"smallest and largest command; absent: [-1, 1], or [0, 1] without a reverse"`
	Failsafe Command       `yaml:"failsafe" unit:"" default:"0" doc:"command at the start, at the end, and when something fails"`
	Timeout  time.Duration `yaml:"timeout" live:"true" default:"1s" none:"forever" doc:"how long a command holds after the last spike of its neurons; then failsafe"`

	// Lowest is the lowest command of the actuator's own options. It must be set before Complete, Limits and Check are called.
	Lowest Command `yaml:"-"`
}

// The limits of tuning, unless the robot file itself goes beyond them.
const (
	mostSlew     = 1000 * Slew(Full)
	leastTimeout = time.Millisecond
	mostTimeout  = time.Minute
)

// Complete fills in the slew rate and range of the kind where the file has none. A label has neither.
func (o *CommonOpts) Complete(k Kind) {
	if k.Label {
		return
	}
	if o.Slew == nil {
		slew := k.Slew
		o.Slew = &slew
	}
	if o.Range == nil {
		o.Range = &[2]Command{o.Lowest, Full}
	}
}

// Limits returns the limits of tuning for a key; the ends of the range have the keys "range[0]" and "range[1]". A slew rate or
// timeout that the file sets to none cannot be tuned. If the file has a faster slew rate, or a shorter or longer timeout, than
// tuning allows, the limits include it.
func (o *CommonOpts) Limits(key string) (low, high int64, ok bool) {
	switch {
	case key == "slew" && o.Slew != nil && *o.Slew != 0:
		return 1, int64(max(mostSlew, *o.Slew)), true
	case key == "timeout" && o.Timeout != 0:
		return int64(min(leastTimeout, o.Timeout)), int64(max(mostTimeout, o.Timeout)), true
	case key == "range[0]" && o.Range != nil:
		r := options.Range{Value: int64(o.Range[0]), Low: int64(o.Lowest), High: int64(Full)}
		r.AtMost(int64(o.Range[1] - 1))
		r.AtMost(int64(o.Failsafe))
		return r.Low, r.High, true
	case key == "range[1]" && o.Range != nil:
		r := options.Range{Value: int64(o.Range[1]), Low: int64(o.Lowest), High: int64(Full)}
		r.AtLeast(int64(o.Range[0] + 1))
		r.AtLeast(int64(o.Failsafe))
		return r.Low, r.High, true
	}
	return 0, 0, false
}

// Check finds an impossible range, and a failsafe command outside the range.
func (o *CommonOpts) Check() []options.Mistake {
	if o.Range == nil {
		return nil
	}
	low, high := o.Range[0], o.Range[1]
	switch {
	case low < o.Lowest || high > Full || low >= high:
		return []options.Mistake{options.Wrong("range", "[%g, %g]: expected the lower command first, both from %g to %g",
			scales(low), scales(high), scales(o.Lowest), scales(Full))}
	case o.Failsafe < low || o.Failsafe > high:
		return []options.Mistake{options.Wrong("failsafe", "%g: expected a command in the range from %g to %g",
			scales(o.Failsafe), scales(low), scales(high))}
	}
	return nil
}

// GuardOpts returns the options of the device's guard; Complete must have been called. The range of a label are its names, and
// its failsafe is no name.
func (o *CommonOpts) GuardOpts(d Device) GuardOpts {
	if label, is := d.(*Label); is {
		return GuardOpts{Min: unnamed, Max: Command(max(0, len(label.names)-1)), Failsafe: unnamed, Timeout: o.Timeout}
	}
	return GuardOpts{Min: o.Range[0], Max: o.Range[1], Slew: *o.Slew, Failsafe: o.Failsafe, Timeout: o.Timeout}
}
