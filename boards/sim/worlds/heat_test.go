package worlds

import (
	"math"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"fluxd/options"
	"fluxd/splitmix64"
)

func newHeat(seed uint64, change func(*HeatOpts)) *heat {
	o := options.Defaults[HeatOpts]()
	if change != nil {
		change(&o)
	}
	h := o.physics(&Robot{}).(*heat)
	random := splitmix64.Random(seed)
	h.reset(&random)
	return h
}

// keep runs it with the same commands.
func (h *heat) keep(heater, fan float64, length time.Duration) {
	for range int(length / heatStep) {
		h.advance([]float64{heater, fan})
	}
}

// At a constant power the plate comes to the temperature at which it loses as much as it gets; the fan lowers it.
func TestHeatBalance(t *testing.T) {
	for fan, want := range map[float64]float64{0: 20 + 10/0.4, 1: 20 + 10/1.2, 0.5: 20 + 10/0.8} {
		h := newHeat(1, func(o *HeatOpts) { o.Draughts = 0 })
		h.keep(0.5, fan, time.Hour)
		if math.Abs(h.plate-want) > 0.01 || math.Abs(h.felt-want) > 0.01 {
			t.Errorf("fan %g: %.3f °C, felt %.3f, want %.3f", fan, h.plate, h.felt, want)
		}
	}
}

// It cools by Newton's law: after its time constant, 125 s, a share 1/e of the difference to the air is left.
func TestHeatCools(t *testing.T) {
	h := newHeat(1, func(o *HeatOpts) { o.Draughts = 0 })
	h.plate = 60
	h.keep(0, 0, 125*time.Second)
	if want := 20 + 40/math.E; math.Abs(h.plate-want) > 0.05 {
		t.Errorf("%.3f °C, want %.3f", h.plate, want)
	}
}

// A heater that is always on ends the episode; one that is off does not reach the goal.
func TestEpisodesOfHeat(t *testing.T) {
	h := newHeat(1, func(o *HeatOpts) { o.Power = 60 })
	for i := 0; !h.over(); i++ {
		if h.advance([]float64{1, 0}); i > 100_000 {
			t.Fatalf("%.1f °C, and not over", h.plate)
		}
	}
	if s := h.score(1000); s.Reached || s.Text != "too hot after 1m40s" {
		t.Errorf("%+v", s)
	}
	cold := newHeat(1, nil)
	if s := cold.score(0); !strings.HasSuffix(s.Text, "the score begins after 2m0s") || s.Reached {
		t.Errorf("at the start: %+v", s)
	}
	cold.keep(0, 0, 10*time.Minute)
	if s := cold.score(6000); s.Reached || s.Values[1].Number > -17 {
		t.Errorf("without heating: %+v", s)
	}
}

func TestHeatRefuses(t *testing.T) {
	refuses(t, (*HeatOpts).Check, map[string]func(*HeatOpts){
		"limit":    func(o *HeatOpts) { o.Limit = o.Target },
		"capacity": func(o *HeatOpts) { o.Capacity = 0.1 },
	})
}

// Whatever the commands, the plate stays between the air and what full power can reach.
func TestHeatStaysWithinBounds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := newHeat(rapid.Uint64().Draw(t, "seed"), nil)
		for range 50 {
			h.keep(rapid.Float64Range(-1, 1).Draw(t, "heater"), rapid.Float64Range(-1, 1).Draw(t, "fan"), 10*time.Second)
			if !(h.plate >= 18 && h.plate <= 20+20/0.4) || !(h.felt >= 18 && h.felt <= 70) {
				t.Fatalf("plate %g, felt %g", h.plate, h.felt)
			}
		}
	})
}

// The same seed and commands give the same bits on every processor.
func TestHeatIsTheSameEverywhere(t *testing.T) {
	h, g, sum := newHeat(42, nil), splitmix64.Random(7), newDigest()
	for range 600 {
		h.keep(g.Between(-0.2, 1), g.Between(-1, 1), time.Second)
		sum.add(h.plate, h.felt, h.energy, h.off2)
	}
	sum.expect(t, "heat", heatBits)
}

// heatBits is the hash of ten minutes.
const heatBits = 0xca52138a8831c881
