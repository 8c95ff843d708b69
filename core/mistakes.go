package core

import (
	"errors"
	"fmt"
)

// A Mistake says what is wrong with one property of a neuron or a synapse. It wraps ErrRange or ErrUnknown.
type Mistake struct {
	Field string // the property, as a robot file names it: "receptors.threshold", "plastic.stp.rate"
	Err   error  // what was expected
}

// Error names the property and gives the reason.
func (m Mistake) Error() string { return m.Field + ": " + m.Err.Error() }

// Unwrap lets errors.Is find ErrRange and ErrUnknown.
func (m Mistake) Unwrap() error { return m.Err }

// Mistakes lists all that Build refuses in the neuron. If there is none, it can be built.
func (n Neuron) Mistakes() []Mistake {
	w := converter{leak: n.Leak}
	n.neuronType(&w, false)
	n.mechanismParameters(&w)
	return w.mistakes
}

// Mistakes lists all that Build refuses in the synapse if it ends at the given neuron. From and To are not checked.
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

// A Fault is the error of Build: which neuron or synapse of the description it refuses, and why.
type Fault struct {
	Neuron, Synapse int    // the index of one of them; the other is -1
	Field           string // the property, as in a Mistake; empty if the fault is not about one property
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

// Error names the neuron or synapse and gives the reason.
func (f *Fault) Error() string { return f.Err.Error() }

// Unwrap lets errors.Is find ErrRange and ErrUnknown.
func (f *Fault) Unwrap() error { return f.Err }

// refusal is a reason, and the package's error that errors.Is finds in it. The message is the reason alone.
type refusal struct {
	reason string
	is     error
}

func (r *refusal) Error() string { return r.reason }
func (r *refusal) Unwrap() error { return r.is }

// refuse makes an error with a reason.
func refuse(is error, format string, args ...any) error {
	return &refusal{reason: fmt.Sprintf(format, args...), is: is}
}
