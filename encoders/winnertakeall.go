package encoders

import (
	"fmt"
	"time"

	"fluxd/core"
	"fluxd/options"
)

// WinnerTakeAll decodes the neuron that fired most within the window into its command. Among equals, the one that fired last
// wins; if they fired in the same tick, the first in the list. With ties: first, that one wins in any case, as in the TENNLab
// framework. Without a spike in the window there is no command.
//
// With a margin, the winner stays until another neuron has that many spikes more in the window, or until it has none itself. So
// two neurons that are about equally busy do not take turns with every spike. Electronic winner-take-all circuits have such a
// hysteresis: DeWeerth and Morris, CMOS current mode winner-take-all circuit with distributed hysteresis (Electronics Letters 31,
// 1995).
type WinnerTakeAll struct {
	window
	choices []int64
	margin  int
	first   bool      // wins among equals
	winner  int       // none: -1
	open    bool      // the spikes have changed since the winner was found
	changed core.Tick // the latest tick in which they did
}

// WinnerTakeAllOpts are the options of a WinnerTakeAll.
type WinnerTakeAllOpts struct {
	Window  time.Duration   `yaml:"window" required:"true" live:"true" doc:"stretch of time over which spikes count"`
	Choices []Named[Choice] `yaml:"choices" neuron:"true" required:"true" live:"true" doc:"each neuron's command: -1 to 1 or a word"`
	Margin  int             `yaml:"margin" unit:"spikes" default:"0" min:"0" max:"65536" live:"true" doc:"how many spikes more than the winner another neuron needs to take over"`
	Ties    string          `yaml:"ties" default:"latest" enum:"latest,first" doc:"which of equally busy neurons wins: latest: the one that fired last; first: the first in the list of choices"`

	Label bool `yaml:"-"` // the actuator is a label: choices are words, and the command is an index into them
}

// Named is an entry of a mapping in a robot file whose order matters, with its line.
type Named[T any] struct {
	Name  string
	Line  int
	Value T
}

// Choice is a command: a number in millionths of full scale, or a word for a label.
type Choice struct {
	Micro int64
	Word  string
}

var winnerTakeAllKind = DecoderKind{Name: "winner-take-all", About: "the command of the busiest",
	New: func() DecoderOptions { return new(WinnerTakeAllOpts) }, Words: true}

// Neurons implements DecoderOptions.
func (o *WinnerTakeAllOpts) Neurons() (names []string) {
	for _, choice := range o.Choices {
		names = append(names, choice.Name)
	}
	return names
}

// Words returns the words of a label. A command is an index into them.
func (o *WinnerTakeAllOpts) Words() (words []string) {
	for _, choice := range o.Choices {
		words = append(words, choice.Value.Word)
	}
	return words
}

// Open implements DecoderOptions.
func (o *WinnerTakeAllOpts) Open() (Decoder, error) { return NewWinnerTakeAll(o) }

// Limits implements DecoderOptions. The key of a choice is "choices." and the name of its neuron.
func (o *WinnerTakeAllOpts) Limits(key string) (low, high int64, ok bool) {
	switch key {
	case "window":
		low, high = windowLimits(o.Window)
		return low, high, true
	case "margin":
		return 0, WindowSpikes, true
	}
	if isPart(key, "choices") && !o.Label {
		return commandLimits()
	}
	return 0, 0, false
}

// Check implements DecoderOptions.
func (o *WinnerTakeAllOpts) Check() []options.Mistake {
	mistakes := checkWindow(o.Window)
	if len(o.Choices) == 0 {
		mistakes = append(mistakes, options.Wrong("choices", "expected at least one neuron with its command"))
	}
	if !o.Label {
		return append(mistakes, checkNumbers("choices", o.Choices)...)
	}
	for _, choice := range o.Choices {
		if choice.Value.Word == "" {
			mistakes = append(mistakes, options.Wrong("choices."+choice.Name, "%g: expected a word, since the actuator is a label",
				float64(choice.Value.Micro)/FullScale))
		}
	}
	return mistakes
}

// NewWinnerTakeAll makes a winner-take-all decoder. The input of a choice is its index. The names of neurons are not used.
func NewWinnerTakeAll(opts *WinnerTakeAllOpts) (*WinnerTakeAll, error) {
	if err := validate("winner-take-all decoder", opts, within(opts, "margin", opts.Margin)); err != nil {
		return nil, err
	}
	if opts.Ties != "" && opts.Ties != "latest" && opts.Ties != "first" {
		return nil, fmt.Errorf("winner-take-all decoder: ties: expected latest or first, got %q", opts.Ties)
	}
	w := &WinnerTakeAll{window: newWindow(opts.Window, len(opts.Choices)), margin: opts.Margin,
		first: opts.Ties == "first", winner: -1}
	for i, choice := range opts.Choices {
		if opts.Label {
			w.choices = append(w.choices, int64(i))
		} else {
			w.choices = append(w.choices, choice.Value.Micro)
		}
	}
	return w, nil
}

// Spike implements Decoder.
func (w *WinnerTakeAll) Spike(at core.Tick, input int) {
	w.Advance(at)
	w.change(at)
	if w.full() {
		w.forget()
		w.dropped++
	}
	w.add(at, input)
}

// Advance implements Decoder.
func (w *WinnerTakeAll) Advance(at core.Tick) {
	for leaves, waiting := w.Next(); waiting && leaves <= at; leaves, waiting = w.Next() {
		w.change(leaves)
		w.forget()
	}
}

// change is called before the spikes change. All that happens in one tick is judged together: the winner of an earlier tick is
// found before anything changes in a later one.
func (w *WinnerTakeAll) change(at core.Tick) {
	if at != w.changed {
		w.judge()
	}
	w.changed, w.open = at, true
}

// judge finds the winner.
func (w *WinnerTakeAll) judge() {
	if !w.open {
		return
	}
	w.open = false
	best := 0
	for i := range w.counts {
		if w.counts[i] > w.counts[best] || w.counts[i] == w.counts[best] && w.latest[i] > w.latest[best] && !w.first {
			best = i
		}
	}
	switch {
	case w.counts[best] == 0:
		w.winner = -1
	case w.winner < 0 || w.counts[w.winner] == 0 || w.counts[best] >= w.counts[w.winner]+w.margin:
		w.winner = best
	}
}

// Command implements Decoder.
func (w *WinnerTakeAll) Command() (int64, bool) {
	if w.judge(); w.winner < 0 {
		return 0, false
	}
	return w.choices[w.winner], true
}

// Resume implements Decoder.
func (w *WinnerTakeAll) Resume(from Decoder) {
	if before, same := from.(*WinnerTakeAll); same && len(before.choices) == len(w.choices) {
		before.judge()
		w.resume(&before.window)
		w.winner, w.changed, w.open = before.winner, before.changed, true // another margin may make another winner
	}
}

// Clear implements Decoder.
func (w *WinnerTakeAll) Clear() {
	w.window.Clear()
	w.winner, w.open = -1, false
}
