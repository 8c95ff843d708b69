package bench

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"iter"
	"strconv"
	"strings"

	"fluxd/configs"
	"fluxd/core"
)

// A network as text is the same file for every engine. Its first line is
//
//	neurons synapses threshold floor inputs_per_step input
//
// followed by a line "from to weight delay" for each synapse. All are whole numbers; delays are in steps.

// maxUnits bounds thresholds, floors and weights: without a leak water counts thousandths of a unit in 32 bits.
const maxUnits = core.MaxWater / 1000

// ReadNetwork reads a network as text. It fails with configs.Errors that give the line, what was expected and what came.
func ReadNetwork(source string, r io.Reader) (*Network, error) {
	p := textReader{source: source, lines: bufio.NewReaderSize(r, 1<<16)}
	head, err := p.numbers("neurons synapses threshold floor inputs_per_step input",
		span{1, core.MaxNeurons}, span{0, 1<<32 - 1}, span{1, maxUnits}, span{-maxUnits, 0}, span{0, 1 << 30},
		span{-maxUnits, maxUnits})
	if err != nil {
		return nil, err
	}
	n := &Network{Name: source, Neurons: int(head[0]), Threshold: int(head[2]), Floor: int(head[3])}
	n.Inputs, n.Input = int(head[4]), int(head[5])
	synapses := head[1]
	n.Synapses = make([]core.Synapse, 0, min(synapses, 1<<20)) // no more in advance: the lines may be missing
	last := head[0] - 1
	for range synapses {
		s, err := p.numbers("from to weight delay",
			span{0, last}, span{0, last}, span{-maxUnits, maxUnits}, span{1, int64(core.MaxDelay / step)})
		switch {
		case errors.Is(err, io.EOF):
			return nil, p.fault("the file ends after %d synapses: expected %d, as line 1 says", len(n.Synapses), synapses)
		case err != nil:
			return nil, err
		}
		if s[2] == 0 {
			return nil, p.fault("weight 0 does nothing: leave the synapse out")
		}
		one := core.Synapse{From: int(s[0]), To: int(s[1]), Weight: float64(s[2]), Delay: core.Tick(s[3]) * step}
		n.Synapses = append(n.Synapses, one)
	}
	for {
		line, err := p.line()
		switch {
		case errors.Is(err, io.EOF):
			return n, nil
		case err != nil:
			return nil, err
		case line != "":
			const more = "%s after the last of %d synapses: expected nothing, or a larger number in line 1"
			return nil, p.fault(more, quoted(line), synapses)
		}
	}
}

// span is the range of a number.
type span struct{ low, high int64 }

type textReader struct {
	source string
	lines  *bufio.Reader
	number int
	fields [6]int64
}

func (p *textReader) fault(format string, args ...any) error {
	return configs.Errors{{Source: p.source, Line: p.number, Column: 1, Message: fmt.Sprintf(format, args...)}}
}

// line returns the next line without its end, and io.EOF after the last one.
func (p *textReader) line() (string, error) {
	p.number++
	text, err := p.lines.ReadSlice('\n')
	switch {
	case errors.Is(err, bufio.ErrBufferFull):
		return "", p.fault("a line of more than %d characters: expected a few numbers", len(text))
	case err != nil && !errors.Is(err, io.EOF):
		return "", configs.Errors{{Source: p.source, Message: err.Error()}}
	case err != nil && len(text) == 0:
		return "", io.EOF
	}
	return strings.TrimRight(string(text), " \t\r\n"), nil
}

// numbers reads a line of whole numbers, one for each of the names. The result is valid until the next call.
func (p *textReader) numbers(names string, spans ...span) ([]int64, error) {
	line, err := p.line()
	if errors.Is(err, io.EOF) && p.number > 1 {
		return nil, err
	}
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	found := 0
	for field := range strings.FieldsSeq(line) {
		if found == len(spans) {
			found++
			break
		}
		x, err := strconv.ParseInt(field, 10, 64)
		if err != nil {
			return nil, p.fault("%s: expected a whole number for %s", quoted(field), strings.Fields(names)[found])
		}
		if allowed := spans[found]; x < allowed.low || x > allowed.high {
			return nil, p.fault("%s %d: expected %d to %d", strings.Fields(names)[found], x, allowed.low, allowed.high)
		}
		p.fields[found] = x
		found++
	}
	if found != len(spans) {
		return nil, p.fault("%s: expected %d numbers: %s", quoted(line), len(spans), names)
	}
	return p.fields[:found], nil
}

// quoted quotes a text for a message, and cuts it if it is long.
func quoted(text string) string {
	if len(text) > 40 {
		text = text[:40] + "..."
	}
	return strconv.Quote(text)
}

// WriteNetwork writes one of the benchmark networks, a, b, c or d, as text for other engines. It fails with ErrUnknown for
// another name.
func WriteNetwork(w io.Writer, name string) error {
	r, known := recipes[name]
	if !known {
		return fmt.Errorf("network %q: expected a, b, c or d: %w", name, ErrUnknown)
	}
	return r.network(name).writeText(w, r.neurons*r.fanOut, r.synapses())
}

// writeText writes the network with the given synapses, so that a large network need not be in memory.
func (n *Network) writeText(w io.Writer, count int, synapses iter.Seq[core.Synapse]) error {
	b := bufio.NewWriter(w)
	fmt.Fprintln(b, n.Neurons, count, n.Threshold, n.Floor, n.Inputs, n.Input)
	for s := range synapses {
		if _, err := fmt.Fprintln(b, s.From, s.To, s.Weight, int64(s.Delay/step)); err != nil {
			return err
		}
	}
	return b.Flush()
}
