package worlds

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"fluxd/boards/sim/chips"
	"fluxd/configs/spelling"
	"fluxd/splitmix64"
)

// physics is what makes a world differ from another: its state, how a step of time changes it, and what can be sensed in it. A
// stepped world does the rest. Only one goroutine at a time uses a physics.
type physics interface {
	// step is the length of a step.
	step() time.Duration
	// parts are the names of what actuators can move, such as left_wheel, with one phrase each.
	parts() []part
	// quantities are what sensors can sense; nil if a program says it, for every sensor.
	quantities() []quantity
	// sense returns a function that returns a quantity as a sensor at a mount senses it at present, in the sensor's unit; an error
	// if the mount does not go with it. It must work before reset.
	sense(s *Sensor, m *Mount, what string) (func() float64, error)
	// reset begins an episode.
	reset(random *splitmix64.Random)
	// advance moves on by one step. The commands are those of the parts, in their order, from -1 to 1; 0 for a part that no actuator
	// moves.
	advance(commands []float64)
	// over reports whether the episode has ended.
	over() bool
	// score says how well the robot has done after so many steps of this episode.
	score(steps int64) Score
	// events returns the events since the last call.
	events() []Event
	// picture draws the world with so many characters; "" if there is nothing to draw, or no room.
	picture(columns, rows int) string
	// state returns the state in SI units, by name.
	state() map[string]float64
}

// A part is something in a world that an actuator can move.
type part struct {
	Name, Doc string
	Needed    bool // a robot without it hardly belongs in this world: check warns
}

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
	w.seed, w.random = seed, splitmix64.Random(seed)
	w.began, w.finished = w.steps, false
	w.physics.reset(&w.random)
}

// sensesOf returns a function that returns what the sensors of a device sense.
func (w *stepped) sensesOf(robot *Robot) func([]*Sensor) senses {
	return func(all []*Sensor) senses {
		by := senses{}
		if len(all) > 0 && all[0].Device == "linearray" && w.physics.quantities() != nil {
			return w.rowOf(robot, all)
		}
		for _, s := range all {
			what, m := robot.senses(s), robot.mount(s.Name)
			if what == "nothing" {
				continue
			}
			seen, why := matched(w.physics.quantities(), s, what)
			if why != "" {
				continue // check has refused it
			}
			if now, err := w.physics.sense(seen, &m, what); err == nil {
				by[s.Measure] = w.sensed(seen, &m, now)
			}
		}
		return by
	}
}

// rowOf returns what each sensor of a row senses, by its number.
func (w *stepped) rowOf(robot *Robot, all []*Sensor) senses {
	by := senses{}
	what := robot.senses(all[0])
	one, why := matched(w.physics.quantities(), all[0], what)
	if why != "" || what == "nothing" {
		return by
	}
	for i, m := range robot.row(all) {
		if now, err := w.physics.sense(one, &m, what); err == nil {
			single := *one
			single.Name += strconv.Itoa(i) // each has noise that does not depend on the others
			by[strconv.Itoa(i)] = w.sensed(&single, &m, now)
		}
	}
	return by
}

// sensed makes a twin's function of a quantity: with the sensor's delay and noise, converted back through its curve. It may be
// called from any goroutine, but not from within the physics.
func (w *stepped) sensed(s *Sensor, m *Mount, now func() float64) func(time.Duration) int64 {
	value := now
	if steps := int(m.Delay / w.length); steps > 0 {
		h := &history{now: now, ring: make([]float64, steps+1)}
		w.delayed = append(w.delayed, h)
		value = h.oldest
	}
	noise := float64(m.Noise.Micro) / 1e6
	salt := saltOf(s.Name)
	return func(time.Duration) int64 {
		w.mutex.Lock()
		v := value()
		if noise > 0 {
			v += float64(noise * normal(salt^w.seed^uint64(w.steps)<<20))
		}
		w.mutex.Unlock()
		reading := int64(float64(v * 1e6))
		if s.Raw != nil {
			reading = s.Raw(reading)
		}
		return reading
	}
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

// check compares a robot with a world, which refuses sensors that it has nothing for and actuators that move nothing in it.
func check(p physics, robot *Robot) (refused, unknown []*Mistake) {
	for i := range robot.Sensors {
		if m := checkSensor(p, robot, &robot.Sensors[i]); m != nil {
			refused = append(refused, m)
		}
	}
	has := map[string]bool{}
	for _, s := range robot.Sensors {
		has[s.Name] = true
	}
	for _, m := range robot.Body.Sensors {
		if !has[m.Name] {
			refused = append(refused, wrong("body.sensors."+m.Name, "no sensor has this name%s",
				spelling.Advice(m.Name, namesOf(robot.Sensors))))
		}
	}
	moved, has := map[string]bool{}, map[string]bool{}
	for _, a := range robot.Actuators {
		has[a.Name] = true
		role, given := robot.role(a.Name)
		known := role == "nothing" || slices.Contains(namesOf(p.parts()), role)
		moved[role] = true
		switch {
		case known:
		case given:
			refused = append(refused, wrong("body.actuators."+a.Name, "%q: expected %s, which the world has, or nothing%s", role,
				strings.Join(namesOf(p.parts()), ", "), spelling.Hint(role, namesOf(p.parts()))))
		case moves(a.Device):
			unknown = append(unknown, wrong("actuators."+a.Name,
				"it moves nothing in the world: body.actuators.%s says what it moves: %s, or nothing", a.Name,
				strings.Join(namesOf(p.parts()), ", ")))
		}
	}
	for _, a := range robot.Body.Actuators {
		if !has[a.Name] {
			refused = append(refused, wrong("body.actuators."+a.Name, "no actuator has this name%s",
				spelling.Advice(a.Name, namesOf(robot.Actuators))))
		}
	}
	for _, part := range p.parts() {
		if part.Needed && !moved[part.Name] && len(unknown) == 0 { // otherwise an actuator probably should
			unknown = append(unknown, wrong("", "no actuator moves the %s: body.actuators names the one that does", part.Name))
		}
	}
	if room, is := p.(interface{ fits() error }); is {
		if err := room.fits(); err != nil {
			refused = append(refused, &Mistake{"body", err})
		}
	}
	return refused, unknown
}

// moves reports whether an actuator moves something: a label only names a command.
func moves(device string) bool { return device != "label" }

// namesOf returns the names of parts, sensors or actuators.
func namesOf[T interface{ name() string }](all []T) (names []string) {
	for _, one := range all {
		names = append(names, one.name())
	}
	return names
}

func (p part) name() string   { return p.Name }
func (s Sensor) name() string { return s.Name }
func (d Device) name() string { return d.Name }

// checkSensor returns why a world has nothing for a sensor; nil if it has.
func checkSensor(p physics, robot *Robot, s *Sensor) *Mistake {
	what, m, path := robot.senses(s), robot.mount(s.Name), "sensors."+s.Name
	if what == "nothing" || s.Device == "log" {
		return nil
	}
	if m.Given {
		path = "body.sensors." + s.Name
	}
	s, why := matched(p.quantities(), s, what)
	if why != "" {
		return wrong(path, "%s", why)
	}
	switch {
	case s.Bent != "":
		return wrong("sensors."+s.Name+".curve", "%s: the world cannot find the measured value for a reading", s.Bent)
	case m.Noise.Micro != 0 && m.Noise.Unit != s.Unit:
		return wrong(path+".noise", "%s: expected %s", unitName(m.Noise.Unit), unitName(s.Unit))
	case m.Noise.Micro < 0:
		return wrong(path+".noise", "expected at least 0")
	}
	if _, err := p.sense(s, &m, what); err != nil {
		return &Mistake{path, err}
	}
	return nil
}

// matched returns a sensor as a world sees it: with the unit in which the world gives it a quantity. That is the unit of its
// device, or else the unit of its readings, which its curve converts back. It returns why there is none, or "".
func matched(offers []quantity, s *Sensor, what string) (*Sensor, string) {
	direct, curved := *s, *s
	direct.Raw, direct.Bent = nil, ""
	curved.Unit = s.Meaning
	if offers == nil { // a program gives what the user thinks of: no voltages where a curve makes distances of them
		if s.Unit == "V" && s.Raw != nil {
			return &curved, ""
		}
		return &direct, ""
	}
	var units []string
	for _, q := range offers {
		if q.Name == what && q.Unit == s.Unit {
			return &direct, ""
		}
	}
	for _, q := range offers {
		if q.Name == what && q.Unit == s.Meaning {
			return &curved, ""
		}
		if q.Name == what {
			units = append(units, unitName(q.Unit))
		}
	}
	switch {
	case what == "":
		return nil, fmt.Sprintf("the device %s may sense various things: body.sensors.%s.senses says what: %s, or nothing",
			s.Device, s.Name, strings.Join(offered(offers), ", "))
	case units == nil:
		return nil, fmt.Sprintf("the world has no %s for the device %s to sense%s: it has %s; body.sensors.%s.senses: nothing "+
			"leaves it at rest",
			what, s.Device, spelling.Hint(what, offered(offers)), strings.Join(offered(offers), ", "), s.Name)
	}
	return nil, fmt.Sprintf("the world has the %s in %s, the sensor measures in %s: a curve converts them",
		what, strings.Join(units, ", "), unitName(s.Unit))
}

func unitName(unit string) string {
	if unit == "" {
		return "plain numbers"
	}
	return unit
}

// history is what a delayed sensor senses: the values of the last steps.
type history struct {
	now  func() float64
	ring []float64
	next int
	full bool
}

func (h *history) record() {
	h.ring[h.next] = h.now()
	if h.next++; h.next == len(h.ring) {
		h.next, h.full = 0, true
	}
}

func (h *history) oldest() float64 {
	if h.full {
		return h.ring[h.next]
	}
	return h.ring[0]
}

// normal returns a random number of the standard normal distribution for a seed: the sum of twelve even ones, which additions
// make the same on every processor.
func normal(seed uint64) float64 {
	random := splitmix64.Random(seed)
	sum := -6.0
	for range 12 {
		sum += random.Share()
	}
	return sum
}

// saltOf returns a number for a name (FNV-1a), so that each sensor has noise that does not depend on the others.
func saltOf(name string) uint64 {
	hash := uint64(14695981039346656037)
	for i := range len(name) {
		hash = (hash ^ uint64(name[i])) * 1099511628211
	}
	return hash
}

// seconds writes steps as a time for people.
func (w *stepped) seconds(steps int64) string {
	return fmt.Sprintf("%.3f s", (time.Duration(steps) * w.length).Seconds())
}
