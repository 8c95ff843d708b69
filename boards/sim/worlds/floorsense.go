package worlds

import (
	"fmt"
	"math"
	"strings"

	"periph.io/x/conn/v3/physic"
)

// farAway is what a range sensor senses where nothing is, in metres: beyond every device.
const farAway = 1000.0

// floorGravity is the acceleration of a fall, in m/s².
const floorGravity = 9.80665

func (f *floor) quantities() []quantity {
	all := []quantity{
		{Name: "light", Unit: "lx", Doc: "light that falls on the sensor from where it faces"},
		{Name: "range", Unit: "m", Doc: "distance of the nearest wall or obstacle in its cone"},
		{Name: "contact", Doc: "1 while the body touches something on the side that the sensor faces, within its cone (half a " +
			"turn), else 0"},
		{Name: "line", Doc: "share of the spot below the sensor that a line covers; 0 or 1 for a device that is on or off"},
		{Name: "reflectance", Doc: "share of white light that the spot below the sensor reflects"},
		{Name: "colour", Doc: "share of white, red, green or blue light that the spot below reflects, by the measure; 0.7 times " +
			"that for a tcs34725"},
		{Name: "colour", Unit: "lx", Doc: "light of 300 lx that the spot below the sensor reflects"},
	}
	for _, unit := range []string{"m", "rev", "°"} {
		all = append(all, quantity{Name: "wheel", Unit: unit, Doc: "how far a wheel has turned, forwards"},
			quantity{Name: "wheel", Unit: unit + "/s", Doc: "how fast a wheel turns"})
	}
	for _, axis := range []string{"x", "y", "z"} {
		all = append(all, quantity{Name: "acceleration " + axis, Unit: "m/s²", Doc: "with gravity, at the place of the sensor"},
			quantity{Name: "rotation " + axis, Unit: "°/s", Doc: "to the left around z"})
	}
	all = append(all,
		quantity{Name: "voltage", Unit: "V", Doc: "of the battery under load"},
		quantity{Name: "current", Unit: "A", Doc: "of the battery; with a wheel in the body, of its motor"},
		quantity{Name: "power", Unit: "W", Doc: "of the battery; with a wheel in the body, of its motor"},
		quantity{Name: "pose_x", Unit: "m", Doc: "where the robot's middle is, to the right"},
		quantity{Name: "pose_y", Unit: "m", Doc: "where the robot's middle is, up on the map"},
		quantity{Name: "heading", Unit: "°", Doc: "direction ahead, from 0 to 360"},
		quantity{Name: "speed", Unit: "m/s", Doc: "forwards"},
		quantity{Name: "clearance", Unit: "m", Doc: "from the body to the nearest wall or obstacle"},
		quantity{Name: "bumps", Doc: "how often the body has come to touch something in this episode"},
	)
	if len(f.lamps) > 0 {
		all = append(all, quantity{Name: "lamp_distance", Unit: "m", Doc: "from the robot's middle to the nearest lamp"},
			quantity{Name: "lamp_direction", Unit: "°", Doc: "of the nearest lamp, to the left from ahead"},
			quantity{Name: "lamps", Doc: "how many lamps the robot has reached in this episode"})
	}
	if len(f.food) > 0 {
		all = append(all, quantity{Name: "food_distance", Unit: "m", Doc: "from the robot's middle to the nearest food"},
			quantity{Name: "food_direction", Unit: "°", Doc: "of the nearest food, to the left from ahead"},
			quantity{Name: "food", Doc: "how many pieces the robot has eaten in this episode"})
	}
	if len(f.lines.lines) > 0 {
		all = append(all, quantity{Name: "line_offset", Unit: "m", Doc: "how far the robot's middle is to the left of the first line"},
			quantity{Name: "line_progress", Unit: "m", Doc: "how far the robot has come along the first line"})
	}
	return all
}

// sense implements physics.
func (f *floor) sense(s *Sensor, m *Mount, what string) (func() float64, error) {
	v := f.viewOf(m)
	name, axis, _ := strings.Cut(what, " ")
	switch name {
	case "light":
		return func() float64 { return f.light(&v) }, nil
	case "range":
		return f.senseRange(s, m, v)
	case "contact":
		return func() float64 { return whether(f.touches(&v)) }, nil
	case "line", "reflectance", "colour":
		return f.senseFloor(s, v, what)
	case "wheel":
		return f.senseWheel(s, m)
	case "acceleration":
		return f.senseAcceleration(m, axis), nil
	case "rotation":
		return func() float64 {
			if axis != "z" {
				return 0
			}
			return degrees(f.turning)
		}, nil
	case "voltage", "current", "power":
		return f.senseBattery(m, what), nil
	}
	return f.known(what)
}

// known returns what no device senses.
func (f *floor) known(what string) (func() float64, error) {
	switch what {
	case "pose_x":
		return func() float64 { return f.at.x }, nil
	case "pose_y":
		return func() float64 { return f.at.y }, nil
	case "heading":
		return func() float64 { return degrees(f.heading) }, nil
	case "speed":
		return func() float64 { return f.moved.dot(f.facing) }, nil
	case "clearance":
		return func() float64 {
			gap, _ := f.plan.nearest(f.at, farAway)
			return max(min(gap, farAway)-f.radius, 0)
		}, nil
	case "bumps":
		return func() float64 { return float64(f.bumps) }, nil
	case "lamps":
		return func() float64 { return float64(f.reached) }, nil
	case "food":
		return func() float64 { return float64(f.eaten) }, nil
	case "lamp_distance":
		return func() float64 { return min(f.nextLamp().length(), farAway) }, nil
	case "food_distance":
		return func() float64 { return min(f.nextFood().length(), farAway) }, nil
	case "lamp_direction":
		return func() float64 { return f.bearing(f.nextLamp()) }, nil
	case "food_direction":
		return func() float64 { return f.bearing(f.nextFood()) }, nil
	case "line_offset":
		return func() float64 { return f.progress.aside }, nil
	case "line_progress":
		return func() float64 { return f.progress.way }, nil
	}
	return nil, fmt.Errorf("the floor has no %s", what)
}

// whether returns 1 for yes, and 0 for no.
func whether(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}

// degrees converts radians.
func degrees(angle float64) float64 { return float64(angle * (180 / math.Pi)) }

// A view is where a sensor is mounted, and where it looks.
type view struct {
	rim    bool    // it is at the rim of the body, in the direction in which it looks
	place  vector  // otherwise its place on the robot
	look   vector  // its direction on the robot
	narrow bool    // it senses in a cone only
	half   float64 // the cosine of half the cone
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
	sum := share(f.Ambient)
	at, look := f.from(v)
	for i := range f.lamps {
		l := &f.lamps[i]
		if l.dark() {
			continue
		}
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

// coneOf returns the width of a device's cone, in radians: HC-SR04 and VL53L0X by their data sheets; others look along a ray.
func coneOf(device string) float64 {
	switch device {
	case "hcsr04":
		return 15 * math.Pi / 180
	case "vl53l0x":
		return 25 * math.Pi / 180
	}
	return 0
}

func (f *floor) senseRange(s *Sensor, m *Mount, v view) (func() float64, error) {
	width := coneOf(s.Device)
	if m.Cone > 0 {
		width = radians(m.Cone)
	}
	if width > math.Pi {
		return nil, fmt.Errorf("cone: a range sensor sees at most 180°, got %.4g°", degrees(width))
	}
	ahead := newCone(width)
	outside := !v.rim && v.place.length() > f.radius
	return func() float64 {
		at, look := f.from(&v)
		if outside && f.plan.between(f.at, at) {
			return 0 // it is pressed against the wall
		}
		c := ahead.turned(look)
		return f.plan.distance(at, &c, farAway)
	}, nil
}

// touches reports whether the body touches something on the side of a sensor.
func (f *floor) touches(v *view) bool {
	reach := f.radius + contactGap
	look := f.facing.turned(v.look)
	for _, i := range f.plan.about(f.at, reach) {
		s := &f.plan.solids[i]
		q, gap := s.nearest(f.at)
		if gap >= reach {
			continue
		}
		to := q.minus(f.at).dot(look)
		if !v.narrow && to > 0 || v.narrow && to >= float64(v.half*gap) {
			return true
		}
	}
	return false
}

// exposure is what the channels of a tcs34725 count where all light is reflected, as a share of the most that they can: its gain
// is such that a white floor is not too much light. Its driver takes up to three quarters.
const exposure = 0.7

// senseFloor returns what a sensor sees below it.
func (f *floor) senseFloor(s *Sensor, v view, what string) (func() float64, error) {
	below := func() (shade, float64) {
		at, _ := f.from(&v)
		return f.lines.seen(at)
	}
	switch {
	case what == "line" && (s.Device == "button" || s.Device == "pir"):
		return func() float64 {
			_, covered := below()
			return whether(covered >= 0.5)
		}, nil
	case what == "line":
		return func() float64 {
			_, covered := below()
			return covered
		}, nil
	}
	channel := map[string]int{"red": 0, "green": 1, "blue": 2}
	c, coloured := channel[s.Measure]
	bright := 1.0
	switch {
	case s.Unit == "lx":
		bright = 300
	case s.Device == "tcs34725":
		bright = exposure
	}
	return func() float64 {
		seen, _ := below()
		if coloured && what == "colour" {
			return float64(seen[c] * bright)
		}
		return float64(seen.mean() * bright)
	}, nil
}

func (f *floor) senseWheel(s *Sensor, m *Mount) (func() float64, error) {
	side, ok := m.side(s.Name)
	if !ok {
		return nil, unsided(s)
	}
	unit, speed := strings.CutSuffix(s.Unit, "/s")
	per := map[string]float64{"m": 1, "rev": 1 / f.wheel, "°": 360 / f.wheel}[unit]
	return func() float64 {
		w := &f.wheels[side]
		if speed {
			return float64(w.speed * per)
		}
		return float64(w.turned * per)
	}, nil
}

// senseAcceleration returns the acceleration at the place of a sensor, along an axis of the sensor. Without a place it is in the
// middle.
func (f *floor) senseAcceleration(m *Mount, axis string) func() float64 {
	if axis == "z" {
		return func() float64 { return floorGravity }
	}
	place, look := m.place(), direction(radians(m.Facing))
	return func() float64 {
		a := f.pulled.turned(vector{f.facing.x, -f.facing.y})
		square := float64(f.turning * f.turning)
		a.x -= float64(f.twisting*place.y) + float64(square*place.x)
		a.y += float64(f.twisting*place.x) - float64(square*place.y)
		if axis == "x" {
			return a.dot(look)
		}
		return look.cross(a)
	}
}

func (f *floor) senseBattery(m *Mount, what string) func() float64 {
	current := f.current
	if m.Wheel != "" {
		side, _ := m.side("")
		current = func() float64 { return f.motorCurrent(&f.wheels[side]) }
	}
	switch what {
	case "voltage":
		return f.voltage
	case "current":
		return current
	}
	return func() float64 { return float64(current() * f.voltage()) }
}

func amperes(c physic.ElectricCurrent) float64 { return float64(c) / 1e9 }

// nextLamp returns the way from the robot to the nearest lamp that shines.
func (f *floor) nextLamp() vector {
	next := vector{farAway, 0}
	for i := range f.lamps {
		if to := f.lamps[i].at.minus(f.at); !f.lamps[i].dark() && to.length() < next.length() {
			next = to
		}
	}
	return next
}

// nextFood returns the way from the robot to the nearest food.
func (f *floor) nextFood() vector {
	next := vector{farAway, 0}
	for i := range f.food {
		if to := f.food[i].at.minus(f.at); !f.food[i].eaten && to.length() < next.length() {
			next = to
		}
	}
	return next
}

// bearing returns the direction of a way to the left from ahead, in degrees from -180 to 180.
func (f *floor) bearing(way vector) float64 {
	return degrees(angleOf(way.turned(vector{f.facing.x, -f.facing.y})))
}
