package sensors_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"fluxd/sensors"
)

func newMedian(t fataler, s sensors.Sensor, size int, gap time.Duration) *sensors.Median {
	t.Helper()
	m, err := sensors.NewMedian(s, size, gap)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestMedian(t *testing.T) {
	for _, c := range []struct {
		story          string
		of             int
		readings, want []int64
	}{
		{"one wrong reading does not show", 3, []int64{5, 6, 900, 7, 6, 5}, []int64{5, 6, 6, 7, 7, 6}},
		{"two wrong readings of five do not show", 5, []int64{5, 5, 5, 900, -900, 5, 5, 5}, []int64{5, 5, 5, 5, 5, 5, 5, 5}},
		{"a step shows two readings later of five", 5, []int64{1, 1, 1, 1, 1, 9, 9, 9, 9}, []int64{1, 1, 1, 1, 1, 1, 1, 9, 9}},
		{"the first readings count immediately, two as the second", 5, []int64{1, 2, 3, 4}, []int64{1, 2, 2, 3}},
		{"an angle near its end is one that was measured", 3, []int64{359, 0, 1, 358}, []int64{359, 0, 1, 1}},
	} {
		s := &fake{}
		m := newMedian(t, s, c.of, time.Second)
		for i, reading := range c.readings {
			s.value = reading
			got, err := m.Sample(time.Duration(i) * 20 * ms)
			if err != nil || got != c.want[i] {
				t.Errorf("%s: reading %d, %d: got %d, %v, want %d", c.story, i, reading, got, err, c.want[i])
			}
		}
	}
}

// The result is the median of the last readings since the last failure or silence.
func TestMedianIsTheMiddle(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := &fake{}
		of := rapid.IntRange(1, 7).Draw(t, "half")*2 + 1
		m := newMedian(t, s, of, 100*ms)
		var since []int64
		at := time.Duration(0)
		for range rapid.IntRange(1, 100).Draw(t, "readings") {
			pause := time.Duration(rapid.IntRange(0, 110).Draw(t, "pause")) * ms
			at += pause
			if pause > 100*ms {
				since = nil
			}
			s.value, s.err = rapid.Int64().Draw(t, "reading"), nil
			switch rapid.IntRange(0, 20).Draw(t, "fault") {
			case 0:
				s.err, since = errRemoteIO, nil
			case 1: // no measurement yet: the pause continues
				s.err = sensors.ErrNotYet
				if _, err := m.Sample(at); !errors.Is(err, sensors.ErrNotYet) {
					t.Fatalf("got %v", err)
				}
				s.err = nil
			}
			got, err := m.Sample(at)
			if s.err != nil {
				if !errors.Is(err, s.err) {
					t.Fatalf("got %v, want %v", err, s.err)
				}
				at += 10 * ms
				s.err = nil
				continue
			}
			since = append(since, s.value)
			last := slices.Clone(since[max(0, len(since)-of):])
			if len(last)%2 == 0 {
				last = last[1:]
			}
			slices.Sort(last)
			if want := last[len(last)/2]; err != nil || got != want {
				t.Fatalf("of %d, %v: got %d, %v, want %d", of, since, got, err, want)
			}
		}
	})
}

// After a failure or a long silence the median starts without readings.
func TestMedianForgets(t *testing.T) {
	s := &fake{value: 1}
	m := newMedian(t, s, 5, 100*ms)
	for i := range 5 {
		expectReading(t, m, time.Duration(i)*20*ms, 1)
	}
	s.err = errRemoteIO
	expectFault(t, m, 100*ms, "remote I/O error")
	s.value, s.err = 9, nil
	expectReading(t, m, 120*ms, 9)
	expectReading(t, m, 140*ms, 9)
	s.value = 1
	expectReading(t, m, 160*ms, 9)
	expectReading(t, m, 260*ms, 1) // four readings: the median of all but the oldest
	expectReading(t, m, 361*ms, 1) // the pause was too long
	m.SetGap(10 * ms)
	s.value = 7
	expectReading(t, m, 372*ms, 7)
	if m.Unit() != "V" || m.String() != "fake" {
		t.Errorf("%s in %s", m, m.Unit())
	}
}

// A frozen sensor has failed: the readings before its halt are forgotten.
func TestMedianOfAFrozenSensor(t *testing.T) {
	s := &fake{value: 5}
	m := newMedian(t, newFrozen(t, s, 100*ms), 3, time.Second)
	expectReading(t, m, 0, 5)
	expectReading(t, m, 50*ms, 5)
	expectFault(t, m, 100*ms, "frozen")
	s.value = 8
	expectReading(t, m, 150*ms, 8)
}

// Readings that come with edges are filtered too, each with its time.
func TestMedianOfEdges(t *testing.T) {
	next := []sensors.Reading{{At: 10 * ms, Value: 3}, {At: 20 * ms, Value: 4}, {At: 30 * ms, Value: 500}}
	s := &edges{fake: fake{err: sensors.ErrNotYet}, next: next}
	m := newMedian(t, s, 3, time.Second)
	if _, err := m.Sample(5 * ms); !errors.Is(err, sensors.ErrNotYet) {
		t.Errorf("got %v", err)
	}
	for _, want := range []sensors.Reading{{At: 10 * ms, Value: 3}, {At: 20 * ms, Value: 4}, {At: 30 * ms, Value: 4}} {
		if got, ok := m.Next(40*ms, 0); !ok || got != want {
			t.Errorf("got %v, %v, want %v", got, ok, want)
		}
	}
	if _, ok := m.Next(40*ms, 0); ok || m.LostEdges() != 7 {
		t.Errorf("an unexpected reading, or %d edges lost", m.LostEdges())
	}
	if _, ok := newMedian(t, &fake{}, 3, ms).Next(0, 0); ok {
		t.Error("got edges from a sensor without edges")
	}
}

// edges is a sensor whose readings come with edges, as a test sets them.
type edges struct {
	fake
	next []sensors.Reading
}

func (s *edges) Next(time.Duration, time.Duration) (r sensors.Reading, ok bool) {
	if len(s.next) == 0 {
		return r, false
	}
	r, s.next = s.next[0], s.next[1:]
	return r, true
}
func (s *edges) LostEdges() uint64 { return 7 }

func TestMedianRefusesNonsense(t *testing.T) {
	if _, err := sensors.NewMedian(nil, 3, ms); err == nil {
		t.Error("no sensor was accepted")
	}
	if _, err := sensors.NewMedian(&fake{}, 3, 0); err == nil {
		t.Error("a pause of 0 was accepted")
	}
	for _, of := range []int{-1, 0, 1, 2, 4, 16, 17} {
		if _, err := sensors.NewMedian(&fake{}, of, ms); err == nil {
			t.Errorf("a median of %d was accepted", of)
		}
	}
}

func TestMedianAllocatesNothing(t *testing.T) {
	s := &fake{}
	m := newMedian(t, s, 15, time.Hour)
	if n := testing.AllocsPerRun(1000, func() {
		s.value = (s.value*7919 + 13) % 1000
		if _, err := m.Sample(0); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("%g allocations a reading", n)
	}
}
