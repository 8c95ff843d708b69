package sensors_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"fluxd/boards/sim/chips"
	"fluxd/sensors"
)

// encoder is a wheel encoder with 40 counts per revolution.
func encoder(t fataler, inverted bool) (
	position, speed sensors.Sensor, q *sensors.Quadrature, wheel *chips.Wheel, now *time.Duration) {
	t.Helper()
	a, b, now := pins(t, "GPIO5", "GPIO6")
	wheel = chips.NewWheel(a, b)
	q, err := sensors.NewQuadrature(a, b, &sensors.QuadratureOpts{Counts: 40, Inverted: inverted})
	both := measures(t, q, err, "position", "speed")
	return both[0], both[1], q, wheel, now
}

func TestQuadratureCountsEachEdgeAtItsTime(t *testing.T) {
	position, speed, q, wheel, now := encoder(t, false)
	edges := position.(sensors.EdgeSensor)
	expectReading(t, position, 0, 0)
	wheel.Turn(6, 0, 60*ms)
	wheel.Turn(-2, 60*ms, 80*ms)
	*now = 100 * ms
	for i, want := range []int64{1, 2, 3, 4, 5, 6, 5, 4} {
		r, ok := edges.Next(*now, 0)
		if !ok || r.Value != want*25_000 || r.At != time.Duration(i+1)*10*ms {
			t.Errorf("count %d: %v, %v", i, r, ok)
		}
	}
	if r, ok := edges.Next(*now, 0); ok {
		t.Errorf("an unexpected change: %v", r)
	}
	expectReading(t, position, *now, 100_000)
	if position.Unit() != "rev" || speed.Unit() != "rev/s" || q.Errors() != 0 || edges.LostEdges() != 0 {
		t.Errorf("%s, %s, %d errors, %d lost", position.Unit(), speed.Unit(), q.Errors(), edges.LostEdges())
	}
	if _, err := q.Measure("torque"); err == nil {
		t.Error("a torque: expected an error")
	}
}

func TestQuadratureSpeed(t *testing.T) {
	_, speed, _, wheel, now := encoder(t, true)
	expectReading(t, speed, 0, 0)
	wheel.Turn(40, 0, 200*ms) // 5 revolutions a second, inverted
	for *now = 50 * ms; *now <= 200*ms; *now += 10 * ms {
		expectReading(t, speed, *now+2*ms, -5_000_000)
	}
	*now = 300 * ms // no count for 100 ms: less than a 40th of a revolution in that time
	expectReading(t, speed, *now, -250_000)
	*now = 1200 * ms
	expectReading(t, speed, *now, 0)
}

// Whatever the wheel does and however late the edges are read: the position is right, each count has its time, and the
// order is right.
func TestQuadratureFollowsAnyWheel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		position, _, q, wheel, now := encoder(t, false)
		edges := position.(sensors.EdgeSensor)
		if _, err := position.Sample(0); err != nil {
			t.Fatal(err)
		}
		edges.Next(0, 0)
		at, is := time.Duration(0), int64(0)
		for range rapid.IntRange(1, 8).Draw(t, "turns") {
			counts := rapid.Int64Range(-20, 20).Draw(t, "counts")
			to := at + time.Duration(rapid.IntRange(1, 50_000).Draw(t, "takes"))*time.Microsecond
			wheel.Turn(counts, at, to)
			at, is = to, is+counts
		}
		before, last := time.Duration(0), int64(0)
		for *now < at+2*ms {
			*now += time.Duration(rapid.IntRange(1, 20_000).Draw(t, "later")) * time.Microsecond
			for r, ok := edges.Next(*now, 0); ok; r, ok = edges.Next(*now, 0) {
				if step := r.Value - last; r.At < before || step != 25_000 && step != -25_000 {
					t.Fatalf("reading %v after %d at %v", r, last, before)
				}
				before, last = r.At, r.Value
			}
		}
		if last != is*25_000 || q.Errors() != 0 {
			t.Errorf("at %d, want %d; %d errors", last, is*25_000, q.Errors())
		}
	})
}

// More edges than the pins keep: later edges count right again, and Errors reports the loss.
func TestQuadratureAfterLostEdges(t *testing.T) {
	position, _, q, wheel, now := encoder(t, false)
	edges := position.(sensors.EdgeSensor)
	expectReading(t, position, 0, 0)
	wheel.Turn(5000, 0, 50*ms)
	*now = 100 * ms
	for _, ok := edges.Next(*now, 0); ok; _, ok = edges.Next(*now, 0) {
	}
	if edges.LostEdges() == 0 || q.Errors() == 0 {
		t.Errorf("%d lost, %d errors", edges.LostEdges(), q.Errors())
	}
	from, err := position.Sample(*now)
	if err != nil {
		t.Fatal(err)
	}
	wheel.Turn(8, 100*ms, 110*ms)
	*now = 120 * ms
	for _, ok := edges.Next(*now, 0); ok; _, ok = edges.Next(*now, 0) {
	}
	expectReading(t, position, *now, from+200_000)
}
