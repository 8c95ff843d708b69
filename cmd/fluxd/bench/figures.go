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

// ErrUnknown means that there is no figure or network of the given name.
var ErrUnknown = errors.New("unknown")

// Options say what Measure measures.
type Options struct {
	Version string   // of fluxd, for the report
	Only    []string // names of Figures; none: all
	Net     string   // a file with a network as text: measure only this one
	Workers int      // processors for it; 0: one
	Steps   int      // timed steps of each run; 0: the number for which the spikes are known
	WarmUp  int      // steps of each run before them; negative: DefaultWarmUp
	// Progress is called now and then with the figure under way and the share of it that is done, from 0 to 1. It may be nil.
	Progress func(figure string, share float64)
}

// DefaultWarmUp is how many steps a network runs before it is timed. By then its activity is steady.
const DefaultWarmUp = 500

// defaultSteps are the timed steps of a network from a file.
const defaultSteps = 4000

// runBudget is how long a network is timed: long enough for a steady median, short enough for all figures to take about a minute.
const runBudget = 400 * time.Millisecond

// A Figure is one thing that Measure can measure.
type Figure struct {
	Name, About string
	measure     func(*bench) error
}

// Figures lists all figures in the order in which Measure measures them.
func Figures() []Figure { return slices.Clone(figures) }

var figures = []Figure{
	{"a", "1,000 neurons with 100 synapses each", func(b *bench) error { return b.runs("static/a") }},
	{"b", "10,000 neurons with 100 synapses each", func(b *bench) error { return b.runs("static/b") }},
	{"c", "50 neurons with 8 synapses each: the size of a robot's network", func(b *bench) error { return b.runs("static/c") }},
	{"d", "100,000 neurons with 100 synapses each", func(b *bench) error { return b.runs("static/d") }},
	{"workers", "d on two processors", func(b *bench) error { return b.runs("workers/d") }},
	{"sparse", "a and b with a fifth of the inputs", func(b *bench) error { return b.runs("sparse/a", "sparse/b") }},
	{"leaky", "a, b and c with leak and refractory period, and twice the inputs", func(b *bench) error {
		return b.runs("leaky/a", "leaky/b", "leaky/c")
	}},
	{"plastic", "a and b, every excitatory synapse plastic: long-term part alone (STDP), then both parts", func(b *bench) error {
		return b.runs("stdp/a", "stdp/b", "plastic/a", "plastic/b")
	}},
	{"delays", "a and b, every synapse with a separate delay, 1 us to 10 ms",
		func(b *bench) error { return b.runs("delays/a", "delays/b") }},
	{"idle", "a and b without inputs", (*bench).idle},
	{"silent", "a million neurons without spikes", (*bench).silent},
	{"memory", "bytes per neuron and per synapse", (*bench).memory},
	{"reflex", "from an edge to the actuator's write, compared with a bare channel", (*bench).reflex},
	{"robot", "the start of a robot, and a robot at rest", (*bench).robot},
	{"growth", "cost by number of neurons, of synapses, of spikes and of distinct delays", (*bench).growth},
}

// Measure measures the chosen figures. When it fails, or when ctx ends, it returns the figures measured so far with the error.
// Errors: ErrUnknown for a figure, configs.Errors for a network file, and a network that fires another number of spikes than is
// known.
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

// A setup is one run: a benchmark network, how it is varied, and what is known about the result.
type setup struct {
	network string
	recipe  recipe
	vary    func(*Network)
	workers int // 0: one processor, without a crew
	steps   int
	spikes  uint64        // in these steps after the default warm-up; 0: not known
	target  float64       // ns per event
	budget  time.Duration // for timing it; 0: runBudget
}

// setups are the runs by name. Their spikes were counted by programs that share nothing with the engine: static, sparse and leaky
// ones by a kernel that steps a clock, the others by the rules of the model written down synapse by synapse.
var setups = map[string]setup{
	"static/a":  {network: "a", steps: 4_000, spikes: 39_734, target: 2.5},
	"static/b":  {network: "b", steps: 4_000, spikes: 414_564, target: 2.8},
	"static/c":  {network: "c", steps: 200_000, spikes: 84_571, target: 13},
	"static/d":  {network: "d", steps: 400, spikes: 426_637},
	"leaky/a":   {network: "a", vary: leaky, steps: 4_000, spikes: 46_447},
	"leaky/b":   {network: "b", vary: leaky, steps: 1_000, spikes: 117_513},
	"leaky/c":   {network: "c", vary: leaky, steps: 200_000, spikes: 82_720},
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

// leaky gives every neuron the default leak and a refractory period. With twice the inputs the network is about as active as
// without leak. The default refractory period of 1 ms would have no effect, since arrivals are whole milliseconds apart.
func leaky(n *Network) {
	n.Leak, n.Refractory = 1000, 2*step
	n.Inputs += n.Inputs
}

func sparse(n *Network) { n.Inputs /= 5 }

// learning is a rule that changes weights all the time but leaves the network about as active: arrivals before a spike gain what
// unpaired arrivals and arrivals after a spike lose.
var learning = core.Plastic{
	Window:    20_000,
	ShortTerm: core.ShortTerm{Rate: 0.1, Unpaired: 0.03, Recovery: 1, Max: 1},
	LongTerm:  core.LongTerm{Rate: 0.01, Depression: 0.015},
	Max:       5,
}

func plastic(n *Network) { learns(n, &learning) }

// stdp leaves the short-term part out, as the plastic synapses of other engines do.
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

// distinctDelays gives each synapse one of count delays at random; the delays are evenly spread over 10 ms.
func distinctDelays(count int) func(*Network) {
	return func(n *Network) {
		random := splitmix64.Random(2)
		for i := range n.Synapses {
			n.Synapses[i].Delay = core.Tick(1+random.Next()%uint64(count)) * 10 * step / core.Tick(count)
		}
	}
}

// bench measures the chosen figures.
type bench struct {
	ctx    context.Context
	opts   Options
	report *Report

	perNeuron float64        // bytes; 0 until measured
	measured  map[string]Run // by name: growth uses some again
}

// runs measures setups by name and adds them to the report.
func (b *bench) runs(names ...string) error {
	for _, name := range names {
		r, err := b.setup(name)
		if err != nil {
			return err
		}
		if r != nil {
			if r.Name == "static/d" { // the target is half the rate of b
				r.Target = 2 * b.measured["static/b"].NsPerEvent
			}
			if r.Name == "workers/d" { // the target is 1.6 times the rate of one processor
				r.Target = b.measured["static/d"].NsPerEvent / 1.6
			}
			b.report.Runs = append(b.report.Runs, *r)
		}
	}
	return nil
}

// bytesToBuild is the memory that building takes for each synapse, with its description and garbage.
const bytesToBuild = 300

// tooLarge returns why a network cannot be measured on this machine, or "".
func tooLarge(r recipe) string {
	needed := uint64(r.neurons) * uint64(r.fanOut) * bytesToBuild
	if needed > math.MaxInt {
		return "it needs a 64-bit system"
	}
	if memory, known := availableMemory(); known && memory < needed {
		return fmt.Sprintf("it needs %d MB of free memory, and %d MB are free", needed>>20, memory>>20)
	}
	return ""
}

// setup measures one of the setups. If this machine is too small for it, it returns nil and adds a remark to the report.
func (b *bench) setup(name string) (*Run, error) {
	if r, known := b.measured[name]; known {
		return &r, nil
	}
	s := setups[name]
	s.recipe = recipes[s.network]
	if remark := tooLarge(s.recipe); remark != "" {
		if remark = name + " was not measured: " + remark; !slices.Contains(b.report.Remarks, remark) {
			b.report.Remarks = append(b.report.Remarks, remark)
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
		p.steps, p.budget = b.opts.Steps, 0 // only these
	}
	if p.steps != s.steps || p.warmup != DefaultWarmUp {
		p.spikes = 0 // the count is known for other steps
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
	if t.perStep.median > 0 { // a coarse clock may show no time for a few steps
		r.RealTime = float64(stepTime) / t.perStep.median
	}
	r.AllocationsPerStep = t.allocations
	if r.Synapses > 0 {
		r.BytesPerSynapse = max(0, float64(built.bytes)-perNeuron*float64(r.Neurons)) / float64(r.Synapses)
	}
	return &r, nil
}

// built is a network that is ready to run, with its size.
type built struct {
	load  *load
	bytes uint64 // of memory
	run   Run    // with sizes and build time only
}

// build makes a network, measures its size and drops the description. It returns early when ctx ends. Nothing interrupts a build,
// so one that is under way then goes on until the process ends.
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
	made := &built{run: Run{Neurons: n.Neurons, Synapses: len(n.Synapses), Delays: len(delays), Inputs: n.Inputs}}
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

// bytesPerNeuron returns the memory of a neuron, measured once in a network without synapses.
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
	m := &Memory{BytesPerNeuron: perNeuron, TargetBytesPerNeuron: 96, TargetBytesPerStatic: 12, TargetBytesPerPlastic: 32,
		TargetBytesPerLongTerm: 16}
	kinds := []*float64{&m.BytesPerStatic, &m.BytesPerPlastic, &m.BytesPerLongTerm}
	for i, into := range kinds {
		made, err := b.build(func() (*Network, error) {
			n := recipe{neurons: 5_000, fanOut: 100, seed: 1}.generate("of one kind")
			for j := range n.Synapses {
				if i > 0 {
					n.Synapses[j].Weight = 1
				}
			}
			switch i {
			case 1:
				plastic(n)
			case 2:
				stdp(n)
			}
			return n, nil
		}, singleCore)
		if err != nil {
			return err
		}
		*into = (float64(made.bytes) - perNeuron*float64(made.run.Neurons)) / float64(made.run.Synapses)
		b.opts.Progress("memory", float64(i+1)/float64(len(kinds)))
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

// silence stops the inputs, waits until the network is silent, and returns what a step costs then, in us.
func (b *bench) silence(l *load) (float64, error) {
	inputs := l.inputs
	defer func() { l.inputs = inputs }()
	if err := b.fallSilent(l); err != nil {
		return 0, err
	}
	t, err := l.time(b.ctx, plan{steps: 1_000_000}, func(float64) {})
	return t.perStep.median / 1e3, err
}

// fallSilent stops the inputs and runs steps until nothing is due any more.
func (b *bench) fallSilent(l *load) error {
	l.inputs = 0
	const patience = 100 // times 100 steps
	for range patience {
		if _, due := l.engine.Next(); !due {
			return nil
		}
		if err := cmp.Or(b.ctx.Err(), l.run(100)); err != nil {
			return err
		}
	}
	return fmt.Errorf("still spikes after %d ms without inputs", patience*100)
}

// millionNeurons is a network that is silent without inputs.
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

// growthBudget is how long each point of the growth is timed.
const growthBudget = 150 * time.Millisecond

// growth varies network a in one property at a time. The point of each curve that is network a itself is measured once.
func (b *bench) growth() error {
	known := map[int]string{recipes["a"].neurons: "static/a", recipes["b"].neurons: "static/b", recipes["d"].neurons: "static/d"}
	for _, neurons := range []int{100, 300, 1_000, 3_000, 10_000, 100_000} {
		name := known[neurons]
		if name == "" {
			name = fmt.Sprintf("growth/neurons=%d", neurons)
		}
		if err := b.point("neurons", neurons, name, growing(recipe{neurons, min(100, neurons-1), 1}, nil)); err != nil {
			return err
		}
	}
	for _, fanOut := range []int{1, 3, 10, 30, 100, 300, 900} {
		name := fmt.Sprintf("growth/synapses=%d", fanOut)
		if fanOut == recipes["a"].fanOut {
			name = "static/a"
		}
		if err := b.point("synapses_per_neuron", fanOut, name, growing(recipe{recipes["a"].neurons, fanOut, 1}, nil)); err != nil {
			return err
		}
	}
	for _, inputs := range []int{2, 5, 10, 20, 50, 100, 200} {
		name := fmt.Sprintf("growth/inputs=%d", inputs)
		if inputs == recipes["a"].network("a").Inputs {
			name = "static/a"
		}
		if err := b.point("rate_hz", 0, name, growing(recipes["a"], func(n *Network) { n.Inputs = inputs })); err != nil {
			return err
		}
	}
	for _, delays := range []int{1, 10, 100, 1_000, 10_000} {
		name := fmt.Sprintf("growth/delays=%d", delays)
		if delays == 10 {
			name = "static/a"
		}
		if err := b.point("distinct_delays", delays, name, growing(recipes["a"], distinctDelays(delays))); err != nil {
			return err
		}
	}
	return nil
}

// point measures one point of the growth: one of the setups, or the given one. A value of 0 stands for the measured rate.
func (b *bench) point(axis string, value int, name string, other setup) error {
	var r *Run
	var err error
	if _, known := setups[name]; known {
		r, err = b.setup(name)
	} else {
		r, err = b.measure(name, other)
	}
	if err != nil || r == nil { // nil: too large for this machine
		return err
	}
	g := Growth{Axis: axis, Value: float64(value), Neurons: r.Neurons, Synapses: r.Synapses, RateHz: r.RateHz,
		NsPerEvent: r.NsPerEvent, UsPerStep: r.UsPerStep, BytesPerSynapse: r.BytesPerSynapse}
	if value == 0 {
		g.Value = r.RateHz
	}
	b.report.Growth = append(b.report.Growth, g)
	return nil
}

func growing(r recipe, vary func(*Network)) setup {
	return setup{recipe: r, vary: vary, steps: 500, budget: growthBudget}
}
