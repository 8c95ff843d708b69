// Package play runs a network alone, without a robot: spikes in, spikes out, as fast as the machine allows.
//
//	robot, err := configs.Load("robot.yaml")
//	err = play.Run(ctx, robot.Network, play.Options{Source: "in.csv", Input: input, Until: time.Second, Output: os.Stdout})
//
// Plot draws what happens in it. A Crew shares a large network among processors.
package play

import (
	"bufio"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"time"

	"fluxd/configs"
	"fluxd/configs/circuits"
	"fluxd/core"
	"fluxd/files"
)

// Options says what a network alone is fed, and what is written of it.
type Options struct {
	Source   string                          // name of the input, for messages
	Input    io.Reader                       // spikes; nil: none
	Until    time.Duration                   // spikes at it and later are not written
	Output   io.Writer                       // every spike of every neuron; nil: none
	Weights  io.Writer                       // what the plastic synapses have learnt; nil: none; only with one worker
	Workers  int                             // processors that share the network; 0 and 1: one, which is best up to some 100,000 synapses
	Progress func(done, total time.Duration) // called now and then; may be nil
}

// Run runs a network alone: spikes in, spikes out.
//
// Spikes are CSV with a header line: time_us,neuron. An input line is an electric arrival at that neuron, or at every member of a
// population; a third column, weight, where it is not empty, makes it a direct arrival of that many units. Output is sorted by time,
// then by neuron in the network's order. A mistake in the input is an error with its line, and nothing is played.
func Run(ctx context.Context, d core.Description, opts Options) error {
	if opts.Workers > 1 {
		if opts.Weights != nil {
			return errors.New("weights can be written of one worker only")
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
	return writeWeights(opts.Weights, d, network)
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
		out.WriteString("time_us,neuron\n") // a bufio.Writer keeps its first error for Flush
	}
	until := core.Tick(opts.Until.Microseconds())
	const stride = 10_000 // between two looks at the context
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
			to = until // silence is not waited through
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

// feedSpikes reads all input before anything is played.
func feedSpikes(network played, index map[string][]int, opts Options) error {
	fail := func(line int, format string, args ...any) error {
		return configs.Errors{{Source: opts.Source, Line: line, Column: 1, Message: fmt.Sprintf(format, args...)}}
	}
	text := bufio.NewReader(opts.Input)
	if mark, _ := text.Peek(3); string(mark) == "\xef\xbb\xbf" {
		_, _ = text.Discard(len(mark)) // it was there
	}
	reader := csv.NewReader(text)
	reader.FieldsPerRecord = -1
	reader.ReuseRecord = true
	header, err := reader.Read()
	if err != nil || len(header) < 2 || len(header) > 3 || header[0] != "time_us" || header[1] != "neuron" || len(header) == 3 && header[2] != "weight" && header[2] != "" {
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
				return fail(wrong.Line, "a quote within a cell, or one that has no end")
			}
			return fmt.Errorf("%s: %w", opts.Source, err)
		}
		line, _ := reader.FieldPos(0)
		if len(record) < 2 || len(record) > 3 {
			return fail(line, "%d columns: expected time_us,neuron and perhaps weight", len(record))
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

// LearntWeight is the long-term weight of a plastic synapse, as --weights writes it.
type LearntWeight struct {
	Synapse int     `json:"synapse"` // its place among the synapses of the flat network, from 0
	From    string  `json:"from"`
	To      string  `json:"to"`
	Weight  float64 `json:"weight"` // units
}

// ExportLearnt writes what a robot's file of learnt weights holds, as Run writes weights.
func ExportLearnt(w io.Writer, d core.Description, file string) error {
	data, err := files.Read(file, core.MaxSnapshot)
	if err != nil {
		return fmt.Errorf("learnt weights: %w", err)
	}
	d.Synapses = slices.Clone(d.Synapses)
	for i := range d.Synapses {
		if p := d.Synapses[i].Plastic; p != nil { // limits may have been tuned: the file is shown as it is
			free := *p
			free.Min, free.Max = 0, 0
			d.Synapses[i].Plastic = &free
		}
	}
	network, err := core.Build(d)
	if err != nil {
		return fmt.Errorf("network: %w", err)
	}
	if _, err := network.Restore(data); err != nil {
		return fmt.Errorf("learnt weights: %s: %w", file, err)
	}
	return writeWeights(w, d, network)
}

func writeWeights(w io.Writer, d core.Description, network *core.Network) error {
	learnt := network.Learnt()
	all := []LearntWeight{}
	for i := range d.Synapses {
		if weight, plastic := learnt[i]; plastic {
			all = append(all, LearntWeight{Synapse: i, From: d.Neurons[d.Synapses[i].From].Name, To: d.Neurons[d.Synapses[i].To].Name, Weight: weight})
		}
	}
	text, err := json.MarshalIndent(all, "", " ")
	if err != nil {
		return fmt.Errorf("weights: %w", err)
	}
	if _, err := w.Write(append(text, '\n')); err != nil {
		return fmt.Errorf("weights: %w", err)
	}
	return nil
}
