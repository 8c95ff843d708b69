package encoders

import (
	"math"
	"reflect"
	"testing"
	"time"

	"periph.io/x/conn/v3/physic"
	"pgregory.net/rapid"

	"fluxd/core"
)

// What all decoders have in common. Each kind's own test compares it with a machine that keeps all spikes.

// anyDecoder draws options of any kind, and returns what makes decoders of them, and the number of their inputs.
func anyDecoder(t *rapid.T) (open func() Decoder, inputs int) {
	span := func(name string, least, most int) time.Duration {
		return time.Duration(rapid.IntRange(least, most).Draw(t, name)) * time.Microsecond
	}
	commands := func() [2]Command {
		one := rapid.Map(rapid.Int64Range(-FullScale, FullScale), func(c int64) Command { return Command(c) })
		return [2]Command{one.Draw(t, "from"), one.Draw(t, "to")}
	}
	var opts DecoderOptions
	switch kind := rapid.SampledFrom(DecoderKinds).Draw(t, "kind").New().(type) {
	case *CountOpts:
		*kind = CountOpts{Window: span("window", 1, 5000), Full: 100 * physic.Hertz, Neuron: "a"}
		opts = kind
	case *PushPullOpts:
		*kind = PushPullOpts{Window: span("window", 1, 5000), Full: 100 * physic.Hertz, Forward: "a", Backward: "b"}
		opts = kind
	case *WinnerTakeAllOpts:
		*kind = WinnerTakeAllOpts{Window: span("window", 1, 5000), Choices: choices(1, 2, 3),
			Margin: rapid.IntRange(0, 3).Draw(t, "margin")}
		opts = kind
	case *TraceOpts:
		decay := rapid.SampledFrom([]time.Duration{0, time.Millisecond, 3333 * time.Microsecond, 40 * time.Millisecond,
			2 * time.Second}).Draw(t, "decay")
		*kind = TraceOpts{Decay: decay, Forward: "a", Backward: "b", Step: Share(rapid.IntRange(1, FullScale).Draw(t, "step"))}
		opts = kind
	case *ISIDecoderOpts:
		one := span("interval", 0, 5000)
		*kind = ISIDecoderOpts{Neuron: "a", Intervals: [2]time.Duration{one, one + span("more", 1, 5000)}, Commands: commands()}
		if kind.Silence = 0; rapid.Bool().Draw(t, "falling") {
			kind.Intervals[0], kind.Intervals[1] = kind.Intervals[1], kind.Intervals[0]
		}
		opts = kind
	case *FirstSpikeOpts:
		*kind = FirstSpikeOpts{Window: span("window", 1, 5000), Delay: span("delay", 0, 5000), Start: "a", Neuron: "b",
			Commands: commands()}
		opts = kind
	case *PopulationVectorOpts:
		ends := commands()
		*kind = PopulationVectorOpts{Window: span("window", 1, 5000), Population: "p", Members: []string{"p[0]", "p[1]", "p[2]"},
			Commands: &ends}
		opts = kind
	default:
		t.Fatalf("no options for a %T", kind)
	}
	return func() Decoder {
		d, err := opts.Open()
		if err != nil {
			t.Fatal(err)
		}
		return d
	}, len(opts.Neurons())
}

// expecting returns what compares a decoder's command, which is 0 when it is not known.
func expecting(t *testing.T, d Decoder) func(story string, want int64, wantOK bool) {
	return func(story string, want int64, wantOK bool) {
		t.Helper()
		if got, ok := d.Command(); ok != wantOK || got != want {
			t.Errorf("%s: %d %v, want %d %v", story, got, ok, want, wantOK)
		}
	}
}

// anySpikes draws spikes in the order of time. Each is followed by a time without one.
func anySpikes(t *rapid.T, inputs int) (spikes []windowSpike, end core.Tick) {
	gap := rapid.OneOf(rapid.IntRange(0, 3), rapid.IntRange(0, 900), rapid.IntRange(0, 12_000))
	for range rapid.IntRange(0, 40).Draw(t, "spikes") {
		end += core.Tick(gap.Draw(t, "gap"))
		spikes = append(spikes, windowSpike{at: end, input: int32(rapid.IntRange(0, inputs-1).Draw(t, "input"))})
	}
	return spikes, end + core.Tick(gap.Draw(t, "silence"))
}

// A moment is what a caller sees of a decoder.
type moment struct {
	command int64
	is      bool
	next    core.Tick
	waiting bool
}

func see(d Decoder) (m moment) {
	m.command, m.is = d.Command()
	if m.next, m.waiting = d.Next(); !m.waiting {
		m.next = 0
	}
	if !m.is {
		m.command = 0
	}
	return m
}

// A decoder that is asked all the time has the same commands as one that is asked once, at the end.
func TestDecodersNeedNoPolling(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		open, inputs := anyDecoder(t)
		asked, alone := open(), open()
		spikes, end := anySpikes(t, inputs)
		now := core.Tick(0)
		passes := func(until core.Tick) {
			for now < until {
				now = min(until, now+core.Tick(rapid.IntRange(1, 3000).Draw(t, "pass")))
				asked.Advance(now)
				see(asked)
			}
		}
		for _, s := range spikes {
			passes(s.at - 1) // a tick is judged when all of its spikes are known
			asked.Spike(s.at, int(s.input))
			alone.Spike(s.at, int(s.input))
			now = max(now, s.at)
		}
		passes(end)
		asked.Advance(end)
		alone.Advance(end)
		if got, want := see(asked), see(alone); got != want {
			t.Errorf("asked often %+v, else %+v", got, want)
		}
	})
}

// Nothing happens before Next. Then something may, and Next is later.
func TestNextIsWhenTheCommandChanges(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		open, inputs := anyDecoder(t)
		d := open()
		spikes, _ := anySpikes(t, inputs)
		for i, s := range spikes {
			d.Spike(s.at, int(s.input))
			until := core.Tick(math.MaxInt64)
			if i+1 < len(spikes) {
				until = spikes[i+1].at
			}
			if until == s.at {
				continue
			}
			for {
				before := see(d)
				if !before.waiting || before.next >= until {
					break
				}
				if before.next <= s.at {
					t.Fatalf("at %d it waits for %d", s.at, before.next)
				}
				if d.Advance(before.next - 1); see(d) != before {
					t.Fatalf("%+v: before that it is %+v", before, see(d))
				}
				if d.Advance(before.next); see(d).waiting && see(d).next <= before.next {
					t.Fatalf("it waits for %d, then for %d", before.next, see(d).next)
				}
			}
			before := see(d)
			if d.Advance(until - 1); see(d) != before {
				t.Fatalf("%+v: at %d it is %+v", before, until-1, see(d))
			}
		}
	})
}

// After Clear a decoder does the same as a new one.
func TestClearedDecodersAreLikeNew(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		open, inputs := anyDecoder(t)
		cleared, fresh := open(), open()
		spikes, end := anySpikes(t, inputs)
		for _, s := range spikes {
			cleared.Spike(s.at, int(s.input))
		}
		if rapid.Bool().Draw(t, "passed") {
			cleared.Advance(end)
		}
		cleared.Clear()
		again, end := anySpikes(t, inputs)
		for _, s := range again {
			if got, want := see(cleared), see(fresh); got != want {
				t.Fatalf("before %d: cleared %+v, new %+v", s.at, got, want)
			}
			cleared.Spike(s.at, int(s.input))
			fresh.Spike(s.at, int(s.input))
		}
		cleared.Advance(end)
		fresh.Advance(end)
		if got, want := see(cleared), see(fresh); got != want {
			t.Errorf("cleared %+v, new %+v", got, want)
		}
	})
}

// A decoder with the same parameters goes on where the other one was. One of another kind changes nothing.
func TestResumedDecodersGoOn(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		open, inputs := anyDecoder(t)
		d, kept := open(), open()
		other, others := anyDecoder(t)
		foreign := other()
		spikes, end := anySpikes(t, inputs)
		for i, s := range spikes {
			d.Spike(s.at, int(s.input))
			kept.Spike(s.at, int(s.input))
			foreign.Spike(s.at, int(s.input)%others)
			if i+1 < len(spikes) && spikes[i+1].at == s.at || rapid.Bool().Draw(t, "not now") {
				continue
			}
			next := open()
			if next.Resume(d); see(next) != see(d) {
				t.Fatalf("resumed %+v, before %+v", see(next), see(d))
			}
			if d = next; !sameKind(d, foreign) {
				d.Resume(foreign)
			}
		}
		d.Advance(end)
		kept.Advance(end)
		if got, want := see(d), see(kept); got != want {
			t.Errorf("resumed %+v, never stopped %+v", got, want)
		}
	})
}

func sameKind(a, b Decoder) bool { return reflect.TypeOf(a) == reflect.TypeOf(b) }

// No time makes a decoder panic, nor a wrong order of times. The command stays within full scale.
func TestDecodersBearAnyTime(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		open, inputs := anyDecoder(t)
		d := open()
		times := rapid.OneOf(rapid.SampledFrom([]core.Tick{math.MinInt64, math.MinInt64 + 1, -1, 0, 1, math.MaxInt64 - 1,
			math.MaxInt64}),
			rapid.Map(rapid.Int64(), func(t int64) core.Tick { return core.Tick(t) }))
		for range rapid.IntRange(1, 30).Draw(t, "calls") {
			at := times.Draw(t, "at")
			switch rapid.IntRange(0, 3).Draw(t, "call") {
			case 0:
				d.Advance(at)
			case 1:
				if next, waiting := d.Next(); waiting {
					d.Advance(next)
				}
			default:
				d.Spike(at, rapid.IntRange(0, inputs-1).Draw(t, "input"))
			}
			if c, _ := d.Command(); c < -FullScale || c > FullScale {
				t.Errorf("command %d", c)
			}
		}
	})
}
