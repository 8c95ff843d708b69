package bench

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"fluxd/configs"
	"fluxd/core"
	"fluxd/files"
	"fluxd/splitmix64"
)

// ErrUnknown is the name of a figure or network that there is not.
var ErrUnknown = errors.New("unknown")

// Options say what to measure.
type Options struct {
	Version  string   // of fluxd, for the report
	Only     []string // names of Figures; none: all
	Net      string   // a file with a network as text: measure this one and nothing else
	Workers  int      // processors for it; 0: one
	Steps    int      // counted steps of each run; 0: as many as the run's spikes are known for
	WarmUp   int      // steps of each run before that; negative: DefaultWarmUp
	Progress func(figure string, share float64)
}

// DefaultWarmUp is how many steps a network runs before it is timed: what it does then is typical of it.
const DefaultWarmUp = 500

// defaultSteps are the counted steps of a network of which nothing is known.
const defaultSteps = 4000

// runBudget is how long a network is timed: long enough for a steady median, short enough for all figures to take less than a minute.
const runBudget = 400 * time.Millisecond

// A Figure is something that can be measured.
type Figure struct {
	Name, About string
	measure     func(*bench) error
}

// Figures lists what Measure measures, in this order.
func Figures() []Figure { return slices.Clone(figures) }

var figures = []Figure{
	{"a", "1,000 neurons with 100 synapses each", func(b *bench) error { return b.runs("static/a") }},
	{"b", "10,000 neurons with 100 synapses each", func(b *bench) error { return b.runs("static/b") }},
	{"c", "50 neurons with 8 synapses each: the size of a robot's network", func(b *bench) error { return b.runs("static/c") }},
	{"d", "100,000 neurons with 100 synapses each", func(b *bench) error { return b.runs("static/d") }},
	{"workers", "d on two processors", func(b *bench) error { return b.runs("workers/d") }},
	{"sparse", "a and b with a fifth of the drive", func(b *bench) error { return b.runs("sparse/a", "sparse/b") }},
	{"plastic", "a and b, every excitatory synapse plastic: in the long term (STDP), and in the short term too", func(b *bench) error {
		return b.runs("stdp/a", "stdp/b", "plastic/a", "plastic/b")
	}},
	{"delays", "a and b, every synapse with a delay of its own, 1 us to 10 ms", func(b *bench) error { return b.runs("delays/a", "delays/b") }},
	{"idle", "a and b without drive", (*bench).idle},
	{"silent", "a million neurons in which nothing happens", (*bench).silent},
	{"memory", "bytes per neuron and per synapse", (*bench).memory},
	{"reflex", "from an edge to the actuator's write, against a bare channel", (*bench).reflex},
	{"robot", "the start of a robot, and a robot at rest", (*bench).robot},
	{"growth", "cost by number of neurons, of synapses, of spikes and of distinct delays", (*bench).growth},
}

// Measure measures. When it fails, and when ctx ends, it returns what has been measured until then, beside the error. Errors: ErrUnknown for
// a figure, configs.Errors for a network file, and a network whose spikes are not as many as they have to be.
func Measure(ctx context.Context, opts Options) (*Report, error) {
	chosen, err := choose(opts.Only)
	if err != nil {
		return nil, err
	}
	if opts.WarmUp < 0 {
		opts.WarmUp = DefaultWarmUp
	}
	if opts.Progress == nil {
		opts.Progress = func(string, float64) {}
	}
	b := &bench{ctx: ctx, opts: opts, report: &Report{Format: Format, Version: opts.Version, Machine: thisMachine()}}
	if opts.Net != "" {
		return b.report, b.file(opts.Net)
	}
	for _, f := range chosen {
		if err := f.measure(b); err != nil {
			return b.report, fmt.Errorf("bench: %s: %w", f.Name, err)
		}
	}
	return b.report, nil
}

func choose(names []string) ([]Figure, error) {
	if len(names) == 0 {
		return figures, nil
	}
	var known []string
	for _, f := range figures {
		known = append(known, f.Name)
	}
	for _, name := range names {
		if !slices.Contains(known, name) {
			return nil, fmt.Errorf("figure %q: expected some of %s: %w", name, strings.Join(known, ", "), ErrUnknown)
		}
	}
	return slices.DeleteFunc(slices.Clone(figures), func(f Figure) bool { return !slices.Contains(names, f.Name) }), nil
}

// A setup is a benchmark network, what is changed about it and what is known about the result.
type setup struct {
	network string
	recipe  recipe
	vary    func(*Network)
	workers int // 0: one, without a crew
	steps   int
	spikes  uint64        // in these steps after the default warm-up; 0: not known
	target  float64       // ns per event
	budget  time.Duration // of timing it; 0: runBudget
}

// setups are the runs by name. Their spikes have been counted by programs that have nothing in common with the engine: the static and
// sparse ones by a kernel that steps a clock, the others by the model's rules written down synapse by synapse.
var setups = map[string]setup{
	"static/a":  {network: "a", steps: 4_000, spikes: 39_734, target: 2.5},
	"static/b":  {network: "b", steps: 4_000, spikes: 414_564, target: 2.8},
	"static/c":  {network: "c", steps: 200_000, spikes: 84_571, target: 13},
	"static/d":  {network: "d", steps: 400, spikes: 426_637},
	"workers/d": {network: "d", workers: 2, steps: 400, spikes: 426_637},
	"sparse/a":  {network: "a", vary: sparse, steps: 4_000, spikes: 8_143},
	"sparse/b":  {network: "b", vary: sparse, steps: 4_000, spikes: 85_753},
	"stdp/a":    {network: "a", vary: stdp, steps: 4_000, spikes: 37_828, target: 16},
	"stdp/b":    {network: "b", vary: stdp, steps: 1_000, spikes: 99_534, target: 45},
	"plastic/a": {network: "a", vary: plastic, steps: 4_000, spikes: 36_991},
	"plastic/b": {network: "b", vary: plastic, steps: 1_000, spikes: 103_174},
	"delays/a":  {network: "a", vary: manyDelays, steps: 4_000, spikes: 41_115},
	"delays/b":  {network: "b", vary: manyDelays, steps: 500, spikes: 52_463},
}

func sparse(n *Network) { n.Kicks /= 5 }

// learning is a rule that changes weights all the time and leaves the network about as active as without it: what an arrival before
// a spike gives, unpaired arrivals and those after a spike take.
var learning = core.Plastic{
	Window:    20_000,
	ShortTerm: core.ShortTerm{Rate: 0.1, Unpaired: 0.03, Recovery: 1, Max: 1},
	LongTerm:  core.LongTerm{Rate: 0.01, Depression: 0.015},
	Max:       5,
}

func plastic(n *Network) { learns(n, &learning) }

// stdp leaves the short-term part out: what the other engines' plastic synapses do.
func stdp(n *Network) {
	rule := learning
	rule.ShortTerm = core.ShortTerm{}
	learns(n, &rule)
}

func learns(n *Network, rule *core.Plastic) {
	for i := range n.Synapses {
		if s := &n.Synapses[i]; s.Weight > 0 {
			s.Plastic = rule
		}
	}
}

func manyDelays(n *Network) { distinctDelays(10_000)(n) }

// distinctDelays gives each synapse one of so many delays, at random, evenly spread over 10 ms.
func distinctDelays(count int) func(*Network) {
	return func(n *Network) {
		random := splitmix64.Random(2)
		for i := range n.Synapses {
			n.Synapses[i].Delay = core.Tick(1+random.Next()%uint64(count)) * 10 * step / core.Tick(count)
		}
	}
}

// bench is one run of all that was chosen.
type bench struct {
	ctx    context.Context
	opts   Options
	report *Report

	perNeuron float64        // bytes, once it has been measured
	measured  map[string]Run // by name: growth shares some with the others
}

// runs measures some of the setups.
func (b *bench) runs(names ...string) error {
	for _, name := range names {
		r, err := b.setup(name)
		if err != nil {
			return err
		}
		if r != nil {
			if r.Name == "static/d" { // at least half the rate of b is asked of it
				r.Target = 2 * b.measured["static/b"].NsPerEvent
			}
			if r.Name == "workers/d" { // at least 1.6 times the rate of one
				r.Target = b.measured["static/d"].NsPerEvent / 1.6
			}
			b.report.Runs = append(b.report.Runs, *r)
		}
	}
	return nil
}

// bytesToBuild is what a synapse may take while a network is built, its description and garbage included.
const bytesToBuild = 300

// tooLarge returns why a network cannot be measured on this machine, or "".
func tooLarge(r recipe) string {
	needed := uint64(r.neurons) * uint64(r.fanOut) * bytesToBuild
	if needed > math.MaxInt {
		return "it needs a 64-bit system"
	}
	if memory, known := availableMemory(); known && memory < needed {
		return fmt.Sprintf("it needs %d MB of free memory, %d MB are there", needed>>20, memory>>20)
	}
	return ""
}

// setup measures one of the setups, or returns nil and leaves a note if this machine is too small for it.
func (b *bench) setup(name string) (*Run, error) {
	if r, known := b.measured[name]; known {
		return &r, nil
	}
	s := setups[name]
	s.recipe = recipes[s.network]
	if note := tooLarge(s.recipe); note != "" {
		if note = name + " was not measured: " + note; !slices.Contains(b.report.Notes, note) {
			b.report.Notes = append(b.report.Notes, note)
		}
		return nil, nil
	}
	r, err := b.measure(name, s)
	if err != nil {
		return nil, err
	}
	if b.measured == nil {
		b.measured = map[string]Run{}
	}
	b.measured[name] = *r
	return r, nil
}

// measure draws, builds and times a network.
func (b *bench) measure(name string, s setup) (*Run, error) {
	return b.time(name, s, func() (*Network, error) { return s.draw(), nil })
}

func (s *setup) draw() *Network {
	n := s.recipe.generate(s.network)
	if s.vary != nil {
		s.vary(n)
	}
	return n
}

func (b *bench) file(name string) error {
	s := setup{network: name, steps: defaultSteps, workers: b.opts.Workers}
	r, err := b.time("net", s, func() (*Network, error) {
		f, err := files.Open(name)
		if err != nil {
			return nil, configs.Errors{{Source: name, Message: err.Error()}}
		}
		defer f.Close()
		return ReadNetwork(name, f)
	})
	if err != nil {
		return err
	}
	b.report.Runs = append(b.report.Runs, *r)
	return nil
}

func (b *bench) time(name string, s setup, network func() (*Network, error)) (*Run, error) {
	progress := func(share float64) { b.opts.Progress(name, share) }
	progress(0)
	perNeuron, err := b.bytesPerNeuron()
	if err != nil {
		return nil, err
	}
	p := plan{warmup: b.opts.WarmUp, steps: s.steps, spikes: s.spikes, budget: cmp.Or(s.budget, runBudget)}
	if b.opts.Steps > 0 {
		p.steps, p.budget = b.opts.Steps, 0 // these and no more
	}
	if p.steps != s.steps || p.warmup != DefaultWarmUp {
		p.spikes = 0 // known for these steps only
	}
	with := singleCore
	if s.workers > 0 {
		with = crew(s.workers)
	}
	built, err := b.build(network, with)
	if err != nil {
		return nil, err
	}
	defer built.load.close()
	t, err := built.load.time(b.ctx, p, progress)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	r := built.run
	r.Name, r.Network, r.Workers = name, s.network, max(1, s.workers)
	r.WarmUp, r.Steps, r.Spikes, r.Events, r.Checked, r.Target = p.warmup, p.steps, t.spikes, t.events, p.spikes != 0, s.target
	r.RateHz = float64(t.spikes) / float64(r.Neurons) / (float64(p.steps) * stepTime.Seconds())
	r.NsPerEvent, r.NsPerEventLow, r.NsPerEventHigh = t.perEvent.median, t.perEvent.low, t.perEvent.high
	if r.NsPerEvent > 0 {
		r.EventsPerSecond = 1e9 / r.NsPerEvent
	}
	r.UsPerStep = t.perStep.median / 1e3
	if t.perStep.median > 0 { // a coarse clock may see no time pass in a few steps
		r.RealTime = float64(stepTime) / t.perStep.median
	}
	r.AllocationsPerStep = t.allocations
	if r.Synapses > 0 {
		r.BytesPerSynapse = max(0, float64(built.bytes)-perNeuron*float64(r.Neurons)) / float64(r.Synapses)
	}
	return &r, nil
}

// built is a network that is ready to run, and what is known of it.
type built struct {
	load  *load
	bytes uint64 // that it takes
	run   Run    // the sizes are filled in
}

// build makes a network, looks how large it is and drops the description. It returns early when ctx ends; what is being built then is
// left to the end of the process, because nothing interrupts it.
func (b *bench) build(network func() (*Network, error), with maker) (*built, error) {
	type result struct {
		*built
		error
	}
	done := make(chan result, 1)
	go func() {
		made, err := buildNow(network, with)
		done <- result{made, err}
	}()
	select {
	case r := <-done:
		return r.built, r.error
	case <-b.ctx.Done():
		return nil, b.ctx.Err()
	}
}

func buildNow(network func() (*Network, error), with maker) (*built, error) {
	before := heap()
	n, err := network()
	if err != nil {
		return nil, err
	}
	delays := map[core.Tick]struct{}{}
	for i := range n.Synapses {
		delays[n.Synapses[i].Delay] = struct{}{}
	}
	made := &built{run: Run{Neurons: n.Neurons, Synapses: len(n.Synapses), Delays: len(delays), Kicks: n.Kicks}}
	start := time.Now()
	if made.load, err = newLoad(n, with); err != nil {
		return nil, err
	}
	made.run.BuildSeconds = time.Since(start).Seconds()
	n, delays = nil, nil
	if after := heap(); after > before {
		made.bytes = after - before
	}
	return made, nil
}

// bytesPerNeuron measures a network without synapses, once.
func (b *bench) bytesPerNeuron() (float64, error) {
	if b.perNeuron > 0 {
		return b.perNeuron, nil
	}
	const neurons = 20_000
	made, err := b.build(func() (*Network, error) { return recipe{neurons: neurons}.generate("without synapses"), nil }, singleCore)
	if err != nil {
		return 0, err
	}
	b.perNeuron = float64(made.bytes) / neurons
	return b.perNeuron, nil
}

func (b *bench) memory() error {
	b.opts.Progress("memory", 0)
	perNeuron, err := b.bytesPerNeuron()
	if err != nil {
		return err
	}
	m := &Memory{BytesPerNeuron: perNeuron, TargetBytesPerNeuron: 96, TargetBytesPerStatic: 12, TargetBytesPerPlastic: 32}
	for i, into := range []*float64{&m.BytesPerStatic, &m.BytesPerPlastic} {
		made, err := b.build(func() (*Network, error) {
			n := recipe{neurons: 5_000, fanOut: 100, seed: 1}.generate("of one kind")
			for j := range n.Synapses {
				if i == 1 {
					n.Synapses[j].Weight, n.Synapses[j].Plastic = 1, &learning
				}
			}
			return n, nil
		}, singleCore)
		if err != nil {
			return err
		}
		*into = (float64(made.bytes) - perNeuron*float64(made.run.Neurons)) / float64(made.run.Synapses)
		b.opts.Progress("memory", float64(i+1)/2)
	}
	b.report.Memory = m
	return nil
}

// idleTargets are in us per step.
var idleTargets = map[string]float64{"a": 0.05, "b": 0.44}

func (b *bench) idle() error {
	for _, name := range []string{"a", "b"} {
		b.opts.Progress("idle/"+name, 0)
		made, err := b.build(func() (*Network, error) { return recipes[name].generate(name), nil }, singleCore)
		if err != nil {
			return err
		}
		l := made.load
		for i, ran := range []bool{false, true} {
			if ran {
				if err := l.inChunks(b.ctx, DefaultWarmUp, func(int) {}, nil); err != nil {
					return err
				}
			}
			perStep, err := b.silence(l)
			if err != nil {
				return err
			}
			b.report.Idle = append(b.report.Idle, Idle{Network: name, Ran: ran, UsPerStep: perStep, Target: idleTargets[name]})
			b.opts.Progress("idle/"+name, float64(i+1)/2)
		}
	}
	return nil
}

// silence takes away the drive, waits until the network has fallen silent and times what its steps cost then, in us.
func (b *bench) silence(l *load) (float64, error) {
	kicks := l.kicks
	defer func() { l.kicks = kicks }()
	if err := b.fallSilent(l); err != nil {
		return 0, err
	}
	t, err := l.time(b.ctx, plan{steps: 1_000_000}, func(float64) {})
	return t.perStep.median / 1e3, err
}

// fallSilent takes away the drive and takes steps until nothing is due any more.
func (b *bench) fallSilent(l *load) error {
	l.kicks = 0
	const patience = 100 // times 100 steps
	for range patience {
		if _, due := l.engine.Next(); !due {
			return nil
		}
		if err := cmp.Or(b.ctx.Err(), l.run(100)); err != nil {
			return err
		}
	}
	return fmt.Errorf("still spikes after %d ms without drive", patience*100)
}

// millionNeurons are silent unless something reaches them.
var millionNeurons = recipe{neurons: 1_000_000, fanOut: 1, seed: 1}

func (b *bench) silent() error {
	b.opts.Progress("silent", 0)
	made, err := b.build(func() (*Network, error) { return millionNeurons.generate("silent"), nil }, singleCore)
	if err != nil {
		return err
	}
	s := &Silent{Neurons: made.run.Neurons, Synapses: made.run.Synapses, BuildSeconds: made.run.BuildSeconds, Bytes: made.bytes}
	if s.UsPerStep, err = b.silence(made.load); err != nil {
		return err
	}
	if _, due := made.load.engine.Next(); due {
		s.Wakeups++
	}
	b.report.Silent = s
	b.opts.Progress("silent", 1)
	return nil
}

// growthBudget is how long a point of the growth is timed.
const growthBudget = 150 * time.Millisecond

// growth varies one thing at a time about network a.
func (b *bench) growth() error {
	known := map[int]string{recipes["a"].neurons: "static/a", recipes["b"].neurons: "static/b", recipes["d"].neurons: "static/d"}
	for _, neurons := range []int{100, 300, 1_000, 3_000, 10_000, 100_000} {
		var r *Run
		var err error
		if name := known[neurons]; name != "" {
			r, err = b.setup(name)
		} else {
			r, err = b.measure(fmt.Sprintf("growth/neurons=%d", neurons), growing(recipe{neurons, min(100, neurons-1), 1}, nil))
		}
		if err != nil {
			return err
		}
		if r != nil {
			b.grew("neurons", float64(neurons), r)
		}
	}
	for _, fanOut := range []int{1, 3, 10, 30, 100, 300, 900} {
		r, err := b.measure(fmt.Sprintf("growth/synapses=%d", fanOut), growing(recipe{recipes["a"].neurons, fanOut, 1}, nil))
		if err != nil {
			return err
		}
		b.grew("synapses_per_neuron", float64(fanOut), r)
	}
	for _, kicks := range []int{2, 5, 10, 20, 50, 100, 200} {
		r, err := b.measure(fmt.Sprintf("growth/kicks=%d", kicks), growing(recipes["a"], func(n *Network) { n.Kicks = kicks }))
		if err != nil {
			return err
		}
		b.grew("rate_hz", r.RateHz, r)
	}
	for _, delays := range []int{1, 10, 100, 1_000, 10_000} {
		r, err := b.measure(fmt.Sprintf("growth/delays=%d", delays), growing(recipes["a"], distinctDelays(delays)))
		if err != nil {
			return err
		}
		b.grew("distinct_delays", float64(delays), r)
	}
	return nil
}

func growing(r recipe, vary func(*Network)) setup {
	return setup{recipe: r, vary: vary, steps: 500, budget: growthBudget}
}

func (b *bench) grew(axis string, value float64, r *Run) {
	b.report.Growth = append(b.report.Growth, Growth{Axis: axis, Value: value, Neurons: r.Neurons, Synapses: r.Synapses, RateHz: r.RateHz,
		NsPerEvent: r.NsPerEvent, UsPerStep: r.UsPerStep, BytesPerSynapse: r.BytesPerSynapse})
}
