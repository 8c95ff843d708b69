package views

import (
	"strings"
	"testing"
	"time"

	"fluxd/bridge/protocol"
)

// The raster has one row per neuron, with the latest spikes at the right. It says how many neurons have no row.
func TestRaster(t *testing.T) {
	v := NewRaster("rover", []string{"eye", "motor", "a", "b"})
	now := time.Unix(1000, 0)
	for i := range int64(10) {
		v.Add(protocol.Spike{At: i * 20_000, Neuron: 0}, now)
		v.Add(protocol.Spike{At: 199_000, Neuron: 1}, now)
	}
	want := "rover: 20 spikes\na column is 20ms\nctrl-C ends\n" +
		"eye   ··········    50/s\nmotor          █    50/s\nand 2 more neurons\n"
	if got := v.Draw(25, 6, now); got != want {
		t.Errorf("drawn:\n%swant:\n%s", got, want)
	}
	// Time advances even without spikes.
	if got := v.Draw(25, 6, now.Add(60*time.Millisecond)); !strings.Contains(got, "\neye   ·······       35/s\n") {
		t.Errorf("a moment later:\n%s", got)
	}
	got := v.Draw(25, 6, now.Add(time.Minute))
	if strings.Contains(got, "·") || !strings.Contains(got, " 0/s\n") || len(v.counts[0]) > 0 {
		t.Errorf("a minute later:\n%s", got)
	}
	v.Add(protocol.Spike{At: 10_000_000, Neuron: 0}, now)
	v.Add(protocol.Spike{At: 40_000, Neuron: 0}, now) // the robot has restarted
	if got := v.Draw(25, 6, now); !strings.Contains(got, "\neye            ·     5/s\n") {
		t.Errorf("after the robot has restarted:\n%s", got)
	}
}
