package daemon

import (
	"context"
	"errors"
	"fluxd/boards/sim"
	"fluxd/boards/sim/worlds"
	"fluxd/bridge"
	"fluxd/bridge/protocol"
	"fluxd/cmd/fluxd/hardware"
	"fluxd/cmd/fluxd/inspect"
	"fluxd/cmd/fluxd/kept"
	"fluxd/cmd/fluxd/logs"
	"fluxd/cmd/fluxd/machine"
	"fluxd/cmd/fluxd/surroundings"
	"fluxd/cmd/fluxd/tuning"
	"fluxd/configs"
	"fluxd/core"
	"fmt"
	"log/slog"
	"strings"
	"time"
)

// RunOptions are the options of Run.
type RunOptions struct {
	Version  string
	Seed     uint64             // of the simulated world
	Root     string             // the folder that holds dev, sys and proc; "" is /
	Arm      bool               // arm at the start, even if the configuration does not
	Overlays []*configs.Overlay // tuned values, applied in this order
	Log      *slog.Logger       // nil discards
	Signs    func(machine.Sign) // reports the robot's state to the parent process; it must not wait, and may be nil
	Started  func(*Robot)       // called once, when everything runs; may be nil
	Broker   []string           // the command that starts the robot's own broker; nil: this program
	Loader   bridge.Loader      // keeps robot files that are sent to the robot; nil: it accepts none
	OnTrial  func() bool        // the robot file is on trial: the robot starts disarmed; nil: it is not
	Ended    chan struct{}      // closed, if given, when the actuators are at failsafe at the end
}

// haltWait bounds how long the end waits for a sensor or actuator whose bus hangs.
const haltWait = 2 * time.Second

// busWait is how long a transfer on a bus may take. Only tests change it, for machines that are much too busy.
var busWait = hardware.BusWait

// Run runs a robot until the context ends, which is not an error. The actuators are at failsafe before anything else starts,
// and again when Run returns, for whatever reason. A broker that cannot be reached does not stop the robot.
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
	if err := r.lockFiles(); err != nil {
		return err
	}
	defer func() { r.learnt.Close(); r.tuned.Close() }()
	panel, err := r.openPanel()
	if err != nil {
		return err
	}
	watchdogs, err := machine.OpenWatchdogs(config.Safety.Watchdog, opts.Signs, logs.Of(r.base, "watchdog"))
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
	r.Inspector = inspect.New(inspect.Robot{Config: config, Tuner: r.tuner, Clock: r.clock, Network: r.network, Spikes: r.fired,
		Rewards: r.rewards, Loop: func(ctx context.Context, do func()) error {
			return r.ask(ctx, func() answer { do(); return answer{} }).err
		}}, &r.describe)

	r.requestRealtime(machine.Grant) // before clients can ask what was granted

	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if err := r.connect(ctx, opts); err != nil {
		return err
	}
	defer r.links.Close()
	if err := r.links.Serve(ctx, r); err != nil {
		return err
	}
	watchdogs.Sign(machine.Moving)
	wait := r.launch(ctx)
	for _, watch := range r.safety.Watches(panel, func(who string) error { return r.Arm(who, false) }) {
		r.spawn(ctx, watch) // each in a goroutine, so that it notices its switch whatever else hangs
	}
	if config.Board.Kind != "sim" {
		for _, one := range config.Warnings {
			r.log.Warn("check the robot file", "warning", one)
		}
	}
	r.safety.AtStart = opts.Arm || armsAtStart(config)
	if r.onTrial() {
		r.log.Info("disarmed, since the robot file is on trial: actuators stay at failsafe until 'fluxctl arm'")
	} else if r.safety.AtStart {
		if err := r.safety.ArmAtStart(); err != nil {
			r.log.Error("not armed", "error", err)
		}
	} else {
		r.log.Info("disarmed: actuators stay at failsafe until 'fluxctl arm'")
	}
	watchdogs.Ready(r.safety.Status())
	r.spawn(ctx, func(ctx context.Context) { r.safety.FollowStatus(ctx, watchdogs.Status) }) // systemd may be slow
	if opts.Started != nil {
		opts.Started(r)
	}
	r.log.Info("running", "robot", config.Name, "board", r.body.Board.String(),
		"neurons", r.network.Neurons(), "sensors", len(r.sensors), "actuators", len(r.outputs), "scheduler", r.granted.Scheduler,
		"memory_locked", r.granted.MemoryLocked, "memory_limit", r.granted.MemoryLimit)
	func() {
		defer r.protect() // before the bridge is closed, which may take a moment
		r.loop(ctx)
	}()
	close(r.done)
	watchdogs.Sign(machine.Ending)
	cancel()
	// The loop commands nothing any more. Bring the actuators to failsafe before anything that may take time.
	err = r.body.Failsafe()
	r.log.Info("stopped: actuators are at failsafe")
	err = errors.Join(err, wait())
	if config.Learnt != nil { // the loop has ended, so this goroutine owns the network
		r.learnt.Lock()
		err = errors.Join(err, r.writeLearnt(r.snapshot()))
		r.learnt.Unlock()
	}
	if c := config.Tuning; c != nil && c.Persist {
		err = errors.Join(err, r.tuner.SaveTo(r.tuned, r.Revision()))
	}
	return err
}

// lockFiles locks the files that the robot keeps for its next run, so that no other process writes them.
func (r *Robot) lockFiles() (err error) {
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

// restore restores tuned values and learnt weights from the last run. Tuned values come first: they include the limits within
// which the weights were learnt.
func (r *Robot) restore(overlays []*configs.Overlay) error {
	var last *configs.Overlay // tuned in the last run
	if c := r.config.Tuning; c != nil && c.Persist {
		var err error
		if last, err = r.tuner.RestoreFrom(r.tuned); err != nil {
			r.log.Error("cannot use all values that were tuned before", "error", err)
		}
	}
	if err := r.tuner.Apply(overlays); err != nil {
		return err
	}
	if last != nil {
		overlays = append([]*configs.Overlay{last}, overlays...)
	}
	revision := uint64(0)
	if r.config.Learnt != nil {
		var err error
		if revision, err = r.restoreLearnt(); err != nil {
			r.log.Error("cannot use the weights that were learnt before", "error", err)
		}
	}
	return r.tuner.Reconcile(overlays, revision)
}

// newRobot makes all parts of a robot that runs in real time. Its actuators are at failsafe, and nothing runs yet.
func newRobot(config *configs.Robot, opts RunOptions) (*Robot, error) {
	start := time.Now()
	options := hardware.Options{Seed: opts.Seed, Root: opts.Root, Log: opts.Log, BusWait: busWait}
	r, err := assemble(config, options, func() time.Duration { return time.Since(start) })
	if err != nil {
		return nil, err
	}
	r.start, r.seed = start, opts.Seed
	r.readings, r.requests = make(chan reading, readingQueue), make(chan request, 16)
	r.done = make(chan struct{})
	r.event = r.publish
	if opts.OnTrial != nil {
		r.onTrial = opts.OnTrial
	}
	r.telemetry.Store(int64(config.MQTT.Telemetry))
	if config.Learnt != nil {
		r.savingEvery.Set(config.Learnt.Every)
	}
	return r, nil
}

// launch starts the goroutines around the loop. Each is protected against panics and ends with the context. The function that
// it returns waits for them, at most haltWait.
func (r *Robot) launch(ctx context.Context) (wait func() error) {
	start := func(f func(context.Context)) { r.spawn(ctx, f) }
	for _, o := range r.outputs {
		start(func(ctx context.Context) { r.act(ctx, o) }) // one each, so that a slow bus delays only its own actuator
	}
	start(r.safety.Watch) // must notice when the others hang
	for _, s := range r.sensors {
		start(func(ctx context.Context) {
			s.Watch(ctx, func(at time.Duration, value int64) bool { return r.handOver(s, at, value) })
		}) // reading a bus blocks, and so does waiting for an edge
	}
	if r.config.Learnt != nil {
		start(r.keepSaving) // a disk may be slow
	}
	start(r.inhabit) // the world moves even when no sensor is read
	return func() error {
		ended := make(chan struct{})
		go func() { r.goroutines.Wait(); close(ended) }() // remains only when a driver hangs forever
		select {
		case <-ended:
			return nil
		case <-time.After(haltWait):
			return fmt.Errorf("a sensor or actuator did not return within %v: its bus may be stuck", haltWait)
		}
	}
}

// spawn starts one of the goroutines around the loop.
func (r *Robot) spawn(ctx context.Context, f func(context.Context)) {
	r.goroutines.Add(1)
	go func() {
		defer r.goroutines.Done()
		defer r.protect()
		f(ctx)
	}()
}

// World returns the simulated world, or nil without one. Any goroutine may read it.
func (r *Robot) World() worlds.World { return r.body.World }

// Simulated returns the simulated board, or nil on a real one.
func (r *Robot) Simulated() *sim.Board {
	b, _ := r.body.Board.(*sim.Board)
	return b
}

// inhabit runs the simulated world around the robot.
func (r *Robot) inhabit(ctx context.Context) {
	event := func(kind protocol.EventKind, text string) { r.event(kind, text) }
	robot := surroundings.Robot{Event: event, Seed: r.seed, Again: func(ctx context.Context, episodes uint64) error {
		seed := r.config.Network.Seed + episodes
		for done := false; !done; {
			reseeded, err := r.network.Prepare(core.Tuning{Seed: &seed})
			if err != nil {
				return err
			}
			if a := r.ask(ctx, func() answer { done = r.restart(seed, reseeded); return answer{} }); a.err != nil {
				return a.err
			}
		}
		return nil
	}}
	if l := r.links; l != nil && l.Bridge != nil { // nil: a test that does not connect
		robot.Episode = l.Bridge.Episode
	}
	if len(r.scored) > 0 {
		robot.Earn = func(ctx context.Context, at time.Duration, score []worlds.Value) {
			r.ask(ctx, func() answer { r.payScore(core.Tick(at.Microseconds()), score); return answer{} })
		}
	}
	r.around.Run(ctx, robot)
}

// requestRealtime asks the machine for the configured realtime settings, and logs once what it refuses.
func (r *Robot) requestRealtime(grant func(machine.Settings) machine.Granted) {
	want := r.config.Realtime
	r.granted = protocol.Realtime(grant(machine.Settings{LockMemory: want.LockMemory, Priority: want.Priority,
		MemoryLimit: int64(want.MemoryLimit)}))
	if r.granted.Refused != nil {
		r.log.Warn("the robot runs without all of its realtime settings", "refused", strings.Join(r.granted.Refused, "; "))
	}
}
