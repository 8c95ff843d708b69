package worlds

import (
	"math"
)

func (f *floor) quantities() []quantity {
	return []quantity{
		{Name: "light", Unit: "lx", Doc: "light on a surface that faces the direction of the sensor"},
		{Name: "contact", Doc: "1 while the body touches something on the side of the sensor, 0 otherwise"},
	}
}

func (f *floor) sense(s *Sensor, m *Mount, what string) (func() float64, error) {
	v := f.viewOf(m)
	switch what {
	case "light":
		return func() float64 { return f.light(&v) }, nil
	case "contact":
		return func() float64 {
			if f.touches(&v) {
				return 1
			}
			return 0
		}, nil
	}
	panic("floor: " + what) // quantities does not list it
}

// A view is where a sensor is mounted, and where it looks.
type view struct {
	rim    bool   // it is at the rim of the body, in the direction in which it looks
	place  vector // otherwise its place on the robot
	look   vector // its direction on the robot
	narrow bool   // it senses in a cone only
	half   float64
}

func (f *floor) viewOf(m *Mount) view {
	v := view{rim: m.At == nil, place: m.place(), look: direction(radians(m.Facing))}
	if m.Cone > 0 {
		v.narrow, v.half = true, direction(radians(m.Cone)/2).x
	}
	return v
}

// from returns where a sensor is on the floor, and where it looks.
func (f *floor) from(v *view) (at, look vector) {
	look = f.facing.turned(v.look)
	if v.rim {
		return f.at.plus(look.times(f.radius)), look
	}
	return f.at.plus(f.facing.turned(v.place)), look
}

// light returns the light that falls on a sensor, in lux.
func (f *floor) light(v *view) float64 {
	sum := float64(f.Ambient) / 1e6
	at, look := f.from(v)
	for i := range f.lamps {
		l := &f.lamps[i]
		to := l.at.minus(at)
		distance := max(to.length(), 0.05)
		cosine := to.dot(look) / distance
		if cosine <= 0 || v.narrow && cosine < v.half || f.plan.between(at, l.at) {
			continue
		}
		sum += float64(l.strength * cosine / float64(distance*distance))
	}
	return sum
}

// touches reports whether the body touches something on the side of a sensor.
func (f *floor) touches(v *view) bool {
	gap, wall := f.plan.nearest(f.at, f.radius+contactGap)
	if math.IsInf(gap, 1) {
		return false
	}
	to, look := wall.minus(f.at), f.facing.turned(v.look)
	if !v.narrow {
		return to.dot(look) > 0
	}
	return to.dot(look) >= float64(v.half*gap)
}
