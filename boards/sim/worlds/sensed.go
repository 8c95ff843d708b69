package worlds

import (
	"strconv"
	"time"

	"fluxd/splitmix64"
)

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
