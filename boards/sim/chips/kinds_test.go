package chips_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"fluxd/boards/sim"
	"fluxd/boards/sim/chips"
)

// Every device of the list can be connected: to a bus, where it answers, also after a lost supply, or to its pins.
func TestKinds(t *testing.T) {
	now := time.Duration(0)
	board := sim.New(func() time.Duration { return now })
	bus, err := board.Bus("I2C1")
	if err != nil {
		t.Fatal(err)
	}
	if !slices.IsSortedFunc(chips.Kinds, func(a, b chips.Kind) int { return strings.Compare(a.Name, b.Name) }) {
		t.Error("the list is not in order")
	}
	pin := 2
	for i, kind := range chips.Kinds {
		if found, ok := chips.Find(kind.Name); !ok || found.Name != kind.Name || (kind.OnBus == nil) == (kind.OnPins == nil) ||
			(kind.OnPins == nil) != (kind.Pins == nil) {
			t.Errorf("%s: expected a device on a bus or on pins", kind.Name)
			continue
		}
		if kind.OnPins != nil {
			var pins []*sim.Pin
			for range kind.Pins {
				pins = append(pins, sim.NewPin("", pin, func() time.Duration { return now }))
				pin++
			}
			kind.OnPins(pins, nil, nil)
			continue
		}
		address, device := uint16(0x10+i), kind.OnBus(nil, nil)
		if m, moves := device.(sim.Mover); moves {
			address, _ = m.Address()
		}
		if err := board.Attach("I2C1", address, device); err != nil {
			t.Error(err)
		}
		for range 2 {
			now += time.Second // it has booted
			if err := bus.Tx(address, []byte{1}, nil); err != nil {
				t.Errorf("%s: %v", kind.Name, err)
			}
			if err := board.Replug("I2C1", address); err != nil {
				t.Errorf("%s: %v", kind.Name, err)
			}
		}
	}
	if _, ok := chips.Find("toaster"); ok {
		t.Error("a device that is not there")
	}
}
