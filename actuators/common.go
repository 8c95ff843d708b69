package actuators

import (
	"fluxd/options"
	"time"
)

// CommonOpts is what a robot file says of how a Guard holds an actuator, whatever its kind.
type CommonOpts struct {
	Slew     *Slew         `yaml:"slew" unit:"1/s" live:"true" none:"no limit" doc:"fastest change in full scales per second, such as 4/s; absent: 10/s for motors, 4/s for servos and ESCs, 2/s for steppers, no limit for a dimmer"`
	Range    *[2]Command   `yaml:"range" unit:"" live:"true" doc:"smallest and largest command; absent: [-1, 1], or [0, 1] for what has no reverse"`
	Failsafe Command       `yaml:"failsafe" unit:"" default:"0" doc:"command at start, at the end, and whenever something fails"`
	Timeout  time.Duration `yaml:"timeout" live:"true" default:"1s" none:"for ever" doc:"how long after the last spike of its neurons the command still holds; then failsafe"`

	// Lowest is the lowest command of the options: to be set before Limits and Check are called.
	Lowest Command `yaml:"-"`
}

// What can be tuned where no file goes beyond it.
const (
	mostSlew     = 1000 * Slew(Full)
	leastTimeout = time.Millisecond
	mostTimeout  = time.Minute
)

// Complete gives what the file leaves open its value: that of the kind. A label has no range.
func (h *CommonOpts) Complete(k Kind) {
	if k.Label {
		return
	}
	if h.Slew == nil {
		slew := k.Slew
		h.Slew = &slew
	}
	if h.Range == nil {
		h.Range = &[2]Command{h.Lowest, Full}
	}
}

// Limits are the ends of what can be tuned; of a range that is settled, for each of its two: "range[0]" and "range[1]". What the
// file takes away by the word none has none. A file may have a faster slew, and a shorter or longer timeout, than can be tuned:
// the limits hold it then.
func (h *CommonOpts) Limits(key string) (low, high int64, ok bool) {
	switch {
	case key == "slew" && h.Slew != nil && *h.Slew != 0:
		return 1, int64(max(mostSlew, *h.Slew)), true
	case key == "timeout" && h.Timeout != 0:
		return int64(min(leastTimeout, h.Timeout)), int64(max(mostTimeout, h.Timeout)), true
	case key == "range[0]" && h.Range != nil:
		e := options.Range{Value: int64(h.Range[0]), Low: int64(h.Lowest), High: int64(Full)}
		e.AtMost(int64(h.Range[1] - 1))
		e.AtMost(int64(h.Failsafe))
		return e.Low, e.High, true
	case key == "range[1]" && h.Range != nil:
		e := options.Range{Value: int64(h.Range[1]), Low: int64(h.Lowest), High: int64(Full)}
		e.AtLeast(int64(h.Range[0] + 1))
		e.AtLeast(int64(h.Failsafe))
		return e.Low, e.High, true
	}
	return 0, 0, false
}

// Check finds a range that is none, and a failsafe command out of it.
func (h *CommonOpts) Check() []options.Mistake {
	if h.Range == nil {
		return nil
	}
	low, high := h.Range[0], h.Range[1]
	switch {
	case low < h.Lowest || high > Full || low >= high:
		return []options.Mistake{options.Wrong("range", "[%g, %g]: expected the lower command first, both from %g to %g",
			scales(low), scales(high), scales(h.Lowest), scales(Full))}
	case h.Failsafe < low || h.Failsafe > high:
		return []options.Mistake{options.Wrong("failsafe", "%g: expected a command in the range from %g to %g",
			scales(h.Failsafe), scales(low), scales(high))}
	}
	return nil
}

// GuardOpts are what a guard holds a device to, with everything settled. A label is held to its names and to none at failsafe.
func (h *CommonOpts) GuardOpts(d Device) GuardOpts {
	if label, is := d.(*Label); is {
		return GuardOpts{Min: unnamed, Max: Command(max(0, len(label.names)-1)), Failsafe: unnamed, Timeout: h.Timeout}
	}
	return GuardOpts{Min: h.Range[0], Max: h.Range[1], Slew: *h.Slew, Failsafe: h.Failsafe, Timeout: h.Timeout}
}
