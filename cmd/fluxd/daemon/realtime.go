package daemon

import (
	"context"
	"encoding/json"
	"errors"
	"fluxd/bridge/broker"
	"fluxd/bridge/protocol"
	"fluxd/cmd/fluxd/hardware"
	"fluxd/cmd/fluxd/machine"
	"fluxd/cmd/fluxd/tuning"
	"fmt"
	"log/slog"
	"os"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"fluxd/actuators"
	"fluxd/boards/sim"
	"fluxd/boards/sim/worlds"
	"fluxd/bridge"
	"fluxd/configs"
	"fluxd/core"
	"fluxd/files"
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

// Robot is a robot running in real time.
type Robot struct {
	*robot
	start      time.Time
	readings   chan reading
	requests   chan request
	pings      chan struct{} // one slot: the guardian asks whether the loop is there
	done       chan struct{} // closed when the loop has ended: nobody answers requests any more
	goroutines sync.WaitGroup
	watchdogs  machine.Watchdogs
	tuner      *tuning.Tuner
	bridge     *bridge.Bridge // nil without MQTT
	broker     *broker.Broker // nil without one of its own
	describe   protocol.Description

	dropped  atomic.Uint64 // readings that found the queue full
	spikes   atomic.Uint64
	ignored  atomic.Uint64 // arrivals
	waiting  atomic.Int64
	lateness atomic.Uint64

	granted       protocol.Realtime // by the machine, at the start
	loopLateness  machine.Latencies
	toWrite       [causes]machine.Latencies // from when a wish was due until it was written
	meter         meter
	learnt, tuned *keptFile         // nil where the robot file names none
	keptRevision  protocol.Revision // that tuned holds; its mutex's
	spikeLog      spikeLog
}

// reading is what a sensor's goroutine hands to the loop.
type reading struct {
	line  *sensorLine
	at    time.Duration
	value int64
}

// request is something that only the owner of the network may do.
type request struct {
	do     func() answer
	turn   *atomic.Bool // taken by the first: the loop to do it, or who asked to give it up
	answer chan answer  // buffered, so that the loop never waits for whoever asked
}

type answer struct {
	snapshot []byte
	spikes   int
	err      error
}

const (
	readingQueue = 1024
	// stretch bounds how much network time the loop computes before it looks at its other duties: a network too busy for this
	// machine falls behind, but it can still be tuned and stopped.
	stretch = core.Tick(10_000)
	// worldStep is how often a simulated world is brought up to the wall clock; it still integrates in its own, finer steps.
	worldStep = 5 * time.Millisecond
	// answerWait bounds how long a request waits for the loop.
	answerWait = 2 * time.Second
	// soon is what is due within the time that it would take to go to sleep and be woken: the loop stays awake for it.
	soon = 5 * time.Microsecond
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
	l, err := newRobot(config, opts)
	if err != nil {
		return err
	}
	defer func() {
		err = errors.Join(err, l.halt())
		if opts.Ended != nil {
			close(opts.Ended)
		}
	}()
	defer l.protect()
	if err := l.claimFiles(); err != nil {
		return err
	}
	defer func() { l.learnt.close(); l.tuned.close() }()
	stop, err := l.openStop()
	if err != nil {
		return err
	}
	if l.watchdogs, err = machine.OpenWatchdogs(config.Safety.Watchdog, opts.Signs, l.log); err != nil {
		return err
	}
	defer l.watchdogs.Close()
	l.tuner = tuning.New(config, l.network, l.robot)
	if err := l.resume(opts.Overlays); err != nil {
		return err
	}
	l.describe = l.description()

	l.settle(machine.Grant) // before anybody asks what is granted

	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if config.MQTT.Broker != "none" {
		defer func() {
			if l.broker != nil {
				l.broker.Close()
			}
		}()
		if err := l.connect(ctx, opts); err != nil {
			return err
		}
		defer l.bridge.Close()
	}
	l.watchdogs.Sign(machine.Moving)
	wait := l.launch(ctx)
	if stop != nil {
		l.begin(ctx, func(ctx context.Context) { l.watchStop(ctx, stop) }) // it must see its switch whatever hangs
	}
	if config.Board.Kind != "sim" {
		for _, one := range config.Warnings {
			l.log.Warn("the wiring wants a look", "warning", one)
		}
	}
	if opts.Arm || armsAtStart(config) {
		if err := l.armAtStart(); err != nil {
			l.log.Error("not armed", "error", err)
		}
	} else {
		l.log.Info("disarmed: actuators stay at failsafe until 'fluxctl arm'")
	}
	l.watchdogs.Ready()
	if opts.Started != nil {
		opts.Started(l)
	}
	l.log.Info("running", "robot", config.Name, "board", l.body.Board.String(), "neurons", l.network.Neurons(), "sensors", len(l.sensors), "actuators", len(l.outputs),
		"scheduler", l.granted.Scheduler, "memory_locked", l.granted.MemoryLocked, "memory_limit", l.granted.MemoryLimit)
	func() {
		defer l.protect() // before the bridge is closed, which may take a moment
		l.loop(ctx)
	}()
	close(l.done)
	l.watchdogs.Sign(machine.Ending)
	cancel()
	// Nobody commands any more: the actuators come first, before anything that may take time.
	err = l.body.Failsafe()
	l.log.Info("stopped: actuators are at failsafe")
	err = errors.Join(err, wait())
	if config.Learnt != nil { // the loop has ended: the network is ours
		l.learnt.mutex.Lock()
		err = errors.Join(err, l.writeLearnt(l.snapshot()))
		l.learnt.mutex.Unlock()
	}
	if c := config.Tuning; c != nil && c.Persist {
		err = errors.Join(err, l.keep(l.Revision()))
	}
	return err
}

// claimFiles claims what the robot keeps for its next run.
func (l *Robot) claimFiles() (err error) {
	if mistakes := l.checkKept(); mistakes != nil {
		return mistakes
	}
	if c := l.config.Learnt; c != nil {
		if l.learnt, err = openKept(c.File, core.MaxSnapshot); err != nil {
			return fmt.Errorf("learnt: %w", err)
		}
	}
	if c := l.config.Tuning; c != nil {
		if l.tuned, err = openKept(c.File, configs.MaxSize); err != nil {
			return fmt.Errorf("tuning: %w", err)
		}
	}
	return nil
}

// resume gives the robot what was tuned and what it has learnt, in the order in which that happened: first the limits within which it learnt.
func (l *Robot) resume(overlays []*configs.Overlay) error {
	own, err := l.recall()
	if err != nil {
		l.log.Error("cannot use all that was tuned before", "error", err)
	}
	if err := l.tuner.Apply(overlays); err != nil {
		return err
	}
	if own != nil {
		overlays = append([]*configs.Overlay{own}, overlays...)
	}
	revision := uint64(0)
	if l.config.Learnt != nil {
		if revision, err = l.remember(); err != nil {
			l.log.Error("cannot use what was learnt before", "error", err)
		}
	}
	return l.tuner.Settle(overlays, revision)
}

// newRobot makes all parts of a robot, its actuators at failsafe; nothing runs yet.
func newRobot(config *configs.Robot, opts RunOptions) (*Robot, error) {
	l := &Robot{start: time.Now(), readings: make(chan reading, readingQueue), requests: make(chan request, 16), pings: make(chan struct{}, 1), done: make(chan struct{})}
	var err error
	if l.robot, err = assemble(config, hardware.Options{Seed: opts.Seed, Root: opts.Root, Log: opts.Log, BusWait: busWait}, func() time.Duration { return time.Since(l.start) }); err != nil {
		return nil, err
	}
	l.event = l.tell
	l.telemetry.Store(int64(config.MQTT.Telemetry))
	if config.Learnt != nil {
		l.savingEvery.set(config.Learnt.Every)
	}
	return l, nil
}

// connect starts the bridge to MQTT, and before it the robot's own broker if it has one.
func (l *Robot) connect(ctx context.Context, opts RunOptions) error {
	c := l.config.MQTT
	o := bridge.Options{Robot: l.config.Name, Broker: c.Broker, User: c.User, Version: opts.Version, HomeAssistant: c.HomeAssistant, Log: l.log}
	if c.Broker == "embedded" {
		if err := l.startBroker(ctx, opts); err != nil {
			return fmt.Errorf("mqtt: %w", err)
		}
		o.Broker, o.Dial = l.broker.URL(), l.broker.Dial
		o.User, o.Password = l.broker.Login()
	} else {
		if c.TLS != nil {
			o.TLS = protocol.TLS(*c.TLS)
		}
		var err error
		if o.Password, err = password(c); err != nil {
			return fmt.Errorf("mqtt: %w", err)
		}
	}
	var err error
	if l.bridge, err = bridge.Start(ctx, bridge.Robot{Telemetry: l, Safety: l, Tuner: l, Teacher: l, ByHand: l, Spikes: l}, o); err != nil {
		return fmt.Errorf("mqtt: %w", err)
	}
	if c.HomeAssistant && c.Fleet != nil {
		l.log.Warn("Home Assistant finds the robot at the robot's own broker, and not at the fleet's hub, which does not get the message for it")
		l.event(protocol.DiscoveryLost, "at the fleet's hub: it does not get the message for Home Assistant; at the robot's own broker the robot is found")
	}
	return nil
}

// startBroker starts the robot's own broker. It lives until the bridge to it has been closed.
func (l *Robot) startBroker(ctx context.Context, opts RunOptions) (err error) {
	c := l.config.MQTT
	described, err := json.Marshal(l.describe)
	if err != nil {
		return err
	}
	o := broker.Options{Robot: l.config.Name, Listen: c.Listen, Passwords: c.Passwords, Clients: c.Clients, Described: len(described), Program: opts.Broker, Log: l.log}
	if c.TLS != nil {
		o.TLS = broker.TLS{Certificate: c.TLS.Certificate, Key: c.TLS.Key, CA: c.TLS.CA}
	}
	if f := c.Fleet; f != nil {
		o.Fleet = broker.Fleet{URL: f.URL, User: f.User, CA: f.CA}
		if o.Fleet.Password, err = readPassword(f.PasswordFile); err != nil {
			return fmt.Errorf("fleet: %w", err)
		}
	}
	l.broker, err = broker.Start(context.WithoutCancel(ctx), o)
	return err
}

// password finds the password for an external broker. It never stands in the robot file, which is copied and shown.
func password(c configs.MQTT) (string, error) {
	switch {
	case c.PasswordFile != "":
		return readPassword(c.PasswordFile)
	case c.PasswordEnv != "":
		text, set := os.LookupEnv(c.PasswordEnv)
		if !set {
			return "", fmt.Errorf("password_env: the environment has no %s", c.PasswordEnv)
		}
		return text, nil
	}
	return "", nil
}

// maxPassword bounds a file that holds a password: MQTT can carry 65,535 bytes.
const maxPassword = 64 << 10

// readPassword reads a file that holds a password; without a file there is none.
func readPassword(file string) (string, error) {
	if file == "" {
		return "", nil
	}
	text, err := files.Read(file, maxPassword)
	if err != nil {
		return "", fmt.Errorf("password_file: %w", err)
	}
	return strings.TrimRight(string(text), "\r\n"), nil
}

// launch starts the goroutines around the loop, each protected against panics and ended by the context. The function it returns
// waits for them, not for ever.
func (l *Robot) launch(ctx context.Context) (wait func() error) {
	start := func(f func(context.Context)) { l.begin(ctx, f) }
	for _, o := range l.outputs {
		start(func(ctx context.Context) { l.act(ctx, o) }) // a slow bus holds up its own actuator only
	}
	start(l.guardian) // it must see the others hang
	for _, s := range l.sensors {
		start(func(ctx context.Context) { l.watch(ctx, s) }) // reading a bus blocks, and so does waiting for an edge
	}
	if l.config.Learnt != nil {
		start(l.keepSaving) // a disk may be slow
	}
	if l.body.World != nil {
		start(l.turnWorld) // the world goes on while nobody looks
	}
	return func() error {
		ended := make(chan struct{})
		go func() { l.goroutines.Wait(); close(ended) }() // left behind only when a driver hangs for good
		select {
		case <-ended:
			return nil
		case <-time.After(haltWait):
			return fmt.Errorf("a sensor or actuator did not return within %v: its bus may be stuck", haltWait)
		}
	}
}

// begin starts one of the goroutines around the loop.
func (l *Robot) begin(ctx context.Context, f func(context.Context)) {
	l.goroutines.Add(1)
	go func() {
		defer l.goroutines.Done()
		defer l.protect()
		f(ctx)
	}()
}

// loop owns the network: it sleeps until the next spike, reading or request, whichever is first, and polls nothing.
func (l *Robot) loop(ctx context.Context) {
	alarm := machine.NewAlarm(l.clock)
	defer alarm.Stop()
	always := make(chan struct{})
	close(always)
	now := l.clock()
	for {
		rings := alarm.Rings
		if due, waiting := l.due(); waiting {
			if due <= now+soon {
				rings = always
			} else {
				alarm.Wake(due)
			}
		}
		select {
		case <-ctx.Done():
			return
		case r := <-l.readings:
			now = l.turn(r, true)
		case q := <-l.requests:
			if q.turn.Swap(true) {
				continue // nobody waits for it any more
			}
			q.answer <- q.do()
			now = l.turn(reading{}, false) // what it has changed shows at once
		case <-l.pings:
			l.safety.answers.Store(int64(l.clock()))
		case <-rings:
			if rings == alarm.Rings {
				alarm.Rung()
			}
			now = l.turn(reading{}, false)
		}
	}
}

// due is when the network or a decoder wants attention, and false when neither does.
func (l *Robot) due() (time.Duration, bool) {
	next, waiting := l.next()
	return time.Duration(next) * time.Microsecond, waiting
}

// turn brings the network up to the present, with all readings that wait, and hands changed wishes to the actuators. It returns the
// time at its end. Nothing in it allocates or waits: it is the way of every reflex.
func (l *Robot) turn(r reading, taken bool) time.Duration {
	due, waiting := l.due()
	if taken && (!waiting || r.at < due) {
		due, waiting = r.at, true
	}
	if taken {
		l.take(r)
	}
	for range len(l.readings) { // those that came together are judged together
		l.take(<-l.readings)
	}
	now := l.clock()
	if waiting && due > now {
		waiting = false // woken too early: nothing is done late
	}
	until := core.Tick(now.Microseconds())
	if next, waiting := l.next(); waiting {
		until = min(until, next+stretch)
	}
	l.think(until)
	l.spikeLog.note(now, l.robot.spikes)
	l.lookAfterHand(l.clock())
	posted := false
	for _, o := range l.outputs {
		if l.manual.taken {
			o.fired = [causes]core.Tick{} // no spike is answered
		}
		if wish, changed := l.decide(o); changed {
			why, due := bySpike, time.Duration(o.fired[bySpike])*time.Microsecond
			if edge := o.fired[byEdge]; edge != 0 {
				why, due = byEdge, time.Duration(edge)*time.Microsecond-l.held
			}
			o.post(wish, why, due)
			posted = true
		}
		if o.fired != [causes]core.Tick{} && o.Guard.Renew(now) {
			o.rouse()
		}
		o.fired = [causes]core.Tick{}
	}
	if posted {
		runtime.Gosched() // the actuators first: what is left to do here can wait for them, and setting the alarm takes a system call
	}
	end := l.clock()
	if next, waiting := l.due(); !waiting || next > end {
		l.since, l.held = never, 0 // what comes later has waited for its time
	}
	if waiting {
		l.loopLateness.Note(end - due)
	}
	counters := l.network.Counters()
	l.spikes.Store(counters.Spikes)
	l.ignored.Store(counters.Ignored)
	l.waiting.Store(int64(l.network.Waiting()))
	l.lateness.Store(l.late)
	return end
}

// take feeds a reading to the network, and from now on spikes of motor neurons answer it.
func (l *Robot) take(r reading) {
	r.line.pending.Add(-1)
	at := core.Tick(r.at.Microseconds())
	if now := l.network.Now(); at < now { // it was under way while the network went on: its spikes come late by so much
		l.held = max(l.held, time.Duration(now-at)*time.Microsecond)
		l.since = min(l.since, now)
	} else {
		l.since = min(l.since, at)
	}
	l.feed(r.line, at, r.value)
}

// act moves one actuator after the latest wish.
func (l *Robot) act(ctx context.Context, o *outputLine) {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	var again <-chan time.Time // nil while the actuator does what is wished
	failing := false
	for {
		select {
		case <-ctx.Done():
			return
		case <-o.wake:
		case <-again:
		}
		err := l.move(o)
		if due, ok := o.Guard.Due(); ok {
			timer.Reset(due - l.clock())
			again = timer.C
		} else {
			again = nil
		}
		switch {
		case err != nil && !failing:
			failing = true
			l.log.Warn("actuator does not answer; trying again", "actuator", o.Name, "error", err)
			l.event(protocol.ActuatorFault, o.Name+": "+err.Error())
		case err == nil && failing:
			failing = false
			l.log.Info("actuator answers again", "actuator", o.Name)
			l.event(protocol.ActuatorRecovered, o.Name)
		}
	}
}

// move lets an actuator's guard write what is due, after it has been told the wish if there is a new one, and notes how long after
// it was due the wish was written.
func (l *Robot) move(o *outputLine) error {
	now := l.clock()
	if o.news.Swap(false) {
		// The times first: they are posted last, so that the wish that is read behind them is their own or a newer one.
		for why := range o.due {
			if due := time.Duration(o.due[why].Swap(0)); due != 0 && o.unanswered[why] == 0 {
				o.unanswered[why] = due
			}
		}
		o.Guard.Set(now, actuators.Command(o.mailbox.Load()))
	}
	if err := o.step(now); err != nil {
		return err
	}
	if o.Guard.Held() != 0 { // nothing was answered
		o.unanswered = [causes]time.Duration{}
	}
	if o.unanswered != [causes]time.Duration{} {
		written := l.clock()
		for why, due := range o.unanswered {
			if due != 0 {
				l.toWrite[why].Note(written - due)
			}
		}
		o.unanswered = [causes]time.Duration{}
	}
	return nil
}

// turnWorld brings the simulated world up to the wall clock and sends its events.
func (l *Robot) turnWorld(ctx context.Context) {
	ticker := time.NewTicker(worldStep)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		l.body.World.Advance(l.clock())
		for _, e := range l.body.World.Events() {
			kind, _ := protocol.FindEventKind(e.Code) // a test of package protocol holds that there is one
			l.log.Info(kind.Meaning(), "after", l.clock().Round(time.Millisecond), "text", e.Text)
			l.event(kind, e.Text)
		}
	}
}

// tell publishes an event; without a broker nobody hears it.
func (l *Robot) tell(kind protocol.EventKind, text string) {
	if b := l.bridge; b != nil {
		b.Event(kind, text)
	}
}

// Broker returns the URL at which clients reach the robot's broker, or "" without MQTT.
func (l *Robot) Broker() string {
	if l.bridge == nil {
		return ""
	}
	return l.bridge.URL()
}

// World returns the simulated world, or nil where nothing moves. It may be looked at from any goroutine.
func (l *Robot) World() worlds.World { return l.body.World }

// Simulated returns the simulated board, or nil on a real one: a test is the world around it.
func (l *Robot) Simulated() *sim.Board {
	b, _ := l.body.Board.(*sim.Board)
	return b
}

// ask has the loop do something and waits for the answer, not for ever. What the loop has not begun with by then it never does.
func (l *Robot) ask(ctx context.Context, do func() answer) answer {
	ctx, cancel := context.WithTimeout(ctx, answerWait)
	defer cancel()
	q := request{do: do, turn: &atomic.Bool{}, answer: make(chan answer, 1)}
	busy := func(why string) answer { return answer{err: &protocol.Error{Code: protocol.Busy, Message: why}} }
	select {
	case l.requests <- q:
	case <-l.done:
		return busy("the robot has stopped")
	case <-ctx.Done():
		return busy("the control loop takes no requests now; try again")
	}
	select {
	case a := <-q.answer:
		return a
	case <-l.done:
		return busy("the robot has stopped")
	case <-ctx.Done():
	}
	if !q.turn.Swap(true) {
		return busy("the control loop did not come to it in time: nothing was done; try again")
	}
	select { // it has begun
	case a := <-q.answer:
		return a
	case <-l.done:
		return busy("the robot has stopped")
	}
}
