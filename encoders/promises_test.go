package encoders_test

import (
	"math"
	"reflect"
	"slices"
	"testing"

	"periph.io/x/conn/v3/physic"
	"pgregory.net/rapid"

	"fluxd/core"
	"fluxd/encoders"
)

// This file holds what all codes promise.

// someOptions returns options of a kind that are valid for three neurons and a reading every 20 ms, or two if it splits changes.
func someOptions(t testing.TB, k encoders.EncoderKind) (opts encoders.EncoderOptions, neurons int) {
	opts, neurons = k.New(), 3
	setRequired(t, k.Name, opts)
	switch o := opts.(type) {
	case *encoders.ThresholdOpts:
		o.Above = level(50)
	case *encoders.RateOpts:
		o.Max = 300 * physic.Hertz
	case *encoders.PoissonOpts:
		o.Max = 300 * physic.Hertz
	case *encoders.PopulationOpts:
		o.Max = 300 * physic.Hertz
	case *encoders.DeltaOpts:
		o.Change, neurons = "split", 2
	case *encoders.StepForwardOpts:
		o.Change, neurons = "split", 2
	case *encoders.MovingWindowOpts:
		o.Change, neurons = "split", 2
	}
	if spreading, is := opts.(encoders.Spreading); is {
		spreading.Spread(neurons)
	}
	return opts, neurons
}

func someEncoder(t testing.TB, k encoders.EncoderKind) (e encoders.Encoder, neurons int) {
	opts, neurons := someOptions(t, k)
	e, err := opts.Open(20 * ms)
	if err != nil {
		t.Fatalf("%s: %v", k.Name, err)
	}
	return e, neurons
}

// Whatever a sensor reads and whenever, spikes are never before their reading nor for a neuron that is not there, and there are
// at most MostSpikes. The same readings have the same spikes, and another encoder can go on at any time as the one before would.
func TestPromisesOfAllCodes(t *testing.T) {
	for _, k := range encoders.EncoderKinds {
		t.Run(k.Name, func(t *testing.T) {
			rapid.Check(t, func(rt *rapid.T) {
				e, neurons := someEncoder(t, k)
				again, _ := someEncoder(t, k)
				at := core.Tick(rapid.Int64Range(0, 1e12).Draw(rt, "start"))
				readings := rapid.OneOf(rapid.Int64Range(-20, 120), rapid.SampledFrom([]int64{math.MinInt64, math.MaxInt64}))
				for range rapid.IntRange(1, 40).Draw(rt, "readings") {
					reading := readings.Draw(rt, "reading")
					spikes := e.Encode(at, reading, nil)
					if len(spikes) > encoders.MostSpikes {
						rt.Errorf("%d spikes", len(spikes))
					}
					for _, s := range spikes {
						if s.At < at || s.Input < encoders.All || s.Input >= neurons {
							rt.Fatalf("%d at %d: %+v", reading, at, s)
						}
					}
					if _, random := e.(*encoders.Poisson); !random && rapid.Bool().Draw(rt, "resume") {
						before := again
						again, _ = someEncoder(t, k)
						again.Resume(before)
					}
					if other := again.Encode(at, reading, nil); !slices.Equal(spikes, other) {
						rt.Fatalf("%d at %d: spikes %v, and %v", reading, at, spikes, other)
					}
					at += core.Tick(rapid.OneOf(rapid.Just(int64(20_000)), rapid.Int64Range(1, 100_000)).Draw(rt, "pause"))
				}
			})
		})
	}
}

// An encoder of another kind is ignored.
func TestNoCodeResumesAnother(t *testing.T) {
	for i, k := range encoders.EncoderKinds {
		fresh, _ := someEncoder(t, k)
		e, _ := someEncoder(t, k)
		other, _ := someEncoder(t, encoders.EncoderKinds[(i+1)%len(encoders.EncoderKinds)])
		for at := range core.Tick(5) {
			other.Encode(at*20_000, int64(at)*30, nil)
		}
		e.Resume(other)
		for at := core.Tick(5); at < 20; at++ {
			if got, want := e.Encode(at*20_000, int64(at)*5, nil), fresh.Encode(at*20_000, int64(at)*5, nil); !slices.Equal(got, want) {
				t.Errorf("%s after %T: %v, want %v", k.Name, other, got, want)
			}
		}
	}
}

// Opening an encoder changes no options, so they can be opened again, with other values.
func TestOpeningChangesNoOptions(t *testing.T) {
	for _, k := range encoders.EncoderKinds {
		opts, _ := someOptions(t, k)
		before := reflect.ValueOf(opts).Elem().Interface()
		if _, err := opts.Open(20 * ms); err != nil {
			t.Fatal(err)
		}
		if after := reflect.ValueOf(opts).Elem().Interface(); !reflect.DeepEqual(before, after) {
			t.Errorf("%s: %+v, before %+v", k.Name, after, before)
		}
	}
}

// No code allocates memory for a reading, once its buffer has grown.
func TestNoCodeAllocates(t *testing.T) {
	for _, k := range encoders.EncoderKinds {
		e, _ := someEncoder(t, k)
		buffer, at, reading := make([]encoders.Arrival, 0, 2000), core.Tick(0), int64(0)
		if n := testing.AllocsPerRun(1000, func() {
			buffer = e.Encode(at, reading, buffer[:0])
			at += 20_000
			reading = (reading + 37) % 110
		}); n != 0 {
			t.Errorf("%s: %g allocations a reading", k.Name, n)
		}
	}
}
