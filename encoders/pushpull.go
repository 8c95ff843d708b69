package encoders

import (
	"fmt"
	"time"
)

// The inputs of a push-pull decoder.
const (
	Forward  = 0
	Backward = 1
)

// PushPull compares two neurons: the command is the difference of their rates over the window, -1 to 1. A muscle and its
// antagonist.
type PushPull struct {
	window
	table []int64
}

// NewPushPull makes a push-pull decoder; full (micro-hertz) is the difference of rates that commands full scale.
func NewPushPull(full int64, length time.Duration) (*PushPull, error) {
	w, err := newWindow(length, 2)
	if err != nil {
		return nil, fmt.Errorf("push-pull decoder: %w", err)
	}
	table, err := commands(full, length)
	if err != nil {
		return nil, fmt.Errorf("push-pull decoder: %w", err)
	}
	return &PushPull{window: w, table: table}, nil
}

// Command implements Decoder.
func (p *PushPull) Command() (int64, bool) {
	last := len(p.table) - 1
	if net := p.counts[Forward] - p.counts[Backward]; net >= 0 {
		return p.table[min(net, last)], true
	} else {
		return -p.table[min(-net, last)], true
	}
}
