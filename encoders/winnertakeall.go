package encoders

import (
	"fluxd/options"
	"strings"
	"time"
)

// WinnerTakeAll decodes the neuron that fired most within the window into its command. Among equals, the one that fired last
// wins; if they fired in the same tick, the first in the list. Without a spike in the window there is no command.
type WinnerTakeAll struct {
	window
	choices []int64
}

// WinnerTakeAllOpts are the options of a WinnerTakeAll.
type WinnerTakeAllOpts struct {
	Window  time.Duration   `yaml:"window" required:"true" live:"true" doc:"stretch of time over which spikes count"`
	Choices []Named[Choice] `yaml:"choices" neuron:"true" required:"true" live:"true" doc:"each neuron's command: -1 to 1 or a word"`

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
	if key == "window" {
		low, high = windowLimits(o.Window)
		return low, high, true
	}
	if _, choice := strings.CutPrefix(key, "choices."); choice && !o.Label {
		return -FullScale, FullScale, true
	}
	return 0, 0, false
}

// Check implements DecoderOptions.
func (o *WinnerTakeAllOpts) Check() []options.Mistake {
	mistakes := checkWindow(o.Window)
	if len(o.Choices) == 0 {
		mistakes = append(mistakes, options.Wrong("choices", "expected at least one neuron with its command"))
	}
	for _, choice := range o.Choices {
		key := "choices." + choice.Name
		switch word, number := choice.Value.Word, float64(choice.Value.Micro)/FullScale; {
		case o.Label && word == "":
			mistakes = append(mistakes, options.Wrong(key, "%g: expected a word, since the actuator is a label", number))
		case !o.Label && word != "":
			mistakes = append(mistakes, options.Wrong(key, "%q: expected a command from -1 to 1", word))
		case number < -1 || number > 1:
			mistakes = append(mistakes, options.Wrong(key, "%g: expected a command from -1 to 1", number))
		}
	}
	return mistakes
}

// NewWinnerTakeAll makes a winner-take-all decoder. The input of a choice is its index. The names of neurons are not used.
func NewWinnerTakeAll(opts *WinnerTakeAllOpts) (*WinnerTakeAll, error) {
	if err := validate("winner-take-all decoder", opts); err != nil {
		return nil, err
	}
	w := &WinnerTakeAll{window: newWindow(opts.Window, len(opts.Choices))}
	for i, choice := range opts.Choices {
		if opts.Label {
			w.choices = append(w.choices, int64(i))
		} else {
			w.choices = append(w.choices, choice.Value.Micro)
		}
	}
	return w, nil
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
