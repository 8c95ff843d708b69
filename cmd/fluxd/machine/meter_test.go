package machine

import (
	"testing"
	"time"
)

// A rate is measured over at least half a second. Within that time, Read returns the last one again.
func TestMeter(t *testing.T) {
	var m Meter
	for _, c := range []struct {
		at    time.Duration
		count uint64
		rate  float64
	}{
		{100 * time.Millisecond, 50, 0},
		{time.Second, 200, 200},
		{1400 * time.Millisecond, 900, 200},
		{2 * time.Second, 700, 500},
		{4 * time.Second, 700, 0},
	} {
		rate, busy := m.Read(c.at, c.count)
		if rate != c.rate {
			t.Errorf("at %v: %g/s, want %g/s", c.at, rate, c.rate)
		}
		if _, known := ProcessorTime(); known && c.at >= time.Second && (busy == nil || *busy < 0) {
			t.Errorf("at %v: busy %v", c.at, busy)
		}
	}
}
