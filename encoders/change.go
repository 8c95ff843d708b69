package encoders

import (
	"fluxd/core"
	"fluxd/options"
)

// The inputs of a code of changes with change: split.
const (
	Up   = 0
	Down = 1
)

// directions says which changes of a reading are spikes, and of which neurons.
type directions struct {
	rise, fall bool
	up, down   int // inputs
}

// newDirections reads the option change: rise, fall, both, or split for two neurons.
func newDirections(change string) (directions, error) {
	d := directions{rise: change != "fall", fall: change != "rise", up: All, down: All}
	if change == "split" {
		d.up, d.down = Up, Down
	} else if d.rise && d.fall && change != "both" {
		return d, options.Wrong("change", "expected rise, fall, both or split, got %q", change)
	}
	return d, nil
}

// spike appends a spike for a change, if it has one.
func (d *directions) spike(at core.Tick, up bool, arrivals []Arrival) []Arrival {
	switch {
	case up && d.rise:
		return append(arrivals, Arrival{At: at, Input: d.up})
	case !up && d.fall:
		return append(arrivals, Arrival{At: at, Input: d.down})
	}
	return arrivals
}

// checkStep refuses a step of nothing, and two directions for another number of neurons.
func checkStep(step Amount, change string, inputs int) (mistakes []options.Mistake) {
	if step.Micro <= 0 {
		mistakes = append(mistakes, options.Wrong("step", "expected more than 0"))
	}
	if change == "split" && inputs != 0 && inputs != 2 {
		mistakes = append(mistakes, options.Wrong("to", "change: split has a neuron for rises and one for falls: "+
			"expected two, such as [up, down], got %d", inputs))
	}
	return mistakes
}

// stepLimits returns the limits of a step.
func stepLimits(step Amount, key string) (low, high int64, ok bool) {
	if key == "step" {
		return 1, max(largest, step.Micro), true
	}
	return 0, 0, false
}
