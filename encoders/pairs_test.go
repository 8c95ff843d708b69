package encoders

import (
	"testing"
	"time"

	"periph.io/x/conn/v3/physic"

	"fluxd/core"
)

// A pair is an encoder and the decoder that inverts it, with nothing between them.
type pair struct {
	encode Encoder
	decode Decoder
	input  func(Arrival) int // of the decoder, for a spike
	settle core.Tick         // how long after a change of the reading the command may be another one
	within int64             // largest difference of the command from the reading, in millionths of the range
}

func same(Arrival) int { return 0 }

func numbered(a Arrival) int { return int(a.Input) }

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// Each decoder gives back, as a part of full scale, what its encoder was given as a part of its range: 0 to 1,000.
func TestPairsGiveBackTheReading(t *testing.T) {
	const every, ms = 5 * time.Millisecond, time.Millisecond
	for name, open := range map[string]func() pair{
		"rate, count": func() pair {
			return pair{must(NewRate(&RateOpts{Range: span(0, 1000), Max: physic.KiloHertz, Every: every})),
				must(NewCount(&CountOpts{Full: physic.KiloHertz, Window: 100 * ms})), same, 100_000, 11_000}
		},
		"isi, isi": func() pair {
			return pair{must(NewISI(&ISIOpts{Range: span(0, 1000), Intervals: [2]time.Duration{50 * ms, 5 * ms}, Every: every})),
				must(NewISIDecoder(&ISIDecoderOpts{Intervals: [2]time.Duration{50 * ms, 5 * ms}, Commands: [2]Command{0, FullScale}})),
				same, 105_000, 100}
		},
		"isi, isi, the longer the more": func() pair {
			return pair{must(NewISI(&ISIOpts{Range: span(0, 1000), Intervals: [2]time.Duration{5 * ms, 50 * ms}, Every: every})),
				must(NewISIDecoder(&ISIDecoderOpts{Intervals: [2]time.Duration{5 * ms, 50 * ms}, Commands: [2]Command{0, FullScale}})),
				same, 105_000, 100}
		},
		"population, population-vector": func() pair {
			return pair{must(NewPopulation(&PopulationOpts{Range: span(0, 1000), Places: "linear", Strength: "rate",
				Max: physic.KiloHertz, Every: every, Inputs: 5})),
				must(NewPopulationVector(&PopulationVectorOpts{Window: 100 * ms, Population: "p", Members: make([]string, 5),
					Commands: &[2]Command{0, FullScale}})), numbered, 100_000, 5_000}
		},
		"step-forward, trace": func() pair {
			return pair{must(NewStepForward(&StepForwardOpts{Step: Amount{Micro: 20}, Change: "split", Inputs: 2})),
				must(NewTrace(&TraceOpts{Step: 20_000})), numbered, 250_000, 20_000}
		},
		"delta, trace": func() pair {
			return pair{must(NewDelta(&DeltaOpts{Step: Amount{Micro: 20}, Change: "split", Inputs: 2})),
				must(NewTrace(&TraceOpts{Step: 20_000})), numbered, 0, 20_000}
		},
	} {
		p := open()
		changed, last := core.Tick(0), int64(0)
		var waiting []Arrival
		for at := core.Tick(0); at < 20_000_000; at += core.Tick(every.Microseconds()) {
			reading := int64(at) / 1_000_000 * 370 % 1001 // another one each second
			if at < 1_000_000 {
				reading = 0 // codes of change begin at 0
			}
			if reading != last {
				changed, last = at, reading
			}
			waiting = p.encode.Encode(at, reading, waiting)
			for len(waiting) > 0 && waiting[0].At < at+core.Tick(every.Microseconds()) {
				p.decode.Spike(waiting[0].At, p.input(waiting[0]))
				waiting = waiting[1:]
			}
			end := at + core.Tick(every.Microseconds()) - 1
			p.decode.Advance(end)
			if end-changed < p.settle || at < 500_000 {
				continue
			}
			got, ok := p.decode.Command()
			if want := reading * 1000; !ok || max(got-want, want-got) > p.within {
				t.Errorf("%s: at %d: %d %v, want %d to %d", name, end, got, ok, want, p.within)
				break
			}
		}
	}
}
