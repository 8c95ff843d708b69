package worlds

import (
	"sync"
	"time"

	"fluxd/boards/sim/chips"
	"fluxd/splitmix64"
)

// stepped is a world whose physics goes in steps of fixed length.
type stepped struct {
	physics physics
	length  time.Duration
	parts   []func() float64 // by part: its command; nil for one that nothing moves
	follow  []chips.Follower // twins that change with time, not when they are asked

	mutex    sync.Mutex
	seed     uint64 // of the episode
	random   splitmix64.Random
	steps    int64 // since the start
	began    int64 // the step in which the episode began
	finished bool  // the episode is over
	scenes   int64 // counts the scenes before this one, but for those that the physics counts in this episode
	commands []float64
	delayed  []*history
}

// newStepped connects a robot to a world.
func newStepped(p physics, b *builder, seed uint64) (*stepped, error) {
	w := &stepped{physics: p, length: p.step(), commands: make([]float64, len(p.parts()))}
	w.begin(seed)
	if err := w.Err(); err != nil {
		return w, err
	}
	if err := b.devices(w.sensesOf(b.robot)); err != nil {
		return w, err
	}
	w.follow = b.followers
	var err error
	w.parts, err = b.moved(p.parts())
	w.record()
	w.settle(0)
	return w, err
}

func (w *stepped) begin(seed uint64) {
	w.scenes = w.version() + 1
	w.seed, w.random = seed, splitmix64.Random(seed)
	w.began, w.finished = w.steps, false
	w.physics.reset(&w.random)
}

// Advance implements World.
func (w *stepped) Advance(at time.Duration) {
	w.mutex.Lock()
	for until := int64(at / w.length); w.steps < until && !w.finished; {
		for i, command := range w.parts {
			if command != nil {
				w.commands[i] = command()
			}
		}
		w.physics.advance(w.commands)
		w.steps++
		w.finished = w.physics.over()
		w.record()
		from, to := time.Duration(w.steps-1)*w.length, time.Duration(w.steps)*w.length
		w.mutex.Unlock()
		w.followTo(from, to)
		w.mutex.Lock()
	}
	if w.finished { // time goes on, and nothing happens
		skipped := max(0, int64(at/w.length)-w.steps)
		w.steps, w.began = w.steps+skipped, w.began+skipped
	}
	w.mutex.Unlock()
}

// followTo lets the twins that change with time follow.
func (w *stepped) followTo(from, to time.Duration) {
	for _, f := range w.follow {
		f.Follow(from, to)
	}
}

// settle puts the twins that change with time where the world has them.
func (w *stepped) settle(at time.Duration) {
	for _, f := range w.follow {
		f.Settle(at)
	}
}

// record keeps what delayed sensors will sense.
func (w *stepped) record() {
	for _, h := range w.delayed {
		h.record()
	}
}

// Score implements World.
func (w *stepped) Score() Score {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	return w.physics.score(w.steps - w.began)
}

// Over implements World.
func (w *stepped) Over() bool {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	return w.finished
}

// Restart implements World.
func (w *stepped) Restart(seed uint64) {
	w.mutex.Lock()
	w.begin(seed)
	for _, h := range w.delayed {
		h.next, h.full = 0, false
	}
	w.record()
	now := time.Duration(w.steps) * w.length
	w.mutex.Unlock()
	w.settle(now)
}

// Events implements World.
func (w *stepped) Events() []Event {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	return w.physics.events()
}

// Picture implements World.
func (w *stepped) Picture(columns, rows int) string {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	return w.physics.picture(columns, rows)
}

// State implements World.
func (w *stepped) State() map[string]float64 {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	return w.physics.state()
}

// Quantity implements World.
func (w *stepped) Quantity(name string) (func(time.Duration) int64, bool) {
	for _, q := range w.physics.quantities() {
		if q.Name != name {
			continue
		}
		s := &Sensor{Name: name, Device: "simulated", Measure: name, Unit: q.Unit}
		now, err := w.physics.sense(s, &Mount{}, name)
		if err != nil {
			return nil, false
		}
		return w.sensed(s, &Mount{}, now), true
	}
	return nil, false
}

// Err implements World.
func (w *stepped) Err() error {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	if p, is := w.physics.(interface{ failed() error }); is {
		return p.failed()
	}
	return nil
}

// Draw implements World.
func (w *stepped) Draw() Drawing {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	var d Drawing
	if p, is := w.physics.(interface{ draw(*Drawing) }); is {
		p.draw(&d)
	}
	return d
}

// Close implements World.
func (w *stepped) Close() error {
	closer, is := w.physics.(interface{ close() error })
	if !is {
		return nil
	}
	w.mutex.Lock()
	defer w.mutex.Unlock()
	w.finished = true
	return closer.close()
}

func (p part) name() string   { return p.Name }
func (s Sensor) name() string { return s.Name }
func (d Device) name() string { return d.Name }
