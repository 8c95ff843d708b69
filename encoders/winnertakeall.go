package encoders

import (
	"fmt"
	"time"
)

// WinnerTakeAll gives the command of the neuron that fired most within the window; of equals the one that fired last wins, and
// of those that fired in the same tick the first in the list. Without a spike in the window there is no command.
type WinnerTakeAll struct {
	window
	choices []int64
}

// NewWinnerTakeAll makes a winner-take-all decoder: choices[i] is the command of input i.
func NewWinnerTakeAll(choices []int64, length time.Duration) (*WinnerTakeAll, error) {
	if len(choices) == 0 {
		return nil, fmt.Errorf("winner-take-all decoder: expected at least one choice")
	}
	w, err := newWindow(length, len(choices))
	if err != nil {
		return nil, fmt.Errorf("winner-take-all decoder: %w", err)
	}
	return &WinnerTakeAll{window: w, choices: append([]int64(nil), choices...)}, nil
}

// Command implements Decoder.
func (w *WinnerTakeAll) Command() (int64, bool) {
	best := 0
	for i := range w.counts {
		if w.counts[i] > w.counts[best] || w.counts[i] == w.counts[best] && w.latest[i] > w.latest[best] {
			best = i
		}
	}
	return w.choices[best], w.counts[best] > 0
}
