package actuators

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// guardPeriod is the time from one write to the next while a command slews or a failed write is repeated. Servos accept a new
// position every 20 ms, the mechanics of a motor answer in some 50 ms.
const guardPeriod = 10 * time.Millisecond

// ExpanderRefresh is the Refresh of a device with a pin on an expander: if the chip lost its supply for a moment, the next write
// sets it up again.
const ExpanderRefresh = 500 * time.Millisecond

// Slew is the slew rate: how far a command may change in a second, in millionths of full scale.
type Slew int64

// GuardOpts are the limits that a Guard enforces.
type GuardOpts struct {
	// Min and Max bound the commands, within -Full and Full.
	Min, Max Command
	// Slew is how far the command may move in a second: 4 * Slew(Full) takes half a second from full reverse to full forward. It
	// spares gears and supply, and keeps servos from jumping. 0 is no limit.
	Slew Slew
	// Failsafe is the command that is safe when nothing controls the device, from Min to Max: 0 for a motor.
	Failsafe Command
	// Timeout is how long a requested command stays valid after the last Set or Renew. Then the failsafe value is written, until the
	// next Set or Renew. 0 is forever.
	Timeout time.Duration
	// Refresh is how often the same command is written again, for a device that may lose it, such as a chip whose supply a starting
	// motor interrupts. 0 is never.
	Refresh time.Duration
}

// A Hold is a set of reasons to keep a device at its failsafe value, whatever command is requested.
type Hold uint32

// The reasons.
const (
	// Disarmed: the robot is not armed.
	Disarmed Hold = 1 << iota
	// EmergencyStop: an emergency stop is in force.
	EmergencyStop
	// Stalled: the network's loop does not answer.
	Stalled
	// Stale: a sensor that the command depends on has had no good reading for too long.
	Stale
	// Expired: the requested command is older than its timeout. The guard itself sets and clears this reason.
	Expired
)

// holdNames are the names of the reasons, in the order of their bits.
var holdNames = [...]string{"disarmed", "emergency stop", "loop stalled", "sensor stale", "command timed out"}

// Reasons returns the names of the reasons in h; nil for none.
func (h Hold) Reasons() []string {
	var names []string
	for i, name := range holdNames {
		if h&(1<<i) != 0 {
			names = append(names, name)
		}
	}
	return names
}

// Guard is the only way to a device. Its callers hand it the time and the commands that they request; it writes what is due. It
// has no clock. All its methods may be called from any goroutine. A write that blocks, on a bus that hangs, blocks all methods,
// Failsafe included, except Applied, Hold, Release, Held, Renew and Faults.
//
// While any Hold is set the device is kept at its failsafe value. That value is written at once, whatever the slew rate: stopping
// comes before sparing the gears. When the last Hold is released, the command moves from there to the requested one at the slew
// rate.
type Guard struct {
	device  Device
	opts    GuardOpts
	holds   atomic.Uint32 // all but Expired are set and cleared by callers, from any goroutine
	renewed atomic.Int64  // time of the last Set or Renew

	mu        sync.Mutex
	started   bool
	latched   bool          // Failsafe was called
	safe      bool          // and it succeeded
	requested Command       // by the last Set
	target    Command       // requested, within the range: where the command moves to
	applied   Command       // last written
	uncertain bool          // a write failed: the device may be anywhere between its last command and the new one
	slewedTo  time.Duration // the slew rate has been used up to this time
	due       time.Duration
	lastStep  time.Duration
	lastWrite time.Duration // also one that failed
	stepHolds Hold          // as of lastStep

	lastKnown atomic.Int64 // applied, for readers: a reader must not block a write, and a hanging write must not block a reader

	faultMu   sync.Mutex // guards what follows; it is never held during a write
	faults    int
	lastFault error
	failing   bool // the last write failed
}

// NewGuard makes the guard of a device. It writes nothing.
func NewGuard(d Device, opts GuardOpts) (*Guard, error) {
	if err := opts.check(d); err != nil {
		return nil, err
	}
	g := &Guard{device: d, opts: opts, requested: opts.Failsafe, target: opts.Failsafe, applied: opts.Failsafe}
	g.lastKnown.Store(int64(opts.Failsafe))
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

// Adjust applies other options from now on. A command that the old range has limited is limited by the new one instead. The
// failsafe value cannot change: then Adjust fails, and changes nothing. The function change, if any, alters the device itself
// between two writes; the device's Adjusted returns it. After it the next Step writes again.
func (g *Guard) Adjust(at time.Duration, opts GuardOpts, change func()) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if err := opts.check(g.device); err != nil {
		return err
	}
	if opts.Failsafe != g.opts.Failsafe {
		return fmt.Errorf("%s: failsafe: expected %d, which cannot change, got %d", g.device, g.opts.Failsafe, opts.Failsafe)
	}
	if !g.pending() {
		g.endRest(at)
	}
	g.opts = opts
	if target := min(max(g.requested, opts.Min), opts.Max); target != g.target {
		g.target, g.due = target, at
	}
	if change != nil {
		change()
		g.uncertain, g.due = true, at // the applied command means something else now
	}
	return nil
}

// Start writes the failsafe value; before that nothing else is written. If it fails it may be called again.
func (g *Guard) Start(at time.Duration) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.latched {
		return fmt.Errorf("%s: start: its failsafe was called; make a new guard to drive it again", g.device)
	}
	if err := g.write(g.opts.Failsafe); err != nil {
		return fmt.Errorf("start at the failsafe value: %w", err)
	}
	g.started, g.requested, g.target = true, g.opts.Failsafe, g.opts.Failsafe
	g.slewedTo, g.lastWrite = at, at
	g.renewed.Store(int64(at))
	return nil
}

// Hold keeps the device at its failsafe value until every reason is released. It never waits: the next Step writes, which is due
// at once.
func (g *Guard) Hold(why Hold) { g.holds.Or(uint32(why)) }

// Release clears reasons.
func (g *Guard) Release(why Hold) { g.holds.And(^uint32(why)) }

// Held returns the reasons that keep the device at its failsafe value; Expired as of the last Step.
func (g *Guard) Held() Hold { return Hold(g.holds.Load()) }

// Renew confirms that the requested command is still valid. It never waits. It reports whether the command had expired: then a
// Step is due at once.
func (g *Guard) Renew(at time.Duration) (expired bool) {
	g.renewed.Store(int64(at))
	return g.Held()&Expired != 0
}

// Set requests a command; outside the range the nearest command within it counts. The next Step writes it. Before Start and after
// Failsafe, Set does nothing.
func (g *Guard) Set(at time.Duration, c Command) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.started || g.latched {
		return
	}
	g.renewed.Store(int64(at))
	g.requested = c
	c = min(max(c, g.opts.Min), g.opts.Max)
	if !g.pending() {
		g.endRest(at)
	}
	if c != g.target {
		g.target, g.due = c, at
	}
}

// Step writes what is due. While a Hold is set that is the failsafe value, at once. Otherwise the command moves from the applied
// one towards the requested one, by at most the slew rate times the time since it last moved; after a rest that time is 10 ms.
// Step writes only a command that differs from the applied one or is to be refreshed. If a write fails, Step counts the fault and
// returns its error, and the next Step repeats the write. After Failsafe, Step does nothing.
func (g *Guard) Step(at time.Duration) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.latched {
		return nil
	}
	if !g.started {
		return fmt.Errorf("%s: step: expected Start before", g.device)
	}
	g.lastStep = at
	held := g.expire(at)
	if g.stepHolds != 0 && held == 0 {
		g.endRest(at)
	}
	g.stepHolds = held
	refresh := g.opts.Refresh > 0 && at-g.lastWrite >= g.opts.Refresh
	if !g.pending() && !refresh {
		return nil
	}
	g.due = at + guardPeriod
	next, slewedTo := g.opts.Failsafe, at
	if held == 0 {
		next, slewedTo = g.slew(at)
	}
	if next == g.applied && !g.uncertain && !refresh {
		return nil
	}
	g.lastWrite = at
	if err := g.write(next); err != nil {
		g.slewedTo = at // after failures the command must not jump to make up for the time
		return err
	}
	g.slewedTo = slewedTo
	return nil
}

// endRest ends a time without movement. During it no slew was saved up, except for one period: so that a reflex moves at once,
// not with the next step.
func (g *Guard) endRest(at time.Duration) { g.slewedTo, g.due = max(g.slewedTo, at-guardPeriod), at }

// expire sets or clears Expired by the age of the requested command, and returns all reasons that hold.
func (g *Guard) expire(at time.Duration) Hold {
	if g.opts.Timeout != 0 {
		if at-time.Duration(g.renewed.Load()) >= g.opts.Timeout {
			g.Hold(Expired)
		} else {
			g.Release(Expired)
		}
	}
	return g.Held()
}

// Due returns when Step is to be called next. That is at once after a new request and after a change of the holds; every 10 ms
// while the command slews or a write is to be repeated; when the command expires; and when it is to be refreshed. It returns
// false while the device does what it should and nothing will change that.
func (g *Guard) Due() (at time.Duration, ok bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.started || g.latched {
		return 0, false
	}
	expires := time.Duration(g.renewed.Load()) + g.opts.Timeout
	if g.Held() != g.stepHolds || g.stepHolds&Expired != 0 && expires > g.lastStep {
		return 0, true
	}
	if g.pending() {
		at, ok = g.due, true
	}
	moved := g.applied != g.opts.Failsafe || g.target != g.opts.Failsafe
	if moved && g.opts.Timeout != 0 && g.stepHolds == 0 && (!ok || expires < at) {
		at, ok = expires, true
	}
	if refresh := g.lastWrite + g.opts.Refresh; g.opts.Refresh > 0 && (!ok || refresh < at) {
		at, ok = refresh, true
	}
	return at, ok
}

// Failsafe writes the failsafe value at once, whatever the slew rate, and halts the device, even if the write fails. From then on
// the guard writes nothing else. It may be called at any time, also before Start. After it has succeeded, a further call does
// nothing; otherwise a further call tries again.
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

// attempt turns a panic of the device into an error. A panic is a fault of this device: it must not keep this device from its
// Halt, nor other devices from their failsafe.
func (g *Guard) attempt(do func() error) (err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("%s: panic: %v", g.device, cause)
		}
	}()
	return do()
}

// Applied returns the command that was last written; before the first write, the failsafe value. Unlike most other methods it
// never blocks.
func (g *Guard) Applied() Command { return Command(g.lastKnown.Load()) }

// Faults returns the number of writes that failed, the last error, and whether the last write failed. It never blocks.
func (g *Guard) Faults() (count int, last error, failing bool) {
	g.faultMu.Lock()
	defer g.faultMu.Unlock()
	return g.faults, g.lastFault, g.failing
}

// pending reports whether the device does not yet do what it should.
func (g *Guard) pending() bool {
	target := g.target
	if g.stepHolds != 0 {
		target = g.opts.Failsafe
	}
	return g.uncertain || g.applied != target
}

// slew returns the command that the slew rate allows now, and the time up to which that uses the rate. It is a little earlier
// than now when the rate does not allow a whole millionth more; otherwise slow rates would never move at all.
func (g *Guard) slew(at time.Duration) (next Command, slewedTo time.Duration) {
	if g.opts.Slew == 0 {
		return g.target, at
	}
	way := g.target - g.applied
	distance, elapsed := max(way, -way), max(at-g.slewedTo, 0)
	if needed := timeFor(distance, g.opts.Slew); elapsed >= needed {
		return g.target, g.slewedTo + needed
	}
	// Elapsed is less than the time needed, so the product is less than distance * 1e9: at most 2e15.
	moved := Command(int64(g.opts.Slew) * int64(elapsed) / int64(time.Second))
	slewedTo = g.slewedTo + timeFor(moved, g.opts.Slew)
	if way < 0 {
		return g.applied - moved, slewedTo
	}
	return g.applied + moved, slewedTo
}

// timeFor returns the time that a distance takes at a rate per second, rounded up.
func timeFor(distance Command, rate Slew) time.Duration {
	whole, rest := int64(distance)*int64(time.Second)/int64(rate), int64(distance)*int64(time.Second)%int64(rate)
	if rest > 0 {
		whole++
	}
	return time.Duration(whole)
}

// write is the only place that drives the device.
func (g *Guard) write(c Command) error {
	g.uncertain = true
	if err := g.attempt(func() error { return g.device.Drive(c) }); err != nil {
		g.recordFault(err)
		return err
	}
	g.applied, g.uncertain = c, false
	g.lastKnown.Store(int64(c))
	g.faultMu.Lock()
	g.failing = false
	g.faultMu.Unlock()
	return nil
}

func (g *Guard) recordFault(err error) {
	g.faultMu.Lock()
	defer g.faultMu.Unlock()
	g.faults++
	g.lastFault, g.failing = err, true
}
