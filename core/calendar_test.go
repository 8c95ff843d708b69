package core

import (
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// A delivery holds all that there can be.
func TestADeliveryHoldsItsParts(t *testing.T) {
	for _, tick := range []int64{0, 1, 63, 1<<61 + 63} {
		for _, target := range []uint32{0, 1, maxInCalendar - 1} {
			for _, weight := range []int32{0, 1, -1, math.MaxInt32, math.MinInt32} {
				d := newDelivery(tick, target, weight)
				if d.tick() != tick&63 || d.target() != target || d.water() != int64(weight) {
					t.Errorf("%d %d %d became %d %d %d", tick, target, weight, d.tick(), d.target(), d.water())
				}
			}
		}
	}
}

// scatteredNetwork is a network without accumulators. Its delays are at the borders of pages, of the calendar and of the queue.
func scatteredNetwork(t *rapid.T) Description {
	var d Description
	count := rapid.IntRange(1, 30).Draw(t, "neurons")
	for range count {
		d.Neurons = append(d.Neurons, Neuron{Threshold: pick(t, "threshold", 20.0, 30, 1_000_000, 0),
			Leak:  pick(t, "leak", 0.0, 0, 1000),
			Floor: pick(t, "floor", 0.0, -15, -1_000_000), Refractory: pick[Tick](t, "refractory", 0, 1, 25, 1000)})
	}
	longest := pick[Tick](t, "longest", 64, 1000, 16_400, 300_000, MaxDelay)
	for range rapid.IntRange(1, 8*count).Draw(t, "synapses") {
		delay := pick[Tick](t, "delay", 0, 0, 1, 2, 63, 64, 65, 127, 128, 8192, 16_320, 16_383, 16_384, 16_385, 262_143, 262_144,
			MaxDelay)
		if delay == 0 || delay > longest {
			delay = Tick(rapid.Int64Range(1, min(int64(longest), 20_000)).Draw(t, "other delay"))
		}
		to := rapid.IntRange(0, count-1).Draw(t, "to")
		s := Synapse{From: rapid.IntRange(0, count-1).Draw(t, "from"), To: to, Delay: delay,
			Weight: pick(t, "weight", 5.0, 9, 22, -6, -30)}
		if d.Neurons[to].Leak == 0 && rapid.IntRange(0, 9).Draw(t, "extreme") == 0 {
			s.Weight = pick(t, "weight", -2_000_000.0, 2_000_000, math.MaxInt32/1000.0)
		}
		d.Synapses = append(d.Synapses, orNone(t, d, s))
	}
	return wide(d)
}

// A network does the same with and without a calendar, in whatever steps it advances, also when it leaps over long silences, is
// tuned or reset. At any time it says the same about what comes next.
func TestTheCalendarAndTheQueueDoTheSame(t *testing.T) {
	used, fired, ignored := 0, 0, uint64(0)
	rapid.Check(t, func(t *rapid.T) {
		d := scatteredNetwork(t)
		with, err := Build(d)
		if err != nil {
			t.Fatal(err)
		}
		without, _ := Build(d)
		onlyQueue(without)
		both := []*Network{with, without}
		if start := pick[Tick](t, "start", 0, 0, 63, 1<<40+5, 1<<61-70); start > 0 {
			for _, n := range both {
				n.Advance(start, nil)
			}
		}
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			now := with.Now()
			switch pick(t, "step", "input", "input", "input", "advance", "advance", "next", "leap", "tune", "reset") {
			case "input":
				neuron := rapid.IntRange(0, len(d.Neurons)-3).Draw(t, "neuron")
				at := now + pick[Tick](t, "after", 0, 0, 1, 64, 700)
				electric := rapid.Bool().Draw(t, "electric")
				water := int32(rapid.IntRange(-20_000, 40_000).Draw(t, "water"))
				for _, n := range both {
					if electric {
						n.Excite(at, neuron)
					} else {
						n.Pour(at, neuron, water)
					}
				}
			case "tune":
				change := Tuning{Synapses: map[int]Synapse{}}
				k := rapid.IntRange(0, len(d.Synapses)-2).Draw(t, "synapse")
				s := with.Description().Synapses[k]
				s.Delay = pick(t, "delay", s.Delay, 1, 70, 5000)
				s.Weight = pick(t, "weight", s.Weight, 7, 25, -3)
				change.Synapses[k] = s
				for _, n := range both {
					if err := n.Tune(change); err != nil {
						t.Fatal(err)
					}
				}
				onlyQueue(without)
			case "reset":
				for _, n := range both {
					n.Reset()
				}
				onlyQueue(without)
			default:
				until := now + pick[Tick](t, "until", 0, 1, 63, 64, 1000, 20_000)
				if next, waiting := with.Next(); waiting && pick(t, "how far", "until", "next", "beyond") != "until" {
					until = next + pick[Tick](t, "beyond", 0, 1)
				}
				got, want := with.Advance(until, nil), without.Advance(until, nil)
				if !slices.Equal(got, want) {
					t.Fatalf("from %d until %d: %v, without a calendar %v", now, until, got, want)
				}
				fired += len(got)
			}
			used += with.calendar.count
			next, waiting := with.Next()
			if n, w := without.Next(); n != next || w != waiting || with.Now() != without.Now() {
				t.Fatalf("at %d next %d, %v; without a calendar at %d next %d, %v", with.Now(), next, waiting, without.Now(), n, w)
			}
			if with.Waiting() != without.Waiting() || with.Counters() != without.Counters() {
				t.Fatalf("%d wait, %+v; without a calendar %d, %+v", with.Waiting(), with.Counters(), without.Waiting(), without.Counters())
			}
			if !slices.Equal(with.barrels, without.barrels) {
				for i := range with.barrels { // barrels that are written at different times may differ, but not the levels
					got, _ := with.Level(i)
					if want, _ := without.Level(i); got != want {
						t.Fatalf("neuron %d has a level of %g, without a calendar %g", i, got, want)
					}
				}
			}
			if with.Counters().Spikes > 20_000 || with.Waiting() > 400_000 { // enough
				break
			}
		}
		ignored += with.Counters().Ignored
	})
	if used == 0 || fired == 0 || ignored == 0 {
		t.Fatalf("%d arrivals in calendars, %d spikes, %d ignored", used, fired, ignored)
	}
}

// Plastic synapses do not go through the calendar, and do not count when the network chooses between it and the queue.
func TestOnlyDirectSynapsesChooseTheCalendar(t *testing.T) {
	for _, plastics := range []int{0, 4000} {
		d := Description{Neurons: make([]Neuron, 3)}
		for i := range d.Neurons {
			d.Neurons[i] = Neuron{Threshold: 20}
		}
		for delay := range Tick(100) {
			d.Synapses = append(d.Synapses, Synapse{From: 0, To: 1, Weight: 1, Delay: 1 + delay})
		}
		for range plastics {
			d.Synapses = append(d.Synapses, Synapse{From: 0, To: 2, Weight: 1, Delay: 1,
				Plastic: &Plastic{Window: 100, LongTerm: LongTerm{Rate: 0.1}, Max: 100}})
		}
		if n := mustBuild(t, d); n.bundles[0].kind() != scatteredBundle || n.calendar == nil {
			t.Errorf("with %d plastic synapses the direct ones do not use the calendar", plastics)
		}
	}
}
