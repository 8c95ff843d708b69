package leases

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"fluxd/bridge/protocol"
)

// Leases of several clients add up, and each thing ends with the last lease for it.
func TestLeasesAddUp(t *testing.T) {
	table := New(4)
	add := func(now, length time.Duration, w Wants) {
		t.Helper()
		if err := table.Add(now, length, w); err != nil {
			t.Fatal(err)
		}
	}
	expect := func(now time.Duration, want Wants) {
		t.Helper()
		if got := table.At(now); !reflect.DeepEqual(got, want) {
			t.Errorf("after %v: %+v, want %+v", now, got, want)
		}
	}
	expect(0, Wants{})
	add(0, 10*time.Second, Wants{Spikes: true, Neurons: []string{"b", "a", "a"}})
	add(5*time.Second, 10*time.Second, Wants{World: true, Neurons: []string{"b", "c"}})
	expect(5*time.Second, Wants{Spikes: true, World: true, Neurons: []string{"a", "b", "c"}})
	add(6*time.Second, time.Second, Wants{Spikes: true, Learning: true, Neurons: []string{"b"}}) // a shorter lease ends nothing
	expect(7*time.Second, Wants{Spikes: true, World: true, Neurons: []string{"a", "b", "c"}})
	expect(10*time.Second-1, Wants{Spikes: true, World: true, Neurons: []string{"a", "b", "c"}})
	expect(10*time.Second, Wants{World: true, Neurons: []string{"b", "c"}})
	expect(15*time.Second, Wants{})
}

// A request for too many neurons changes nothing. Those that are watched already, and those whose lease has ended, do not count.
func TestTooManyNeurons(t *testing.T) {
	table := New(4)
	names := func(from, to int) (all []string) {
		for i := from; i < to; i++ {
			all = append(all, fmt.Sprintf("n%d", i))
		}
		return all
	}
	if err := table.Add(0, time.Minute, Wants{Neurons: names(0, 3)}); err != nil {
		t.Fatal(err)
	}
	err := table.Add(0, time.Minute, Wants{Spikes: true, Neurons: names(2, 5)})
	var refused *protocol.Error
	if !errors.As(err, &refused) || refused.Code != protocol.Busy ||
		!strings.Contains(err.Error(), "neurons: 3 neurons, and other clients watch 2: expected at most 4 in all") {
		t.Errorf("refused with %v", err)
	}
	if got := table.At(0); got.Spikes || !reflect.DeepEqual(got.Neurons, names(0, 3)) {
		t.Errorf("after a refusal: %+v", got)
	}
	if err := table.Add(time.Second, time.Minute, Wants{Neurons: names(0, 4)}); err != nil {
		t.Error(err)
	}
	if err := table.Add(time.Minute+time.Second, time.Minute, Wants{Neurons: names(10, 14)}); err != nil {
		t.Errorf("when all leases have ended: %v", err)
	}
	if err := New(4).Add(0, time.Second, Wants{Neurons: names(0, 5)}); err == nil {
		t.Error("five neurons in one request are accepted")
	}
}
