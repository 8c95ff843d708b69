// Package play runs a network alone, without a robot: spikes go in and come out, as fast as the machine allows. It is behind
// fluxd play and fluxd plot.
//
//	robot, err := configs.Load("robot.yaml")
//	err = play.Run(ctx, robot.Network, play.Options{Source: "in.csv", Input: input, Until: time.Second, Output: os.Stdout})
//
// Plot draws levels, thresholds, weights and spikes as SVG. A Crew shares a large network among processors.
package play

import (
	"bufio"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"time"

	"fluxd/configs"
	"fluxd/configs/circuits"
	"fluxd/core"
)

// Options says what goes into the network and what is written.
type Options struct {
	Source  string        // name of the input, for messages
	Input   io.Reader     // spikes; nil: none
	Until   time.Duration // the run ends before this time
	Output  io.Writer     // every spike of every neuron; nil: none
	Weights io.Writer     // long-term weights of the plastic synapses at the end; nil: none; needs one worker
	Workers int           // processors to use; 0 is 1, which is best up to some 100,000 synapses
	// Progress is called after each stretch of the run. It may be nil.
	Progress func(done, total time.Duration)
}

// Run runs a network alone.
//
// Spikes are CSV with the header line time_us,neuron. An input line is an electric arrival at that neuron, or at every member of
// a population. If there is a third column, weight, and it is not empty, the line is a direct arrival of that many units. Output
// is sorted by time, then by the neuron's place in the network. Run reads all input first: a mistake is an error with its line,
// and the network does not run.
func Run(ctx context.Context, d core.Description, opts Options) error {
	if opts.Workers > 1 {
		if opts.Weights != nil {
			return errors.New("learnt weights need one worker: leave out --workers, or --weights")
		}
		crew, err := NewCrew(d, opts.Workers)
		if err != nil {
			return fmt.Errorf("network: %w", err)
		}
		defer crew.Close()
		return playOn(ctx, d, crew, opts)
	}
	network, err := core.Build(d)
	if err != nil {
		return fmt.Errorf("network: %w", err)
	}
	if err := playOn(ctx, d, network, opts); err != nil || opts.Weights == nil {
		return err
	}
	return WriteLearnt(opts.Weights, d, network)
}

// played is a network on one processor or several.
type played interface {
	Excite(at core.Tick, neuron int) error
	Pour(at core.Tick, neuron int, water int32) error
	PourWater(neuron int, units float64) (int32, error)
	Now() core.Tick
	Next() (core.Tick, bool)
	Advance(until core.Tick, spikes []core.Spike) []core.Spike
}

func playOn(ctx context.Context, d core.Description, network played, opts Options) error {
	if opts.Input != nil {
		if err := feedSpikes(network, circuits.Index(d), opts); err != nil {
			return err
		}
	}
	var out *bufio.Writer
	if opts.Output != nil {
		out = bufio.NewWriterSize(opts.Output, 1<<16)
		out.WriteString("time_us,neuron\n") // a bufio.Writer returns its first error from Flush
	}
	until := core.Tick(opts.Until.Microseconds())
	const stride = 10_000 // ticks from one check of the context to the next
	var spikes []core.Spike
	var line []byte
	for network.Now() < until {
		if err := ctx.Err(); err != nil {
			return err
		}
		to := network.Now()
		if next, waiting := network.Next(); waiting {
			to = max(to, next)
		} else {
			to = until // nothing is due any more
		}
		spikes = network.Advance(min(to+stride, until), spikes[:0])
		for _, s := range spikes {
			if out != nil {
				line = strconv.AppendInt(line[:0], int64(s.At), 10)
				line = append(line, ',')
				line = append(line, d.Neurons[s.Neuron].Name...)
				out.Write(append(line, '\n'))
			}
		}
		if opts.Progress != nil {
			opts.Progress(time.Duration(network.Now())*time.Microsecond, opts.Until)
		}
	}
	if out != nil {
		if err := out.Flush(); err != nil {
			return fmt.Errorf("output: %w", err)
		}
	}
	return nil
}

// feedSpikes reads all input into the network before it runs.
func feedSpikes(network played, index map[string][]int, opts Options) error {
	fail := func(line int, format string, args ...any) error {
		return configs.Errors{{Source: opts.Source, Line: line, Column: 1, Message: fmt.Sprintf(format, args...)}}
	}
	text := bufio.NewReader(opts.Input)
	if mark, _ := text.Peek(3); string(mark) == "\xef\xbb\xbf" {
		_, _ = text.Discard(len(mark)) // cannot fail: Peek has read it
	}
	reader := csv.NewReader(text)
	reader.FieldsPerRecord = -1
	reader.ReuseRecord = true
	header, err := reader.Read()
	if err != nil || !isSpikeHeader(header) {
		return fail(1, "expected the header line time_us,neuron or time_us,neuron,weight")
	}
	for {
		record, err := reader.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			var wrong *csv.ParseError
			if errors.As(err, &wrong) {
				return fail(wrong.Line, "a quote inside a cell, or one that is not closed")
			}
			return fmt.Errorf("%s: %w", opts.Source, err)
		}
		line, _ := reader.FieldPos(0)
		if len(record) < 2 || len(record) > 3 {
			return fail(line, "%d columns: expected time_us,neuron or time_us,neuron,weight", len(record))
		}
		at, err := strconv.ParseInt(record[0], 10, 64)
		if err != nil || at < 0 || at > math.MaxInt64/4 {
			return fail(line, "time_us %q: expected whole microseconds of at least 0", record[0])
		}
		neurons := index[record[1]]
		if neurons == nil {
			return fail(line, "no neuron is named %q", record[1])
		}
		for _, neuron := range neurons {
			if len(record) < 3 || record[2] == "" {
				err = network.Excite(core.Tick(at), neuron)
			} else {
				err = pour(network, core.Tick(at), neuron, record[2])
			}
			if err != nil {
				return fail(line, "neuron %s: %v", record[1], err)
			}
		}
	}
}

func isSpikeHeader(names []string) bool {
	if len(names) < 2 || len(names) > 3 || names[0] != "time_us" || names[1] != "neuron" {
		return false
	}
	return len(names) == 2 || names[2] == "weight" || names[2] == ""
}

func pour(network played, at core.Tick, neuron int, text string) error {
	units, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return fmt.Errorf("weight %q: expected a number of units", text)
	}
	water, err := network.PourWater(neuron, units)
	if err != nil {
		return fmt.Errorf("weight: %w", err)
	}
	return network.Pour(at, neuron, water)
}
