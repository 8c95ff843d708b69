package machine

import (
	"testing"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
	"pgregory.net/rapid"
)

// What is counted without a lock is what the library would have counted.
func TestLatenciesAreAnHDRHistogram(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var ours Latencies
		theirs := hdrhistogram.New(1, latencyMost, latencyDigits)
		for range rapid.IntRange(1, 200).Draw(t, "durations") {
			v := rapid.Int64Range(0, 1<<rapid.IntRange(0, 26).Draw(t, "magnitude")).Draw(t, "us")
			ours.Note(time.Duration(v) * time.Microsecond)
			if err := theirs.RecordValue(min(v, latencyMost)); err != nil {
				t.Fatal(err)
			}
		}
		if !ours.Histogram().Equals(theirs) {
			t.Errorf("%v\nwant %v", ours.Histogram().Export().Counts, theirs.Export().Counts)
		}
	})
}

func TestLatenciesRoundUpAndHaveNoEnd(t *testing.T) {
	for d, want := range map[time.Duration]int64{
		-time.Second: 0, 0: 0, 1: 1, time.Microsecond: 1, time.Microsecond + 1: 2, 255 * time.Microsecond: 255,
	} {
		var l Latencies
		l.Note(d)
		if got := l.Histogram(); got.Max() != want || got.ValueAtQuantile(50) != want || got.TotalCount() != 1 {
			t.Errorf("%v: at most %d us, want %d us", d, got.Max(), want)
		}
	}
	var l Latencies
	l.Note(24 * time.Hour)
	if got := l.Histogram().Max(); got < latencyMost || got > latencyMost+latencyMost/100 {
		t.Errorf("a day counts as %d us, want a minute", got)
	}
}

func TestLatenciesOfAThousand(t *testing.T) {
	var l Latencies
	for i := range 1000 {
		l.Note(time.Duration(i/10+1) * time.Microsecond) // 1 to 100 us, ten of each
	}
	l.Note(5 * time.Millisecond)
	if got := l.Histogram(); got.ValueAtQuantile(50) != 51 || got.ValueAtQuantile(99) != 100 || got.ValueAtQuantile(99.9) != 100 || got.TotalCount() != 1001 {
		t.Errorf("%+v", got)
	}
	if n := testing.AllocsPerRun(100, func() { l.Note(time.Millisecond) }); n != 0 {
		t.Errorf("%g allocations", n)
	}
}
