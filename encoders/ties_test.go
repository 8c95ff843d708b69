package encoders

import (
	"testing"
	"time"

	"fluxd/core"
)

func TestTiesOfTheWinner(t *testing.T) {
	for _, c := range []struct {
		ties   string
		spikes []int // one a millisecond: its input
		want   int64
	}{
		{"", []int{0, 1}, 20},
		{"latest", []int{0, 1}, 20},
		{"latest", []int{1, 0}, 10},
		{"latest", []int{1, 0, 2, 2, 0, 1}, 20},
		{"first", []int{0, 1}, 10},
		{"first", []int{1, 0}, 10},
		{"first", []int{2, 1}, 20},
		{"first", []int{1, 0, 1}, 20},
		{"first", []int{2, 1, 0, 2, 1}, 20},
	} {
		w, err := NewWinnerTakeAll(&WinnerTakeAllOpts{Choices: choices(10, 20, 30), Window: time.Second, Ties: c.ties})
		if err != nil {
			t.Fatal(err)
		}
		for i, input := range c.spikes {
			w.Spike(core.Tick(1000*i), input)
		}
		if got, _ := w.Command(); got != c.want {
			t.Errorf("ties %q, spikes of %v: %d, want %d", c.ties, c.spikes, got, c.want)
		}
	}
	if _, err := NewWinnerTakeAll(&WinnerTakeAllOpts{Choices: choices(10), Window: time.Second, Ties: "last"}); err == nil {
		t.Error("accepted a wrong word")
	}
}
