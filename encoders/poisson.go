package encoders

import (
	"fmt"
	"time"

	"periph.io/x/conn/v3/physic"

	"fluxd/core"
	"fluxd/lagged"
	"fluxd/options"
)

// Poisson encodes a reading as the rate of spikes at random: a Poisson process of rate 0 at the first end of the range, and max
// at the second and beyond. The number of spikes in a time has the reading's rate as its mean, and varies by its square root. Two
// sensors have different spikes for the same readings, so their spikes coincide by chance only; those of a Rate would coincide
// always.
//
// The intervals of a process of rate max are exponential; von Neumann's method makes them by comparing random numbers. Each of
// its spikes then stays with the probability reading / range (thinning). The random numbers are sums, see package lagged.
//
// It is another kind than rate, since it shares neither state nor promises with Rate: there, the spikes are never off by more
// than one.
//
// Source: J. von Neumann, Various techniques used in connection with random digits (Applied Mathematics Series 12, 1951); P. A.
// W. Lewis and G. S. Shedler, Simulation of nonhomogeneous Poisson processes by thinning (Naval Research Logistics 26, 1979). It
// is the rate code of snnTorch (spikegen.rate) and SpikingJelly (PoissonEncoder), without their time steps.
type Poisson struct {
	share    line   // from a reading to the probability that a spike stays, of 2^32
	mean     uint64 // interval at max, in ticks / 2^fractionBits
	every    core.Tick
	seed     uint64
	random   lagged.Random
	started  bool
	next     core.Tick // the next spike of the process of rate max
	fraction uint64    // of a tick, after next
}

// Intervals of random spikes have this many bits after the tick.
const fractionBits = 12

// PoissonOpts are the options of a Poisson.
type PoissonOpts struct {
	Range [2]Amount        `yaml:"range" required:"true" live:"true" doc:"readings at both ends: [0 lx, 2000 lx] or [2 m, 0 m]"`
	Max   physic.Frequency `yaml:"max" required:"true" live:"true" doc:"mean number of spikes per second at the second end of the range"`
	Seed  int              `yaml:"seed" default:"0" doc:"another number gives other spikes; so do another network.seed and another name of the sensor"`

	Falling bool          `yaml:"-"` // the robot file has the larger end first, and Limits keeps it so; see KeepDirection
	Every   time.Duration `yaml:"-"` // time between two readings; -1 if it is not known
}

// A reading of a Poisson has at most MostSpikes, and half as many on average.
const (
	meanSpikes = MostSpikes / 2
	fastest    = 100 * physic.KiloHertz
)

var poissonKind = EncoderKind{Name: "poisson", About: "more is faster, at random",
	New: func() EncoderOptions { return new(PoissonOpts) }}

// Open implements EncoderOptions.
func (o *PoissonOpts) Open(every time.Duration) (Encoder, error) {
	made := *o
	made.Every = every
	return NewPoisson(&made)
}

// Pace implements Paced.
func (o *PoissonOpts) Pace(every time.Duration) { o.Every = every }

// LongestEvery implements Paced.
func (o *PoissonOpts) LongestEvery() time.Duration {
	return time.Duration(meanSpikes*1e12/max(1, int64(o.Max))) * time.Microsecond
}

// Ends implements Ranging.
func (o *PoissonOpts) Ends() [2]Amount { return o.Range }

// KeepDirection implements Ranging.
func (o *PoissonOpts) KeepDirection() { o.Falling = falls(o.Range) }

// most returns the highest rate for the time between two readings.
func (o *PoissonOpts) most() physic.Frequency {
	return physic.Frequency(min(meanSpikes*1e12/max(1, o.Every.Microseconds()), int64(fastest)))
}

// Limits implements EncoderOptions.
func (o *PoissonOpts) Limits(key string) (low, high int64, ok bool) {
	if key == "max" {
		e := options.Range{Value: int64(o.Max), Low: 1, High: int64(fastest)}
		e.AtMost(int64(o.most()))
		return e.Low, e.High, true
	}
	return rangeLimits(o.Range, o.Falling, key)
}

// Check implements EncoderOptions.
func (o *PoissonOpts) Check() []options.Mistake {
	mistakes := append(checkRange(o.Range), checkPaced("max", o.Every, "a reading makes all spikes until the next reading")...)
	if o.Every > 0 && o.Max > o.most() {
		mistakes = append(mistakes, options.Wrong("max", "%v: expected at most %v, and %d spikes a reading",
			o.Max, fastest, meanSpikes))
	}
	return mistakes
}

// NewPoisson makes a Poisson encoder for a sensor that is read every PoissonOpts.Every.
func NewPoisson(opts *PoissonOpts) (*Poisson, error) {
	const name = "Poisson encoder"
	if err := validate(name, opts, within(opts, "max", opts.Max), paced(name, opts.Every)); err != nil {
		return nil, err
	}
	share, err := newLine(opts.Range[0].Micro, opts.Range[1].Micro, 1<<32)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	// From 40,960, of 10 us, to 2^52, of 11 days.
	mean := (uint64(1e12)<<fractionBits + uint64(opts.Max)/2) / uint64(opts.Max)
	p := &Poisson{share: share, mean: mean, every: core.Tick(opts.Every.Microseconds()), seed: uint64(opts.Seed) << 32}
	p.Reseed(0, "")
	return p, nil
}

// Reseed implements Random.
func (p *Poisson) Reseed(network uint64, sensor string) {
	p.random, p.started = lagged.New(network^p.seed, sensor), false
}

// Encode implements Encoder.
func (p *Poisson) Encode(at core.Tick, reading int64, arrivals []Arrival) []Arrival {
	stays := uint64(p.share.at(reading))
	if !p.started || p.next < at { // the process has no memory, so it can begin at any time
		p.started, p.next, p.fraction = true, at, 0
		p.skip()
	}
	for made := 0; p.next < at+p.every; p.skip() {
		if uint64(p.random.Next()) < stays && made < MostSpikes {
			arrivals = append(arrivals, Arrival{At: p.next, Input: All})
			made++
		}
	}
	return arrivals
}

// skip goes on to the next spike of the process of rate max.
func (p *Poisson) skip() {
	interval := p.fraction + p.exponential()
	p.next += core.Tick(interval >> fractionBits)
	p.fraction = interval & (1<<fractionBits - 1)
}

// exponential returns a random interval with the mean of the process. A row of random numbers below the mean descends for a
// while. If the first number that does not belong to the descent is the second, fourth and so on, the interval is the first one,
// and the mean for each row that was drawn in vain.
func (p *Poisson) exponential() uint64 {
	for waited := uint64(0); ; waited += p.mean {
		first := p.random.Below(p.mean)
		last, odd := first, true
		for {
			x := p.random.Below(p.mean)
			if x >= last {
				break
			}
			last, odd = x, !odd
		}
		if odd {
			return waited + first
		}
	}
}

// Resume implements Encoder. The random numbers go on.
func (p *Poisson) Resume(from Encoder) {
	if before, same := from.(*Poisson); same {
		p.random = before.random
	}
}
