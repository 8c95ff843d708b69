package encoders

import (
	"fmt"
	"time"
)

// Count is one neuron's rate over the window: the command goes from 0 to 1.
type Count struct {
	window
	table []int64
}

// NewCount makes a windowed-count decoder; full (micro-hertz) is the rate that commands full scale.
func NewCount(full int64, length time.Duration) (*Count, error) {
	w, err := newWindow(length, 1)
	if err != nil {
		return nil, fmt.Errorf("count decoder: %w", err)
	}
	table, err := commands(full, length)
	if err != nil {
		return nil, fmt.Errorf("count decoder: %w", err)
	}
	return &Count{window: w, table: table}, nil
}

// Command implements Decoder.
func (c *Count) Command() (int64, bool) { return c.table[min(c.counts[0], len(c.table)-1)], true }
