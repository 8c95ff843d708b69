package chips_test

import (
	"fmt"
	"hash/fnv"
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"

	"fluxd/boards/sim"
	"fluxd/boards/sim/chips"
	"fluxd/options"
	"fluxd/sensors"
	"fluxd/splitmix64"
)

// wheelOn connects the twin of an encoder that senses one measure, and its driver.
func wheelOn(t fataler, b *bench, opts *sensors.QuadratureOpts, measure string, of func(time.Duration) int64) (
	twin chips.Follower, position, speed sensors.Sensor) {
	t.Helper()
	follower, readers := b.connect(t, "quadrature", opts, func(name string) func(time.Duration) int64 {
		if name != measure {
			return nil
		}
		return of
	})
	twin = follower.(chips.Follower)
	position, speed = readers["position"], readers["speed"]
	position.Sample(0) // sets up the pins
	twin.Settle(0)
	return twin, position, speed
}

// The driver of an encoder reads back a position that the world says, or the integral of a speed, to half a count, whatever the
// steps of the world, and the speed itself.
func TestWheelFollows(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := newBench(t, nil)
		opts := &sensors.QuadratureOpts{Counts: float64(rapid.IntRange(4, 2000).Draw(t, "counts")),
			Inverted: rapid.Bool().Draw(t, "inverted"), Unit: rapid.SampledFrom([]string{"rev", "m"}).Draw(t, "unit")}
		measure := rapid.SampledFrom([]string{"position", "speed"}).Draw(t, "measure")
		place, pace := int64(rapid.IntRange(-1e9, 1e9).Draw(t, "place")), int64(0) // of the world
		start := place
		twin, position, speed := wheelOn(t, b, opts, measure, func(time.Duration) int64 {
			if measure == "speed" {
				return pace
			}
			return place
		})
		half := 0.5e6/opts.Counts + 2
		for range 20 {
			most := int(min(20e6, 5_000e6/opts.Counts)) // 5,000 counts a second
			pace = int64(rapid.IntRange(-most, most).Draw(t, "pace"))
			step := time.Duration(rapid.IntRange(1, 20).Draw(t, "step")) * ms
			fastest, perSecond := int64(0), math.Abs(float64(pace))/1e6*opts.Counts
			for i := range 20 {
				place += pace * int64(step) / 1e9
				twin.Follow(b.now, b.now+step)
				b.now += step
				// The driver knows the speed of the last four counts, and guesses that the wheel has slowed down until the next comes.
				if is, _ := speed.Sample(b.now); perSecond*time.Duration(i*int(step)).Seconds() > 6 {
					fastest = max(fastest, is, -is)
				}
			}
			// The last edge waits up to a millisecond for one of the other channel, or for that one.
			least := max(0.5, 1/(1+perSecond/1000))
			if size := math.Abs(float64(pace)); fastest != 0 && (float64(fastest) < 0.99*least*size || float64(fastest) > 1.01*size+100) {
				t.Errorf("speed %d, want %d", fastest, pace)
			}
			b.now += 2 * ms // for the last edge, which may wait for one of the other channel
			at, _ := position.Sample(b.now)
			if off := math.Abs(float64(at - (place - start))); off > half+400 { // the world rounds its place down in each step
				t.Errorf("position %d, want %d", at, place-start)
			}
		}
	})
}

// A world that jumps to another episode, and then says so, moves no wheel.
func TestWheelSettles(t *testing.T) {
	b, place := newBench(t, nil), int64(0)
	twin, position, _ := wheelOn(t, b, &sensors.QuadratureOpts{Counts: 40}, "position", func(time.Duration) int64 { return place })
	follow := func(want int64) {
		t.Helper()
		twin.Follow(b.now, b.now+20*ms)
		b.now += 20 * ms
		if got, err := position.Sample(b.now + 2*ms); err != nil || got != want {
			t.Errorf("at %d the driver reads %d, %v, want %d", place, got, err, want)
		}
	}
	place = 500_000
	follow(500_000)
	place = -3_000_000
	twin.Settle(b.now)
	follow(500_000)
	place = -2_750_000
	follow(750_000)
	place = math.MaxInt64 // faster than anything can count: it stays within what a pin can have, and ends
	twin.Follow(b.now, b.now+20*ms)
	place = math.MinInt64
	twin.Follow(b.now+20*ms, b.now+40*ms)
}

// Without a Settle, the first call settles at its beginning. An encoder of which nothing is sensed stands still.
func TestWheelAtRest(t *testing.T) {
	b := newBench(t, nil)
	kind, _ := chips.Find("quadrature")
	opts := &sensors.QuadratureOpts{Counts: 40}
	fill(opts, nil)
	pins := []*sim.Pin{b.line(t, opts.A), b.line(t, opts.B)}
	twin := kind.OnPins(pins, nil, chips.Settings(options.Values(opts)))
	twin.Follow(0, time.Second)
	b.now = 2 * time.Second
	if pins[0].Read() || pins[1].Read() {
		t.Error("it turned")
	}
	a, c := sim.NewPin("a", 0, func() time.Duration { return b.now }), sim.NewPin("b", 1, func() time.Duration { return b.now })
	twin = kind.OnPins([]*sim.Pin{a, c}, func(string) func(time.Duration) int64 {
		return func(at time.Duration) int64 { return int64(at / time.Microsecond) } // a turn a second
	}, chips.Settings{"counts": 4.0})
	twin.Follow(2*time.Second, 2*time.Second+400*ms)
	b.now = 2*time.Second + 124*ms
	before := a.Read()
	if b.now += 2 * ms; before || !a.Read() || c.Read() {
		t.Errorf("after an eighth of a turn: %v, %v, %v", before, a.Read(), c.Read())
	}
	if b.now = 2*time.Second + 376*ms; !a.Read() || !c.Read() {
		t.Errorf("after three eighths: %v, %v", a.Read(), c.Read())
	}
}

// The edges of a wheel have the same times on every processor, to the nanosecond.
func TestWheelIsExact(t *testing.T) {
	b, hash := newBench(t, nil), fnv.New64a()
	place, pace := int64(0), int64(0)
	opts := &sensors.QuadratureOpts{Counts: 333.25, Inverted: true}
	for _, measure := range []string{"position", "speed"} {
		twin, position, _ := wheelOn(t, b, opts, measure, func(at time.Duration) int64 {
			if measure == "speed" {
				return pace
			}
			return place
		})
		edges := position.(sensors.EdgeSensor)
		random := splitmix64.Random(1)
		for range 1000 {
			pace = int64(random.Next()%20_000_000) - 8_000_000
			step := time.Duration(1 + random.Next()%uint64(20*ms))
			place += pace * int64(step/time.Microsecond) / 1_000_000
			twin.Follow(b.now, b.now+step)
			b.now += step
			for r, more := edges.Next(b.now, 0); more; r, more = edges.Next(b.now, 0) {
				fmt.Fprintln(hash, r.At, r.Value)
			}
		}
		opts = &sensors.QuadratureOpts{A: "GPIO17", B: "GPIO18", Counts: 333.25}
	}
	if got := hash.Sum64(); got != 0x203660cfae788ae3 {
		t.Errorf("got %#x", got)
	}
}
