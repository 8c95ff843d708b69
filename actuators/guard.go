package actuators

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// guardPeriod is the time from one write to the next while a command slews or a failed write is repeated: servos take a new position
// every 20 ms, the mechanics of a motor answer in some 50 ms.
const guardPeriod = 10 * time.Millisecond

// ExpanderRefresh is the Refresh of what has a pin on an expander: a chip that lost its supply for a moment is set up again by
// the next write.
const ExpanderRefresh = 500 * time.Millisecond

// Slew is how fast a command may change: millionths of full scale in a second.
type Slew int64

// GuardOpts are what a Guard holds its device to.
type GuardOpts struct {
	// Min and Max bound the commands, within -Full and Full.
	Min, Max Command
	// Slew is how far the command may move in a second: 4 * Slew(Full) takes half a second from full reverse to full forward. It
	// spares gears and supply, and keeps servos from jumping. 0 is no limit.
	Slew Slew
	// Failsafe is the command that is safe when nobody is in charge, from Min to Max: 0 for a motor.
	Failsafe Command
	// Timeout is how old a wish may become, counted from the last Set or Renew: then the failsafe value is written, until there is a
	// new one. 0 is for ever.
	Timeout time.Duration
	// Refresh is how often the device is written to although nothing has changed: one that forgets, such as a chip that a starting motor
	// robs of its supply, is told again. 0 is never.
	Refresh time.Duration
}

// A Hold is a reason to keep a device at its failsafe value, whatever is wished. Several can hold at once.
type Hold uint32

// The reasons.
const (
	// Disarmed: nobody has armed the robot.
	Disarmed Hold = 1 << iota
	// EmergencyStop: somebody has stopped it.
	EmergencyStop
	// Stalled: the network's loop does not answer.
	Stalled
	// Stale: a sensor that the wishes depend on has had no good reading for too long.
	Stale
	// Expired: the wish is older than its timeout. The guard sets and clears it by itself.
	Expired
)

// holdNames are the names of the reasons, in the order of their bits.
var holdNames = [...]string{"disarmed", "emergency stop", "loop stalled", "sensor stale", "command timed out"}

// Reasons names what holds; nil when nothing does.
func (h Hold) Reasons() []string {
	var names []string
	for i, name := range holdNames {
		if h&(1<<i) != 0 {
			names = append(names, name)
		}
	}
	return names
}

// Guard is the only way to a device. It is handed wishes and the time, and writes what is due; it has no clock of its own. All its
// methods may be called from any goroutine. A write that blocks, on a bus that hangs, blocks them all but Applied, Hold, Release,
// Held, Renew and Faults: Failsafe too.
//
// While anything holds, the device is kept at its failsafe value, which is written at once, whatever the slew rate: stopping comes
// before gears. When nothing holds any more the command moves from there to the wish at the slew rate.
type Guard struct {
	device Device
	opts   GuardOpts
	holds  atomic.Uint32 // but Expired, from any goroutine
	fresh  atomic.Int64  // when the wish was last set or renewed

	mu      sync.Mutex
	started bool
	latched bool          // Failsafe was called
	safe    bool          // and it succeeded
	asked   Command       // the last wish, as it came
	wish    Command       // the same, in range
	applied Command       // last written
	unsure  bool          // a write failed: the device may do anything between what it did and what it was told
	settled time.Duration // the time that the slew rate has been granted up to
	due     time.Duration
	stepped time.Duration // when Step was last called
	written time.Duration // when something was last written, or tried to be
	heeded  Hold          // what held then

	shown atomic.Int64 // applied, for who looks on: a look must not hold up a write, nor a hanging write a look

	record   sync.Mutex // of what failed; never held over a write
	faults   int
	lastFail error
	failing  bool // the last write
}

// NewGuard makes the guard of a device. It writes nothing.
func NewGuard(d Device, opts GuardOpts) (*Guard, error) {
	if err := opts.check(d); err != nil {
		return nil, err
	}
	g := &Guard{device: d, opts: opts, asked: opts.Failsafe, wish: opts.Failsafe, applied: opts.Failsafe}
	g.shown.Store(int64(opts.Failsafe))
	return g, nil
}

func (o *GuardOpts) check(d Device) error {
	switch {
	case o.Min < -Full || o.Max > Full || o.Min >= o.Max:
		return fmt.Errorf("%s: range: expected %d <= min < max <= %d, got min %d and max %d", d, -Full, Full, o.Min, o.Max)
	case o.Slew < 0:
		return fmt.Errorf("%s: slew: expected more than 0, or 0 for no limit, got %d", d, o.Slew)
	case o.Timeout < 0 || o.Refresh < 0:
		return fmt.Errorf("%s: timeout and refresh: expected more than 0, or 0 for none, got %v and %v", d, o.Timeout, o.Refresh)
	case o.Failsafe < o.Min || o.Failsafe > o.Max:
		return fmt.Errorf("%s: failsafe: expected a command within the range %d to %d, got %d", d, o.Min, o.Max, o.Failsafe)
	}
	return nil
}

// Adjust holds the device to other options from now on. A wish that the old range has cut short is cut to the new one. change, unless it is
// nil, alters the device itself between two writes, as its Adjusted returned it; then the next Step writes once more. The failsafe value
// cannot change: then it fails, and nothing has.
func (g *Guard) Adjust(at time.Duration, opts GuardOpts, change func()) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if err := opts.check(g.device); err != nil {
		return err
	}
	if opts.Failsafe != g.opts.Failsafe {
		return fmt.Errorf("%s: failsafe: expected %d, as it was made with, got %d", g.device, g.opts.Failsafe, opts.Failsafe)
	}
	if !g.pending() {
		g.rest(at)
	}
	g.opts = opts
	if wish := min(max(g.asked, opts.Min), opts.Max); wish != g.wish {
		g.wish, g.due = wish, at
	}
	if change != nil {
		change()
		g.unsure, g.due = true, at // what it was told means something else now
	}
	return nil
}

// Start writes the failsafe value, before anything else can be written. When it fails it may be called again.
func (g *Guard) Start(at time.Duration) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.latched {
		return fmt.Errorf("%s: start: its failsafe was called; make a new guard to drive it again", g.device)
	}
	if err := g.write(g.opts.Failsafe); err != nil {
		return fmt.Errorf("start at the failsafe value: %w", err)
	}
	g.started, g.asked, g.wish, g.settled, g.written = true, g.opts.Failsafe, g.opts.Failsafe, at, at
	g.fresh.Store(int64(at))
	return nil
}

// Hold keeps the device at its failsafe value until every reason is released. It never waits: the next Step writes, which Due asks for
// at once.
func (g *Guard) Hold(why Hold) { g.holds.Or(uint32(why)) }

// Release takes reasons back.
func (g *Guard) Release(why Hold) { g.holds.And(^uint32(why)) }

// Held says what holds the device at its failsafe value; Expired as of the last Step.
func (g *Guard) Held() Hold { return Hold(g.holds.Load()) }

// Renew says that the wish still holds good. It never waits, and reports whether the wish had expired: then Due asks for a Step.
func (g *Guard) Renew(at time.Duration) (expired bool) {
	g.fresh.Store(int64(at))
	return g.Held()&Expired != 0
}

// Set wishes for a command; one out of range becomes the nearest in range. Nothing is written before the next Step. Before Start and
// after Failsafe a wish is ignored.
func (g *Guard) Set(at time.Duration, c Command) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.started || g.latched {
		return
	}
	g.fresh.Store(int64(at))
	g.asked = c
	c = min(max(c, g.opts.Min), g.opts.Max)
	if !g.pending() {
		g.rest(at)
	}
	if c != g.wish {
		g.wish, g.due = c, at
	}
}

// Step writes what is due: the command moves from the one last written towards the wish, by at most the slew rate times the time
// since it last moved or, after rest, since 10 ms before Set; while anything holds, it is the failsafe value at once. It writes only what differs
// from the last write, or what is to be refreshed. A write that failed is repeated by the next Step, and its error returned and counted. After Failsafe it does
// nothing.
func (g *Guard) Step(at time.Duration) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.latched {
		return nil
	}
	if !g.started {
		return fmt.Errorf("%s: step: expected Start before", g.device)
	}
	g.stepped = at
	held := g.expire(at)
	if g.heeded != 0 && held == 0 {
		g.rest(at)
	}
	g.heeded = held
	refresh := g.opts.Refresh > 0 && at-g.written >= g.opts.Refresh
	if !g.pending() && !refresh {
		return nil
	}
	g.due = at + guardPeriod
	next, granted := g.opts.Failsafe, at
	if held == 0 {
		next, granted = g.slew(at)
	}
	if next == g.applied && !g.unsure && !refresh {
		return nil
	}
	g.written = at // or tried to
	if err := g.write(next); err != nil {
		g.settled = at // the time of a failure is not made up for by a jump
		return err
	}
	g.settled = granted
	return nil
}

// rest ends a time without movement. It has not saved up slew, but for one step's worth: a reflex moves at once, not with the next step.
func (g *Guard) rest(at time.Duration) { g.settled, g.due = max(g.settled, at-guardPeriod), at }

// expire judges the age of the wish, and returns all that holds.
func (g *Guard) expire(at time.Duration) Hold {
	if g.opts.Timeout != 0 {
		if at-time.Duration(g.fresh.Load()) >= g.opts.Timeout {
			g.Hold(Expired)
		} else {
			g.Release(Expired)
		}
	}
	return g.Held()
}

// Due is when Step wants to be called: at once after a new wish and when what holds has changed, every 10 ms while the command slews or
// a write is to be repeated, when the wish expires, and when the device is to be refreshed; false when the device does what it should and will go on so.
func (g *Guard) Due() (at time.Duration, ok bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.started || g.latched {
		return 0, false
	}
	expires := time.Duration(g.fresh.Load()) + g.opts.Timeout
	if g.Held() != g.heeded || g.heeded&Expired != 0 && expires > g.stepped {
		return 0, true
	}
	if g.pending() {
		at, ok = g.due, true
	}
	if moved := g.applied != g.opts.Failsafe || g.wish != g.opts.Failsafe; moved && g.opts.Timeout != 0 && g.heeded == 0 && (!ok || expires < at) {
		at, ok = expires, true
	}
	if refresh := g.written + g.opts.Refresh; g.opts.Refresh > 0 && (!ok || refresh < at) {
		at, ok = refresh, true
	}
	return at, ok
}

// Failsafe writes the failsafe value at once, whatever the slew rate, and halts the device, also when the write fails. From then on the
// guard writes nothing else. It may be called at any time, also before Start; when all went well a further call does nothing, otherwise it
// tries again.
func (g *Guard) Failsafe() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.latched = true
	if g.safe {
		return nil
	}
	written, halted := g.write(g.opts.Failsafe), g.attempt(g.device.Halt)
	g.safe = written == nil && halted == nil
	if written != nil {
		written = fmt.Errorf("failsafe: %w", written)
	}
	if halted != nil {
		halted = fmt.Errorf("halt: %w", halted)
	}
	return errors.Join(written, halted)
}

// attempt makes an error of a device's panic: that is a fault of this device, and keeps neither its own halt nor any other device from
// its failsafe.
func (g *Guard) attempt(do func() error) (err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("%s: panic: %v", g.device, cause)
		}
	}()
	return do()
}

// Applied is the command that was last written: the failsafe value before the first write. It never blocks, unlike the others.
func (g *Guard) Applied() Command { return Command(g.shown.Load()) }

// Faults counts the writes that failed, gives the last error, and says whether the last write failed. It never
// blocks.
func (g *Guard) Faults() (count int, last error, failing bool) {
	g.record.Lock()
	defer g.record.Unlock()
	return g.faults, g.lastFail, g.failing
}

// pending says whether the device does something else than it should.
func (g *Guard) pending() bool {
	target := g.wish
	if g.heeded != 0 {
		target = g.opts.Failsafe
	}
	return g.unsure || g.applied != target
}

// slew gives the command that the slew rate allows at a time, and the time up to which it used the rate. That is a little earlier than
// now where the rate allows no whole step yet: slow rates would else never move at all.
func (g *Guard) slew(at time.Duration) (next Command, granted time.Duration) {
	if g.opts.Slew == 0 {
		return g.wish, at
	}
	way := g.wish - g.applied
	distance, elapsed := max(way, -way), max(at-g.settled, 0)
	if needed := timeFor(distance, g.opts.Slew); elapsed >= needed {
		return g.wish, g.settled + needed
	}
	// Elapsed is less than the time needed, so the product is less than distance * 1e9: at most 2e15.
	moved := Command(int64(g.opts.Slew) * int64(elapsed) / int64(time.Second))
	granted = g.settled + timeFor(moved, g.opts.Slew)
	if way < 0 {
		return g.applied - moved, granted
	}
	return g.applied + moved, granted
}

// timeFor is the time that a rate per second needs for a distance, rounded up.
func timeFor(distance Command, rate Slew) time.Duration {
	whole, rest := int64(distance)*int64(time.Second)/int64(rate), int64(distance)*int64(time.Second)%int64(rate)
	if rest > 0 {
		whole++
	}
	return time.Duration(whole)
}

// write is the only place that drives the device. It takes the device for unsure until the write has succeeded.
func (g *Guard) write(c Command) error {
	g.unsure = true
	if err := g.attempt(func() error { return g.device.Drive(c) }); err != nil {
		g.fault(err)
		return err
	}
	g.applied, g.unsure = c, false
	g.shown.Store(int64(c))
	g.record.Lock()
	g.failing = false
	g.record.Unlock()
	return nil
}

func (g *Guard) fault(err error) {
	g.record.Lock()
	defer g.record.Unlock()
	g.faults++
	g.lastFail, g.failing = err, true
}
