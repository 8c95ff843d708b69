package encoders

import (
	"fmt"

	"fluxd/core"
)

// Edge codes changes of a two-valued reading (0 or not) as a spike each. The first reading is where it starts from, no edge.
type Edge struct {
	press, release  bool
	started, before bool
}

// NewEdge makes an edge encoder that spikes when the reading rises from 0 (press), falls back to it (release), or both.
func NewEdge(press, release bool) (*Edge, error) {
	if !press && !release {
		return nil, fmt.Errorf("edge encoder: expected press, release or both")
	}
	return &Edge{press: press, release: release}, nil
}

// Encode implements Encoder.
func (e *Edge) Encode(at core.Tick, reading int64, arrivals []core.Tick) []core.Tick {
	pressed := reading != 0
	changed := e.started && pressed != e.before
	e.started, e.before = true, pressed
	if changed && (pressed && e.press || !pressed && e.release) {
		arrivals = append(arrivals, at)
	}
	return arrivals
}

// Resume implements Encoder.
func (e *Edge) Resume(from Encoder) {
	if before, same := from.(*Edge); same {
		e.started, e.before = before.started, before.before
	}
}
