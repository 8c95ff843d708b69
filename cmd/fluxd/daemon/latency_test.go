package daemon

import (
	"testing"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
	"pgregory.net/rapid"
)

// What is counted without a lock is what the library would have counted.
func TestLatenciesAreAnHDRHistogram(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var ours latencies
		theirs := hdrhistogram.New(1, latencyMost, latencyDigits)
		for range rapid.IntRange(1, 200).Draw(t, "durations") {
			v := rapid.Int64Range(0, 1<<rapid.IntRange(0, 26).Draw(t, "magnitude")).Draw(t, "us")
			ours.note(time.Duration(v) * time.Microsecond)
			if err := theirs.RecordValue(min(v, latencyMost)); err != nil {
				t.Fatal(err)
			}
		}
		if !ours.histogram().Equals(theirs) {
			t.Errorf("%v\nwant %v", ours.histogram().Export().Counts, theirs.Export().Counts)
		}
	})
}

func TestLatenciesRoundUpAndHaveNoEnd(t *testing.T) {
	for d, want := range map[time.Duration]int64{
		-time.Second: 0, 0: 0, 1: 1, time.Microsecond: 1, time.Microsecond + 1: 2, 255 * time.Microsecond: 255,
	} {
		var l latencies
		l.note(d)
		if got := l.percentiles(); got.Max != want || got.P50 != want || got.Count != 1 {
			t.Errorf("%v: %+v, want %d us", d, got, want)
		}
	}
	var l latencies
	l.note(24 * time.Hour)
	if got := l.percentiles().Max; got < latencyMost || got > latencyMost+latencyMost/100 {
		t.Errorf("a day counts as %d us, want a minute", got)
	}
}

func TestLatenciesOfAThousand(t *testing.T) {
	var l latencies
	for i := range 1000 {
		l.note(time.Duration(i/10+1) * time.Microsecond) // 1 to 100 us, ten of each
	}
	l.note(5 * time.Millisecond)
	if got := l.percentiles(); got.P50 != 51 || got.P99 != 100 || got.P999 != 100 || got.Count != 1001 {
		t.Errorf("%+v", got)
	}
	if n := testing.AllocsPerRun(100, func() { l.note(time.Millisecond) }); n != 0 {
		t.Errorf("%g allocations", n)
	}
}
