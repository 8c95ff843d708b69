package daemon

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"time"

	"fluxd/actuators"
	"fluxd/cmd/fluxd/machine"
	"fluxd/configs"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// Reflex is how long a reflex takes on this machine, in nanoseconds: from an edge to the write at the actuator's device.
type Reflex struct {
	Daemon *hdrhistogram.Histogram // through the daemon's real-time path
	Bare   *hdrhistogram.Histogram // between two goroutines with nothing but a channel between them
}

// reflexRobot is the smallest reflex there is: each edge of one sensor crosses one synapse of minimal delay and moves one actuator,
// a little further with each, for its decoder forgets nothing while the measurement lasts.
const reflexRobot = `robot: reflex
board: {kind: sim}
sensors:
  edge: {device: button, pin: GPIO17, debounce: 0s, encode: {kind: edge, on: both, to: feel}}
network:
  neurons: {feel: {refractory: 0s}, act: {refractory: 0s}}
  synapses: [{from: feel, to: act, weight: 100, delay: 1us}]
actuators:
  muscle: {device: servo, pwm: GPIO12, decode: {kind: count, neuron: act, full: 18 Hz, window: 1h}}
mqtt: {broker: none}
`

const (
	// mostReflexes is just below the 64,800 spikes at which the muscle is at its end.
	mostReflexes = 60_000
	// The pauses between two samples: long enough for goroutines and threads to go to sleep.
	reflexPauseLeast, reflexPauseMost = 300 * time.Microsecond, 2 * time.Millisecond
	// reflexPatience is when an edge that is not answered is an error.
	reflexPatience = 10 * time.Second
)

// reflexProbe is the device at the end of both ways: it notes when it is written and tells who waits for it.
type reflexProbe struct {
	written chan time.Time // one slot: there is one sample at a time
}

func newReflexProbe() *reflexProbe { return &reflexProbe{written: make(chan time.Time, 1)} }

// String implements conn.Resource.
func (p *reflexProbe) String() string { return "reflex probe" }

// Halt implements conn.Resource.
func (p *reflexProbe) Halt() error { return nil }

// Drive implements actuators.Device.
func (p *reflexProbe) Drive(actuators.Command) error {
	select {
	case p.written <- time.Now():
	default: // nobody waits for it: the end
	}
	return nil
}

// take waits for the answer to an edge and notes how long it took.
func (p *reflexProbe) take(ctx context.Context, edge time.Time, into *hdrhistogram.Histogram) error {
	patience := time.NewTimer(reflexPatience)
	defer patience.Stop()
	select {
	case at := <-p.written:
		return into.RecordValue(min(at.Sub(edge), reflexPatience).Nanoseconds())
	case <-patience.C:
		return fmt.Errorf("reflex: an edge was not answered within %v", reflexPatience)
	case <-ctx.Done():
		return ctx.Err()
	}
}

// MeasureReflex measures so many reflexes, 1 to 60,000, and as many over the bare channel, one of each in turn on the same machine
// state: each after the one before has been answered, and after a pause of 0.3 to 2 ms in which all goroutines sleep. A pair takes
// about 3 ms. It fails when the context ends before, or when an edge is not answered.
func MeasureReflex(ctx context.Context, samples int) (Reflex, error) {
	if samples < 1 || samples > mostReflexes {
		return Reflex{}, fmt.Errorf("reflex: %d samples: expected 1 to %d", samples, mostReflexes)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	probe := newReflexProbe()
	hand, wait, err := startReflex(ctx, probe)
	if err != nil {
		return Reflex{}, err
	}
	defer func() {
		cancel()
		wait()
	}()
	bare, channel := newReflexProbe(), make(chan reading, readingQueue)
	go func() { // the other end of the bare channel
		for {
			select {
			case <-ctx.Done():
				return
			case r := <-channel:
				_ = bare.Drive(actuators.Command(r.value)) // does not fail
			}
		}
	}()

	most := reflexPatience.Nanoseconds()
	r := Reflex{Daemon: hdrhistogram.New(1, most, 3), Bare: hdrhistogram.New(1, most, 3)}
	pause := func() { time.Sleep(reflexPauseLeast + rand.N(reflexPauseMost-reflexPauseLeast)) }
	value := int64(0)
	for range samples {
		pause()
		edge := time.Now()
		channel <- reading{}
		if err := bare.take(ctx, edge, r.Bare); err != nil {
			return r, err
		}
		pause()
		value ^= 1
		edge = time.Now()
		hand(value)
		if err := probe.take(ctx, edge, r.Daemon); err != nil {
			return r, err
		}
	}
	return r, nil
}

// startReflex runs the reflex robot's control path, with a probe as its actuator's device. The caller is its edge watcher: hand is
// what that calls with each edge.
func startReflex(ctx context.Context, probe *reflexProbe) (hand func(value int64), wait func(), err error) {
	config, err := configs.Parse("reflex", []byte(reflexRobot), nil)
	if err != nil {
		return nil, nil, err
	}
	l, err := newRobot(config, RunOptions{Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		return nil, nil, err
	}
	guard, err := actuators.NewGuard(probe, actuators.GuardOpts{Min: -actuators.Full, Max: actuators.Full})
	if err == nil {
		err = guard.Start(0)
	}
	if err != nil {
		return nil, nil, err
	}
	<-probe.written // the start's
	edge := l.sensors[0]
	l.outputs[0].Guard, l.sensors = guard, nil
	ended := l.launch(ctx)
	looped := make(chan struct{})
	go func() { // owns the network
		defer close(looped)
		l.loop(ctx)
	}()
	hand = func(value int64) { l.handOver(edge, l.clock(), value) }
	hand(0) // where the edges start from
	return hand, func() { <-looped; _ = ended() }, nil
}

// MeasureStart measures how long the demo robot takes from the call of Run until it runs: its parts made, its actuators at failsafe,
// its goroutines started; on the simulated board, without a broker, its configuration already read.
func MeasureStart(ctx context.Context) (time.Duration, error) { return measureStart(ctx, "none") }

// MeasureStartWithBroker measures the same with the embedded broker, on any free port of the loopback interface.
func MeasureStartWithBroker(ctx context.Context) (time.Duration, error) {
	return measureStart(ctx, "embedded")
}

func measureStart(ctx context.Context, broker string) (took time.Duration, err error) {
	config, err := configs.Load("lightseeker")
	if err != nil {
		return 0, err
	}
	config.MQTT = configs.MQTT{Broker: broker, Listen: "127.0.0.1:0"}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	start := time.Now()
	err = Run(ctx, config, RunOptions{Version: "bench", Seed: 1, Started: func(*Robot) { took = time.Since(start); cancel() }})
	if err == nil && took == 0 {
		err = context.Cause(ctx)
	}
	return took, err
}

// Idle is what a robot at rest costs.
type Idle struct {
	Over          time.Duration // it was watched for so long
	Switches      uint64        // context switches of all its threads in that time: each wake-up is at least one
	SwitchesKnown bool          // false where the system does not tell (it does on Linux)
	CPU           time.Duration // what the process used of all processors in that time
	CPUKnown      bool          // false where the system does not tell
}

// WakeUps returns the context switches a second.
func (i Idle) WakeUps() float64 { return float64(i.Switches) / i.Over.Seconds() }

// idleSettle is how long a robot is left alone before it is watched: what its start left behind is no cost of rest.
const idleSettle = 500 * time.Millisecond

// MeasureIdle watches this process for a time while a robot is at rest in it: no sensor, no spikes, no broker. (A sensor that is
// read at a rate wakes the process at that rate, and one that waits for edges ten times a second.) Whatever else the process does
// counts too. It fails when the context ends before.
func MeasureIdle(ctx context.Context, d time.Duration) (idle Idle, err error) {
	config, err := configs.Parse("idle", []byte(reflexRobot), nil)
	if err != nil {
		return Idle{}, err
	}
	config.Sensors = nil
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	started, ended := make(chan struct{}), make(chan error, 1)
	go func() {
		ended <- Run(ctx, config, RunOptions{Version: "bench", Started: func(*Robot) { close(started) }})
	}()
	select {
	case <-started:
	case err := <-ended:
		return Idle{}, err
	}
	rest := func(d time.Duration) {
		select {
		case <-time.After(d):
		case <-ctx.Done():
		}
	}
	rest(idleSettle)
	before, known := machine.ContextSwitches()
	cpu, cpuKnown := machine.ProcessorTime()
	from := time.Now()
	rest(d)
	idle = Idle{Over: time.Since(from), SwitchesKnown: known, CPUKnown: cpuKnown}
	if after, ok := machine.ContextSwitches(); ok && after > before { // fewer: a thread has ended
		idle.Switches = after - before
	}
	if after, ok := machine.ProcessorTime(); ok {
		idle.CPU = after - cpu
	}
	if err := ctx.Err(); err != nil {
		return idle, err
	}
	cancel()
	return idle, <-ended
}
