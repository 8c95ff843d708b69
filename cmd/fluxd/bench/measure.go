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

	"github.com/HdrHistogram/hdrhistogram-go"
)

// reflexTimes are how long a reflex takes on this machine, in nanoseconds: from an edge to the write at the actuator's device.
type reflexTimes struct {
	Daemon *hdrhistogram.Histogram // through the daemon's real-time path
	Bare   *hdrhistogram.Histogram // between two goroutines with nothing but a channel between them
}

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

// measureReflex measures so many reflexes, 1 to 60,000, and as many over the bare channel, one of each in turn on the same machine
// state: each after the one before has been answered, and after a pause of 0.3 to 2 ms in which all goroutines sleep. A pair takes
// about 3 ms. It fails when the context ends before, or when an edge is not answered.
func measureReflex(ctx context.Context, samples int) (reflexTimes, error) {
	if samples < 1 || samples > mostReflexes {
		return reflexTimes{}, fmt.Errorf("reflex: %d samples: expected 1 to %d", samples, mostReflexes)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	probe := newReflexProbe()
	hand, wait, err := daemon.StartReflex(ctx, probe)
	if err != nil {
		return reflexTimes{}, err
	}
	<-probe.written // the write at the start
	defer func() {
		cancel()
		wait()
	}()
	bare, channel := newReflexProbe(), make(chan int64, 1024)
	go func() { // the other end of the bare channel
		for {
			select {
			case <-ctx.Done():
				return
			case value := <-channel:
				_ = bare.Drive(actuators.Command(value)) // does not fail
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

// measureStart measures how long the demo robot takes from the call of Run until it runs: its parts made, its actuators at failsafe,
// its goroutines started; on the simulated board, without a broker, its configuration already read.
func measureStart(ctx context.Context) (time.Duration, error) { return measureStartWith(ctx, "none") }

// measureStartWithBroker measures the same with the embedded broker, on any free port of the loopback interface.
func measureStartWithBroker(ctx context.Context) (time.Duration, error) {
	return measureStartWith(ctx, "embedded")
}

func measureStartWith(ctx context.Context, broker string) (took time.Duration, err error) {
	config, err := configs.Load("lightseeker")
	if err != nil {
		return 0, err
	}
	config.MQTT = configs.MQTT{Broker: broker, Listen: "127.0.0.1:0"}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	start := time.Now()
	err = daemon.Run(ctx, config, daemon.RunOptions{Version: "bench", Seed: 1, Started: func(*daemon.Robot) { took = time.Since(start); cancel() }})
	if err == nil && took == 0 {
		err = context.Cause(ctx)
	}
	return took, err
}

// atRest is what a robot at rest costs.
type atRest struct {
	Over          time.Duration // it was watched for so long
	Switches      uint64        // context switches of all its threads in that time: each wake-up is at least one
	SwitchesKnown bool          // false where the system does not tell (it does on Linux)
	CPU           time.Duration // what the process used of all processors in that time
	CPUKnown      bool          // false where the system does not tell
}

// WakeUps returns the context switches a second.
func (i atRest) WakeUps() float64 { return float64(i.Switches) / i.Over.Seconds() }

// idleSettle is how long a robot is left alone before it is watched: what its start left behind is no cost of rest.
const idleSettle = 500 * time.Millisecond

// measureIdle watches this process for a time while a robot is at rest in it: no sensor, no spikes, no broker. (A sensor that is
// read at a rate wakes the process at that rate, and one that waits for edges ten times a second.) Whatever else the process does
// counts too. It fails when the context ends before.
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
	rest(idleSettle)
	before, known := machine.ContextSwitches()
	cpu, cpuKnown := machine.ProcessorTime()
	from := time.Now()
	rest(d)
	idle = atRest{Over: time.Since(from), SwitchesKnown: known, CPUKnown: cpuKnown}
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

// idleRobot has nothing that wakes it.
const idleRobot = `robot: idle
board: {kind: sim}
network: {neurons: {a: {}}}
mqtt: {broker: none}
`
