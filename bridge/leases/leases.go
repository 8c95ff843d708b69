// Package leases adds up what clients have asked a robot to publish for a while. Each thing that can be watched has the time at
// which the last lease for it ends, so that clients need no names, and one that is gone is forgotten:
//
//	held := leases.New(protocol.MaxWatched)
//	err := held.Add(now, 5*time.Second, leases.Wants{Spikes: true, Neurons: []string{"motor_l"}})
//	if err != nil { ... }          // too many neurons
//	if held.At(now).Spikes { ... } // somebody watches them
package leases

import (
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"fluxd/bridge/protocol"
)

// Wants is what is published.
type Wants struct {
	Spikes   bool
	Learning bool
	World    bool
	Neurons  []string // names, in alphabetical order where At returns them
}

// A Table holds the leases of all clients. It may be used from any goroutine.
type Table struct {
	most int // neurons

	mutex                   sync.Mutex
	spikes, learning, world time.Duration            // when the lease ends
	neurons                 map[string]time.Duration // the same, by name
}

// New returns a table without leases, for at most so many neurons at a time.
func New(neurons int) *Table {
	return &Table{most: neurons, neurons: map[string]time.Duration{}}
}

// Add adds a lease that begins now. If it would bring too many neurons, it adds nothing and returns a *protocol.Error with the
// code Busy.
func (t *Table) Add(now, length time.Duration, w Wants) error {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	t.forget(now)
	others := 0
	for name := range t.neurons {
		if !slices.Contains(w.Neurons, name) {
			others++
		}
	}
	own := len(slices.Compact(slices.Sorted(slices.Values(w.Neurons))))
	if others+own > t.most {
		return &protocol.Error{Code: protocol.Busy, Path: "neurons", Message: fmt.Sprintf("%d neurons, and other clients watch %d: "+
			"expected at most %d in all; ask for fewer, or again when a lease has ended", own, others, t.most)}
	}
	until := now + length
	for _, name := range w.Neurons {
		t.neurons[name] = max(t.neurons[name], until)
	}
	for _, one := range []struct {
		wanted bool
		ends   *time.Duration
	}{{w.Spikes, &t.spikes}, {w.Learning, &t.learning}, {w.World, &t.world}} {
		if one.wanted {
			*one.ends = max(*one.ends, until)
		}
	}
	return nil
}

// At returns what is to be published at a time.
func (t *Table) At(now time.Duration) Wants {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	t.forget(now)
	return Wants{Spikes: now < t.spikes, Learning: now < t.learning, World: now < t.world,
		Neurons: slices.Sorted(maps.Keys(t.neurons))}
}

// forget removes leases of neurons that have ended.
func (t *Table) forget(now time.Duration) {
	maps.DeleteFunc(t.neurons, func(_ string, ends time.Duration) bool { return now >= ends })
}
