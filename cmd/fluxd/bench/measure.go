package bench

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"fluxd/actuators"
	"fluxd/cmd/fluxd/daemon"
	"fluxd/cmd/fluxd/machine"
	"fluxd/configs"
	"fluxd/configs/links"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// reflexTimes are the measured times from an edge to the write at the actuator's device, in nanoseconds.
type reflexTimes struct {
	Daemon *hdrhistogram.Histogram // through the daemon's real-time path
	Bare   *hdrhistogram.Histogram // between two goroutines over a bare channel
}

const (
	// mostReflexes is just below the 64,800 spikes at which the command of the actuator reaches its limit.
	mostReflexes = 60_000
	// The pauses between two samples: long enough for goroutines and threads to go to sleep.
	reflexPauseLeast, reflexPauseMost = 300 * time.Microsecond, 2 * time.Millisecond
	// reflexPatience is how long an edge may stay unanswered before that is an error.
	reflexPatience = 10 * time.Second
)

// reflexProbe is the device at the end of both ways. It reports when it is written.
type reflexProbe struct {
	written chan time.Time // one slot: one sample is under way at a time
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
	default: // the measurement is over
	}
	return nil
}

// await waits for the answer to an edge and records the time that it took.
func (p *reflexProbe) await(ctx context.Context, edge time.Time, into *hdrhistogram.Histogram) error {
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

// measureReflex measures 1 to 60,000 reflexes and as many round trips over the bare channel, in turn. Each begins after the one
// before has been answered, and after a pause of 0.3 to 2 ms in which all goroutines sleep. A pair takes about 3 ms. It fails
// when the context ends, or when an edge is not answered.
func measureReflex(ctx context.Context, samples int) (reflexTimes, error) {
	if samples < 1 || samples > mostReflexes {
		return reflexTimes{}, fmt.Errorf("reflex: %d samples: expected 1 to %d", samples, mostReflexes)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	config, err := configs.Parse("reflex", []byte(reflexRobot), nil)
	if err != nil {
		return reflexTimes{}, err
	}
	probe := newReflexProbe()
	hand, wait, err := daemon.StartReflex(ctx, config, probe)
	if err != nil {
		return reflexTimes{}, err
	}
	<-probe.written // the write of the failsafe at the start
	defer func() {
		cancel()
		wait()
	}()
	bare, channel := newReflexProbe(), make(chan int64, 1024)
	go func() { // receives at the other end of the bare channel
		for {
			select {
			case <-ctx.Done():
				return
			case value := <-channel:
				_ = bare.Drive(actuators.Command(value)) // cannot fail
			}
		}
	}()

	most := reflexPatience.Nanoseconds()
	r := reflexTimes{Daemon: hdrhistogram.New(1, most, 3), Bare: hdrhistogram.New(1, most, 3)}
	pause := func() { time.Sleep(reflexPauseLeast + rand.N(reflexPauseMost-reflexPauseLeast)) }
	value := int64(0)
	for range samples {
		pause()
		edge := time.Now()
		channel <- 0
		if err := bare.await(ctx, edge, r.Bare); err != nil {
			return r, err
		}
		pause()
		value ^= 1
		edge = time.Now()
		hand(value)
		if err := probe.await(ctx, edge, r.Daemon); err != nil {
			return r, err
		}
	}
	return r, nil
}

// measureStart returns how long the demo robot takes from the call of Run until it runs: its parts are made, its actuators are at
// failsafe, and its goroutines have started. It runs on the simulated board, without a broker, from a configuration already read.
func measureStart(ctx context.Context) (time.Duration, error) { return measureStartWith(ctx, "none") }

// measureStartWithBroker does the same with the embedded broker, on a free port of the loopback interface.
func measureStartWithBroker(ctx context.Context) (time.Duration, error) {
	return measureStartWith(ctx, "embedded")
}

func measureStartWith(ctx context.Context, broker string) (took time.Duration, err error) {
	config, err := configs.Load("lightseeker")
	if err != nil {
		return 0, err
	}
	config.MQTT, config.Dashboard = links.MQTT{Broker: broker, Listen: "127.0.0.1:0"}, links.Dashboard{}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	start := time.Now()
	opts := daemon.RunOptions{Version: "bench", Seed: 1, Started: func(*daemon.Robot) { took = time.Since(start); cancel() }}
	err = daemon.Run(ctx, config, opts)
	if err == nil && took == 0 {
		err = context.Cause(ctx)
	}
	return took, err
}

// atRest is what a robot at rest costs.
type atRest struct {
	Over          time.Duration // how long it was watched
	Switches      uint64        // context switches of all its threads in that time: each wake-up is at least one
	SwitchesKnown bool          // false where the system does not say (Linux does)
	CPU           time.Duration // processor time of the process in that time
	CPUKnown      bool          // false where the system does not say
}

// WakeUps returns the context switches a second.
func (i atRest) WakeUps() float64 { return float64(i.Switches) / i.Over.Seconds() }

// afterStart is how long a robot runs before it is watched, so that the work of its start is not counted.
const afterStart = 500 * time.Millisecond

// measureIdle watches this process for a time while a robot is at rest in it, without sensors, spikes and broker. (A sensor that
// is read at a rate wakes the process at that rate. One that waits for edges wakes it ten times a second.) Anything else that the
// process does is counted too. It fails when the context ends.
func measureIdle(ctx context.Context, d time.Duration) (idle atRest, err error) {
	config, err := configs.Parse("idle", []byte(idleRobot), nil)
	if err != nil {
		return atRest{}, err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	started, ended := make(chan struct{}), make(chan error, 1)
	go func() {
		ended <- daemon.Run(ctx, config, daemon.RunOptions{Version: "bench", Started: func(*daemon.Robot) { close(started) }})
	}()
	select {
	case <-started:
	case err := <-ended:
		return atRest{}, err
	}
	rest := func(d time.Duration) {
		select {
		case <-time.After(d):
		case <-ctx.Done():
		}
	}
	rest(afterStart)
	before, known := machine.ContextSwitches()
	cpu, cpuKnown := machine.ProcessorTime()
	from := time.Now()
	rest(d)
	idle = atRest{Over: time.Since(from), SwitchesKnown: known, CPUKnown: cpuKnown}
	if after, ok := machine.ContextSwitches(); ok && after > before { // it is less if a thread has ended
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

// idleRobot has nothing that wakes it.
const idleRobot = `robot: idle
board: {kind: sim}
network: {neurons: {a: {}}}
mqtt: {broker: none}
`
