package encoders

import "fluxd/core"

// Ticks returns when spikes arrive that all neurons of a sensor receive. It panics if one is for a certain neuron.
func Ticks(arrivals []Arrival) (ticks []core.Tick) {
	for _, a := range arrivals {
		if a.Input != All {
			panic(a)
		}
		ticks = append(ticks, a.At)
	}
	return ticks
}
