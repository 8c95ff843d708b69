package bench

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// The same networks, drive and engine as "fluxd bench", for benchstat. An operation is a hundred steps, a tenth of a simulated
// second.
const stepsPerOperation = 100

func BenchmarkStatic(b *testing.B)  { benchmarkRuns(b, "static", "a", "b", "c", "d") }
func BenchmarkSparse(b *testing.B)  { benchmarkRuns(b, "sparse", "a", "b") }
func BenchmarkPlastic(b *testing.B) { benchmarkRuns(b, "plastic", "a", "b") }

func BenchmarkSTDP(b *testing.B)   { benchmarkRuns(b, "stdp", "a", "b") }
func BenchmarkDelays(b *testing.B) { benchmarkRuns(b, "delays", "a", "b") }

func benchmarkRuns(b *testing.B, variant string, networks ...string) {
	for _, network := range networks {
		b.Run("net="+network, func(b *testing.B) {
			s := setups[variant+"/"+network]
			s.recipe = recipes[network]
			if why := tooLarge(s.recipe); why != "" {
				b.Skip(why)
			}
			benchmarkLoad(b, s)
		})
	}
}

func BenchmarkDistinctDelays(b *testing.B) {
	for _, delays := range []int{1, 10, 100, 1_000, 10_000} {
		b.Run(fmt.Sprintf("delays=%d", delays), func(b *testing.B) {
			benchmarkLoad(b, growing(recipes["a"], distinctDelays(delays)))
		})
	}
}

func benchmarkLoad(b *testing.B, s setup) {
	n := s.draw()
	l, err := newLoad(n, singleCore)
	if err == nil {
		n.Synapses = nil
		err = l.run(DefaultWarmUp)
	}
	if err != nil {
		b.Fatal(err)
	}
	before := l.engine.Counters().Deliveries
	b.ReportAllocs()
	for b.Loop() {
		if err := l.run(stepsPerOperation); err != nil {
			b.Fatal(err)
		}
	}
	if events := l.engine.Counters().Deliveries - before; events > 0 {
		b.ReportMetric(float64(b.Elapsed())/float64(events), "ns/event")
		b.ReportMetric(float64(events)/b.Elapsed().Seconds(), "events/s")
	}
}

func BenchmarkIdle(b *testing.B) {
	for _, network := range []string{"a", "b"} {
		b.Run("net="+network, func(b *testing.B) { benchmarkSilence(b, recipes[network]) })
	}
}

func BenchmarkSilent(b *testing.B) {
	b.Run("neurons=1000000", func(b *testing.B) { benchmarkSilence(b, millionNeurons) })
}

// benchmarkSilence reports the time of a step instead of an operation's.
func benchmarkSilence(b *testing.B, r recipe) {
	l, err := newLoad(r.generate(""), singleCore)
	if err != nil {
		b.Fatal(err)
	}
	l.inputs = 0
	b.ReportAllocs()
	for b.Loop() {
		if err := l.run(stepsPerOperation); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed())/float64(b.N)/stepsPerOperation, "ns/step")
}

func BenchmarkBuild(b *testing.B) {
	for _, network := range []string{"a", "b", "c", "d"} {
		b.Run("net="+network, func(b *testing.B) {
			if why := tooLarge(recipes[network]); why != "" {
				b.Skip(why)
			}
			description := recipes[network].generate(network).Description()
			b.ReportAllocs()
			for b.Loop() {
				if _, err := singleCore(description); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed())/float64(b.N)/float64(len(description.Synapses)), "ns/synapse")
		})
	}
}

// The number of spikes is that of an engine that shares nothing with this one.
func TestSpikesAreAsManyAsInOtherEngines(t *testing.T) {
	for _, c := range []struct {
		network string
		steps   int
		spikes  uint64
	}{{"a", 200, 1_847}, {"c", 5_000, 2_123}} {
		n := recipes[c.network].generate(c.network)
		for _, wrong := range []uint64{0, 1} {
			l, err := newLoad(n, singleCore)
			if err != nil {
				t.Fatal(err)
			}
			p := plan{warmup: DefaultWarmUp, steps: c.steps, spikes: c.spikes + wrong}
			got, err := l.time(t.Context(), p, func(float64) {})
			refused := err != nil && strings.Contains(err.Error(), "expected exactly")
			if wrong == 0 && (err != nil || got.spikes != c.spikes) || wrong != 0 && !refused {
				t.Errorf("%s, %d steps: %d spikes, %v; expected %d", c.network, c.steps, got.spikes, err, c.spikes+wrong)
			}
			sorted := got.perEvent.low <= got.perEvent.median && got.perEvent.median <= got.perEvent.high
			if got.spikes > 0 && wrong == 0 && !(got.perEvent.low > 0 && sorted) {
				t.Errorf("%s: ns per event %+v", c.network, got.perEvent)
			}
		}
	}
}

// Cut into chunks, a run has exactly its steps, few or many.
func TestChunksAddUp(t *testing.T) {
	l, err := newLoad(recipes["c"].generate("c"), singleCore)
	if err != nil {
		t.Fatal(err)
	}
	for _, steps := range []int{0, 1, chunks - 1, chunks, chunks + 1, 1_000} {
		before, sum := l.at, 0
		record := func(steps int, _ time.Duration, _ uint64) { sum += steps }
		if err := l.inChunks(t.Context(), steps, func(int) {}, record); err != nil {
			t.Fatal(err)
		}
		if sum != steps || int(l.at-before) != steps*int(step) {
			t.Errorf("%d steps: timed %d, took %d", steps, sum, l.at-before)
		}
	}
}

func TestSpread(t *testing.T) {
	if got := spreadOf([]float64{10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0}); got != (spread{1, 5, 9}) {
		t.Errorf("%+v", got)
	}
	if got := spreadOf([]float64{7}); got != (spread{7, 7, 7}) {
		t.Errorf("%+v", got)
	}
}

func TestIdleIsTimedOnceTheNetworkIsSilent(t *testing.T) {
	b := &bench{ctx: t.Context()}
	l, err := newLoad(recipes["c"].generate("c"), singleCore)
	if err != nil {
		t.Fatal(err)
	}
	if err := l.run(100); err != nil {
		t.Fatal(err)
	}
	if err := b.fallSilent(l); err != nil {
		t.Fatal(err)
	}
	if _, due := l.engine.Next(); due || l.inputs != 0 {
		t.Errorf("still something due: %v; %d inputs a step", due, l.inputs)
	}
}

func TestMeasureOneFigure(t *testing.T) {
	var shown []string
	progress := func(figure string, share float64) {
		if !slices.Contains(shown, figure) {
			shown = append(shown, figure)
		}
		if share < 0 || share > 1 {
			t.Errorf("progress %v", share)
		}
	}
	opts := Options{Version: "test", Only: []string{"c"}, Steps: 1_000, WarmUp: -1, Progress: progress}
	report, err := Measure(t.Context(), opts)
	if err != nil {
		t.Fatal(err)
	}
	if len(report.Runs) != 1 || report.Growth != nil || !slices.Equal(shown, []string{"static/c"}) {
		t.Fatalf("%+v, shown %q", report, shown)
	}
	r := report.Runs[0]
	if r.Name != "static/c" || r.Spikes != 433 || r.Checked || r.Steps != 1_000 ||
		r.Neurons != 50 || r.Synapses != 400 || r.Delays != 10 {
		t.Errorf("%+v", r)
	}
	if !(r.Events > 3_400 && r.NsPerEvent > 0 && r.EventsPerSecond > 0 && r.UsPerStep > 0 && r.RealTime > 0) ||
		!(r.BuildSeconds > 0 && r.BytesPerSynapse > 0) {
		t.Errorf("%+v", r)
	}
}

func TestUnknownFigureAndNetwork(t *testing.T) {
	if _, err := Measure(t.Context(), Options{Only: []string{"c", "z"}}); !errors.Is(err, ErrUnknown) ||
		!strings.Contains(err.Error(), `"z"`) {
		t.Error(err)
	}
	if err := WriteNetwork(nil, "z"); !errors.Is(err, ErrUnknown) {
		t.Error(err)
	}
}

// Whatever Measure is doing when ctx ends, it stops and returns the figures measured so far.
func TestCancel(t *testing.T) {
	for _, c := range []struct {
		figure string
		share  float64
		runs   int
	}{{"static/c", 0, 0}, {"static/c", 0.5, 0}, {"idle/a", 0, 1}} {
		ctx, cancel := context.WithCancel(t.Context())
		progress := func(figure string, share float64) {
			if figure == c.figure && share >= c.share {
				cancel()
			}
		}
		report, err := Measure(ctx, Options{Only: []string{"c", "idle"}, Steps: 100, WarmUp: 100, Progress: progress})
		cancel()
		if !errors.Is(err, context.Canceled) || len(report.Runs) != c.runs || report.Idle != nil {
			t.Errorf("at %v of %s: %d runs, %v", c.share, c.figure, len(report.Runs), err)
		}
	}
}
