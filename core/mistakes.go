package core

import (
	"errors"
	"fmt"
)

// A Mistake is what Build refuses in a neuron or a synapse: the property, by its name in a configuration, such as "receptors.threshold"
// or "plastic.stp.rate", and what is wrong with it. It wraps ErrRange or ErrUnknown.
type Mistake struct {
	Field string
	Err   error
}

// Error says the property and the reason.
func (m Mistake) Error() string { return m.Field + ": " + m.Err.Error() }

// Unwrap lets errors.Is find ErrRange and ErrUnknown.
func (m Mistake) Unwrap() error { return m.Err }

// Mistakes lists all that Build refuses in the neuron; none: it can be built.
func (n Neuron) Mistakes() []Mistake {
	w := converter{leak: n.Leak}
	n.neuronType(&w, false)
	n.mechanismParameters(&w)
	return w.mistakes
}

// Mistakes lists all that Build refuses in the synapse, whatever it connects, where it ends at the given neuron.
func (s Synapse) Mistakes(target Neuron) []Mistake {
	var mistake Mistake
	if errors.As(s.check(&target), &mistake) {
		return []Mistake{mistake}
	}
	if s.Plastic == nil {
		return nil
	}
	w := converter{leak: target.Leak, prefix: "plastic."}
	r := s.Plastic.rule(&w, 0)
	if len(w.mistakes) == 0 && errors.As(r.admits(&s, int64(rawWater(s.Weight, target.Leak))), &mistake) {
		return []Mistake{mistake}
	}
	return w.mistakes
}

// A Fault is what Build refuses: the neuron or the synapse of the description, which property of it, and why.
type Fault struct {
	Neuron, Synapse int    // index; the other one is -1
	Field           string // the property, as in a Mistake; empty where it is none
	Err             error
}

func newFault(neuron, synapse int, err error) *Fault {
	f := &Fault{Neuron: neuron, Synapse: synapse, Err: err}
	var mistake Mistake
	if errors.As(err, &mistake) {
		f.Field = mistake.Field
	}
	return f
}

// Error names the neuron or synapse and the reason.
func (f *Fault) Error() string { return f.Err.Error() }

// Unwrap lets errors.Is find ErrRange and ErrUnknown.
func (f *Fault) Unwrap() error { return f.Err }

// refusal is a reason, and which of the package's errors it is: that is for errors.Is, and says nothing to a reader.
type refusal struct {
	reason string
	is     error
}

func (r *refusal) Error() string { return r.reason }
func (r *refusal) Unwrap() error { return r.is }

func refuse(is error, format string, args ...any) error {
	return &refusal{reason: fmt.Sprintf(format, args...), is: is}
}
