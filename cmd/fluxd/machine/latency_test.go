package machine

import (
	"testing"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
	"pgregory.net/rapid"
)

// The counts are those of the library for the same durations.
func TestLatenciesAreAnHDRHistogram(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var ours Latencies
		theirs := hdrhistogram.New(1, latencyMost, latencyDigits)
		for range rapid.IntRange(1, 200).Draw(t, "durations") {
			v := rapid.Int64Range(0, 1<<rapid.IntRange(0, 26).Draw(t, "magnitude")).Draw(t, "us")
			ours.Record(time.Duration(v) * time.Microsecond)
			if err := theirs.RecordValue(min(v, latencyMost)); err != nil {
				t.Fatal(err)
			}
		}
		if !ours.Histogram().Equals(theirs) {
			t.Errorf("%v\nwant %v", ours.Histogram().Export().Counts, theirs.Export().Counts)
		}
	})
}

func TestLatenciesRoundUpAndAreBounded(t *testing.T) {
	for d, want := range map[time.Duration]int64{
		-time.Second: 0, 0: 0, 1: 1, time.Microsecond: 1, time.Microsecond + 1: 2, 255 * time.Microsecond: 255,
	} {
		var l Latencies
		l.Record(d)
		if got := l.Histogram(); got.Max() != want || got.ValueAtQuantile(50) != want || got.TotalCount() != 1 {
			t.Errorf("%v: at most %d us, want %d us", d, got.Max(), want)
		}
	}
	var l Latencies
	l.Record(24 * time.Hour)
	if got := l.Histogram().Max(); got < latencyMost || got > latencyMost+latencyMost/100 {
		t.Errorf("a day counts as %d us, want a minute", got)
	}
}

func TestLatenciesOfAThousand(t *testing.T) {
	var l Latencies
	for i := range 1000 {
		l.Record(time.Duration(i/10+1) * time.Microsecond) // 1 to 100 us, ten of each
	}
	l.Record(5 * time.Millisecond)
	got := l.Histogram()
	for quantile, want := range map[float64]int64{50: 51, 99: 100, 99.9: 100} {
		if v := got.ValueAtQuantile(quantile); v != want {
			t.Errorf("quantile %g: %d us, want %d us", quantile, v, want)
		}
	}
	if got.TotalCount() != 1001 {
		t.Errorf("%d durations, want 1001", got.TotalCount())
	}
	if n := testing.AllocsPerRun(100, func() { l.Record(time.Millisecond) }); n != 0 {
		t.Errorf("%g allocations", n)
	}
}

func TestBucketsOfLatencies(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var l Latencies
		var all []time.Duration
		exact := time.Duration(0)
		for range rapid.IntRange(0, 200).Draw(t, "durations") {
			v := time.Duration(rapid.Int64Range(0, 1<<rapid.IntRange(0, 35).Draw(t, "magnitude")).Draw(t, "ns"))
			l.Record(v)
			all, exact = append(all, v), exact+v
		}
		bounds := []time.Duration{0, 10 * time.Microsecond, 255 * time.Microsecond, time.Millisecond, time.Second, time.Minute}
		counts := make([]uint64, len(bounds))
		total, sum := l.Buckets(bounds, counts)
		if total != uint64(len(all)) || sum < exact || sum > exact+exact/100+time.Duration(len(all))*2*time.Microsecond {
			t.Errorf("%d durations, sum %v: want %d, %v", total, sum, len(all), exact)
		}
		for i, bound := range bounds {
			least, most := uint64(0), uint64(0)
			for _, v := range all {
				if v <= bound {
					least++
				}
				if v <= bound+bound/100 {
					most++
				}
			}
			if counts[i] < least || counts[i] > most || bound < 256*time.Microsecond && counts[i] != least {
				t.Errorf("up to %v: %d, want %d to %d", bound, counts[i], least, most)
			}
		}
	})
}
