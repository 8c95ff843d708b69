package worlds

import (
	"errors"
	"math"
	"strings"
)

func (b *balance) quantities() []quantity {
	all := []quantity{
		{"lean", "°", "from upright, forward"},
		{"lean", "rad", "from upright, forward"},
		{"lean_rate", "°/s", "forward"},
		{"lean_rate", "rad/s", "forward"},
		{"distance", "m", "that the middle of the axle has come, forward"},
		{"speed", "m/s", "of the middle of the axle, forward"},
		{"wheel", "m", "how far a wheel's rim has turned on the body"},
		{"wheel", "m/s", "how fast a wheel's rim turns on the body"},
		{"wheel", "rev", "how far a wheel has turned on the body"},
		{"wheel", "rev/s", "how fast a wheel turns on the body"},
	}
	for _, axis := range []string{"x", "y", "z"} {
		all = append(all, quantity{"acceleration " + axis, "m/s²", "at the sensor, gravity included; x ahead, y to the left, z up"},
			quantity{"rotation " + axis, "°/s", "of the body, counterclockwise about the axis; x ahead, y to the left, z up"})
	}
	return all
}

// sense implements physics.
func (b *balance) sense(s *Sensor, m *Mount, what string) (func() float64, error) {
	kind, axis, _ := strings.Cut(what, " ")
	degrees := 1.0
	if strings.HasPrefix(s.Unit, "°") {
		degrees = 180 / math.Pi
	}
	switch kind {
	case "lean":
		return func() float64 { return float64(b.lean * degrees) }, nil
	case "lean_rate":
		return func() float64 { return float64(b.rate * degrees) }, nil
	case "distance":
		return func() float64 { return b.way }, nil
	case "speed":
		return func() float64 { return b.speed }, nil
	case "wheel":
		return b.senseWheel(s, m)
	case "acceleration":
		var ahead, left float64
		if m.At != nil {
			ahead, left = m.place().x, m.place().y
		}
		return func() float64 { return b.acceleration(ahead, left)[axis[0]-'x'] }, nil
	case "rotation":
		return func() float64 { return float64(b.rotation()[axis[0]-'x'] * degrees) }, nil
	}
	return nil, errors.New("the world has no " + what)
}

func (b *balance) senseWheel(s *Sensor, m *Mount) (func() float64, error) {
	wheel, ok := m.side(s.Name)
	if !ok {
		return nil, unsided(s)
	}
	value, unit := &b.wheels[wheel], 1.0
	if strings.HasSuffix(s.Unit, "/s") {
		value = &b.rims[wheel]
	}
	if strings.HasPrefix(s.Unit, "rev") {
		unit = 2 * math.Pi * b.wheel
	}
	return func() float64 { return *value / unit }, nil
}

// rotation returns the rotation of the body about its own axes, in rad/s.
func (b *balance) rotation() [3]float64 {
	lean := direction(b.lean)
	return [3]float64{-float64(b.turn * lean.y), b.rate, float64(b.turn * lean.x)}
}

// acceleration returns what an accelerometer at a place on the body senses along the body's axes, in m/s²: the acceleration of
// that place, tangential and centripetal parts included, and gravity upwards.
func (b *balance) acceleration(ahead, left float64) [3]float64 {
	lean := direction(b.lean)
	cosine, sine := lean.x, lean.y
	up := b.inertial
	// The place in the frame that turns with the heading: out ahead of the axle, and how fast it moves there.
	out := float64(up*sine) + float64(ahead*cosine)
	outward := float64(b.rate * (float64(up*cosine) - float64(ahead*sine)))
	turning, tilting := float64(b.turn*b.turn), float64(b.rate*b.rate)
	// Along the heading and to the left of it, without what the lean adds, which is along the body's axes.
	along := b.forward - float64(turning*out) - float64(b.yaw*left)
	aside := float64(b.yaw*out) + float64(b.turn*(b.speed+float64(2*outward))) - float64(turning*left)
	return [3]float64{
		float64(along*cosine) - float64(balanceGravity*sine) + float64(b.pitch*up) - float64(tilting*ahead),
		aside,
		float64(along*sine) + float64(balanceGravity*cosine) - float64(tilting*up) - float64(b.pitch*ahead),
	}
}
