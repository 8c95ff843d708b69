package daemon

import (
	"context"
	"errors"
	"fluxd/boards/sim"
	"fluxd/boards/sim/worlds"
	"fluxd/bridge/protocol"
	"fluxd/cmd/fluxd/hardware"
	"fluxd/cmd/fluxd/kept"
	"fluxd/cmd/fluxd/machine"
	"fluxd/cmd/fluxd/tuning"
	"fluxd/configs"
	"fluxd/core"
	"fmt"
	"log/slog"
	"strings"
	"time"
)

// RunOptions says how a robot is run.
type RunOptions struct {
	Version  string
	Seed     uint64             // of the simulated world
	Root     string             // where /dev, /sys and /proc are found; "" is /
	Arm      bool               // arm at the start, whatever the configuration says
	Overlays []*configs.Overlay // values that differ from the configuration, applied in this order
	Log      *slog.Logger       // nil is silent
	Signs    func(machine.Sign) // tells the parent process how the robot is; it must not wait, and may be nil
	Started  func(*Robot)       // called once, when the actuators are at failsafe and everything runs; may be nil
	Broker   []string           // what to execute for a broker of its own; nil is this very program
	Ended    chan struct{}      // closed, if given, when the actuators are at failsafe again
}

const (
	// worldStep is how often a simulated world is brought up to the wall clock; it still integrates in its own, finer steps.
	worldStep = 5 * time.Millisecond
	// haltWait bounds how long the end waits for a sensor or actuator that hangs in its bus.
	haltWait = 2 * time.Second
)

// busWait is how long a transfer on a bus may take. Only tests change it: on a machine that is much too busy one takes longer.
var busWait = hardware.BusWait

// Run runs a robot until the context ends: that is no error. Actuators are at their failsafe before anything else starts, and again
// when it returns, whatever the reason. A broker that cannot be reached does not stop it.
func Run(ctx context.Context, config *configs.Robot, opts RunOptions) (err error) {
	if opts.Log == nil {
		opts.Log = slog.New(slog.DiscardHandler)
	}
	r, err := newRobot(config, opts)
	if err != nil {
		return err
	}
	defer func() {
		err = errors.Join(err, r.halt())
		if opts.Ended != nil {
			close(opts.Ended)
		}
	}()
	defer r.protect()
	if err := r.claimFiles(); err != nil {
		return err
	}
	defer func() { r.learnt.Close(); r.tuned.Close() }()
	panel, err := r.openPanel()
	if err != nil {
		return err
	}
	watchdogs, err := machine.OpenWatchdogs(config.Safety.Watchdog, opts.Signs, r.log)
	if err != nil {
		return err
	}
	r.safety.Watchdogs = &watchdogs
	defer watchdogs.Close()
	r.tuner = tuning.New(config, r.network, r)
	if err := r.restore(opts.Overlays); err != nil {
		return err
	}
	r.describe = r.description()

	r.requestRealtime(machine.Grant) // before anybody asks what is granted

	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if config.MQTT.Broker != "none" {
		defer func() {
			if r.broker != nil {
				r.broker.Close()
			}
		}()
		if err := r.connect(ctx, opts); err != nil {
			return err
		}
		defer r.bridge.Close()
	}
	watchdogs.Sign(machine.Moving)
	wait := r.launch(ctx)
	for _, watch := range r.safety.Watches(panel, func(who string) error { return r.Arm(who, false) }) {
		r.spawn(ctx, watch) // each sees its switch whatever hangs
	}
	if config.Board.Kind != "sim" {
		for _, one := range config.Warnings {
			r.log.Warn("the wiring wants a look", "warning", one)
		}
	}
	if opts.Arm || armsAtStart(config) {
		if err := r.safety.ArmAtStart(); err != nil {
			r.log.Error("not armed", "error", err)
		}
	} else {
		r.log.Info("disarmed: actuators stay at failsafe until 'fluxctl arm'")
	}
	watchdogs.Ready()
	if opts.Started != nil {
		opts.Started(r)
	}
	r.log.Info("running", "robot", config.Name, "board", r.body.Board.String(), "neurons", r.network.Neurons(), "sensors", len(r.sensors), "actuators", len(r.outputs),
		"scheduler", r.granted.Scheduler, "memory_locked", r.granted.MemoryLocked, "memory_limit", r.granted.MemoryLimit)
	func() {
		defer r.protect() // before the bridge is closed, which may take a moment
		r.loop(ctx)
	}()
	close(r.done)
	watchdogs.Sign(machine.Ending)
	cancel()
	// Nobody commands any more: the actuators come first, before anything that may take time.
	err = r.body.Failsafe()
	r.log.Info("stopped: actuators are at failsafe")
	err = errors.Join(err, wait())
	if config.Learnt != nil { // the loop has ended: the network is ours
		r.learnt.Lock()
		err = errors.Join(err, r.writeLearnt(r.snapshot()))
		r.learnt.Unlock()
	}
	if c := config.Tuning; c != nil && c.Persist {
		err = errors.Join(err, r.saveTuned(r.Revision()))
	}
	return err
}

// claimFiles claims what the robot keeps for its next run.
func (r *Robot) claimFiles() (err error) {
	if mistakes := kept.Check(r.config); mistakes != nil {
		return mistakes
	}
	if c := r.config.Learnt; c != nil {
		if r.learnt, err = kept.Open(c.File, core.MaxSnapshot); err != nil {
			return fmt.Errorf("learnt: %w", err)
		}
	}
	if c := r.config.Tuning; c != nil {
		if r.tuned, err = kept.Open(c.File, configs.MaxSize); err != nil {
			return fmt.Errorf("tuning: %w", err)
		}
	}
	return nil
}

// resume gives the robot what was tuned and what it has learnt, in the order in which that happened: first the limits within which it learnt.
func (r *Robot) restore(overlays []*configs.Overlay) error {
	own, err := r.restoreTuned()
	if err != nil {
		r.log.Error("cannot use all that was tuned before", "error", err)
	}
	if err := r.tuner.Apply(overlays); err != nil {
		return err
	}
	if own != nil {
		overlays = append([]*configs.Overlay{own}, overlays...)
	}
	revision := uint64(0)
	if r.config.Learnt != nil {
		if revision, err = r.restoreLearnt(); err != nil {
			r.log.Error("cannot use what was learnt before", "error", err)
		}
	}
	return r.tuner.Reconcile(overlays, revision)
}

// newRobot makes all parts of a robot, its actuators at failsafe; nothing runs yet.
func newRobot(config *configs.Robot, opts RunOptions) (*Robot, error) {
	start := time.Now()
	r, err := assemble(config, hardware.Options{Seed: opts.Seed, Root: opts.Root, Log: opts.Log, BusWait: busWait}, func() time.Duration { return time.Since(start) })
	if err != nil {
		return nil, err
	}
	r.start = start
	r.readings, r.requests = make(chan reading, readingQueue), make(chan request, 16)
	r.done = make(chan struct{})
	r.event = r.publish
	r.telemetry.Store(int64(config.MQTT.Telemetry))
	if config.Learnt != nil {
		r.savingEvery.Set(config.Learnt.Every)
	}
	return r, nil
}

// launch starts the goroutines around the loop, each protected against panics and ended by the context. The function it returns
// waits for them, not for ever.
func (r *Robot) launch(ctx context.Context) (wait func() error) {
	start := func(f func(context.Context)) { r.spawn(ctx, f) }
	for _, o := range r.outputs {
		start(func(ctx context.Context) { r.act(ctx, o) }) // a slow bus holds up its own actuator only
	}
	start(r.safety.Watch) // it must see the others hang
	for _, s := range r.sensors {
		start(func(ctx context.Context) {
			s.Watch(ctx, func(at time.Duration, value int64) bool { return r.handOver(s, at, value) })
		}) // reading a bus blocks, and so does waiting for an edge
	}
	if r.config.Learnt != nil {
		start(r.keepSaving) // a disk may be slow
	}
	if r.body.World != nil {
		start(r.runWorld) // the world goes on while nobody looks
	}
	return func() error {
		ended := make(chan struct{})
		go func() { r.goroutines.Wait(); close(ended) }() // left behind only when a driver hangs for good
		select {
		case <-ended:
			return nil
		case <-time.After(haltWait):
			return fmt.Errorf("a sensor or actuator did not return within %v: its bus may be stuck", haltWait)
		}
	}
}

// begin starts one of the goroutines around the loop.
func (r *Robot) spawn(ctx context.Context, f func(context.Context)) {
	r.goroutines.Add(1)
	go func() {
		defer r.goroutines.Done()
		defer r.protect()
		f(ctx)
	}()
}

// World returns the simulated world, or nil where nothing moves. It may be looked at from any goroutine.
func (r *Robot) World() worlds.World { return r.body.World }

// Simulated returns the simulated board, or nil on a real one: a test is the world around it.
func (r *Robot) Simulated() *sim.Board {
	b, _ := r.body.Board.(*sim.Board)
	return b
}

// runWorld brings the simulated world up to the wall clock and sends its events.
func (r *Robot) runWorld(ctx context.Context) {
	ticker := time.NewTicker(worldStep)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		r.body.World.Advance(r.clock())
		for _, e := range r.body.World.Events() {
			kind, _ := protocol.FindEventKind(e.Code) // a test of package protocol holds that there is one
			r.log.Info(kind.Meaning(), "after", r.clock().Round(time.Millisecond), "text", e.Text)
			r.event(kind, e.Text)
		}
	}
}

// settle asks the machine for what the configuration wants, and says once what it refuses.
func (r *Robot) requestRealtime(grant func(machine.Settings) machine.Granted) {
	want := r.config.Realtime
	r.granted = protocol.Realtime(grant(machine.Settings{LockMemory: want.LockMemory, Priority: want.Priority, MemoryLimit: int64(want.MemoryLimit)}))
	if r.granted.Refused != nil {
		r.log.Warn("the robot runs without all of its realtime settings", "refused", strings.Join(r.granted.Refused, "; "))
	}
}
