package worlds

import "math"

// The worlds compute in float64, in metres and seconds, and must produce the same bits on every processor. On some processors
// (arm64) Go fuses x*y + z into one rounding. So every product that is added to something is rounded explicitly by a conversion,
// which by the language specification prevents that. Sines come from here, because the code of package math may be fused too.
// Addition, division, math.Sqrt and math.Floor are exact by IEEE 754 everywhere.

// vector is a point or direction in the plane.
type vector struct{ x, y float64 }

func (a vector) plus(b vector) vector   { return vector{a.x + b.x, a.y + b.y} }
func (a vector) minus(b vector) vector  { return vector{a.x - b.x, a.y - b.y} }
func (a vector) times(s float64) vector { return vector{float64(a.x * s), float64(a.y * s)} }
func (a vector) dot(b vector) float64   { return float64(a.x*b.x) + float64(a.y*b.y) }
func (a vector) cross(b vector) float64 { return float64(a.x*b.y) - float64(a.y*b.x) }
func (a vector) length() float64        { return math.Sqrt(a.dot(a)) }
func (a vector) turned(by vector) vector {
	return vector{float64(a.x*by.x) - float64(a.y*by.y), float64(a.x*by.y) + float64(a.y*by.x)}
}
func (a vector) distance(b vector) float64 { return a.minus(b).length() }

// direction returns the unit vector at an angle in radians, counterclockwise from the x axis. The angle may be any finite number;
// for small ones the result is exact to the last bits.
func direction(angle float64) vector {
	quarters := math.Floor(angle/(math.Pi/2) + 0.5)
	rest := angle - float64(quarters*(math.Pi/2))
	// Taylor series within an eighth of a turn: the ninth terms are below 1e-15.
	square := float64(rest * rest)
	sine, cosine := 0.0, 0.0
	for n := 17.0; n > 1; n -= 2 {
		sine = float64((1 - sine) * square / float64(n*(n-1)))
		cosine = float64((1 - cosine) * square / float64((n-1)*(n-2)))
	}
	v := vector{1 - cosine, float64((1 - sine) * rest)}
	switch int64(quarters) & 3 {
	case 1:
		return vector{-v.y, v.x}
	case 2:
		return vector{-v.x, -v.y}
	case 3:
		return vector{v.y, -v.x}
	}
	return v
}

// segment is a straight wall.
type segment struct{ a, b vector }

// nearest returns the point of the wall that is nearest to p.
func (s segment) nearest(p vector) vector {
	along := s.b.minus(s.a)
	t := p.minus(s.a).dot(along) / along.dot(along)
	return s.a.plus(along.times(min(max(t, 0), 1)))
}

// hit returns where a ray meets the wall, in units of ray from the point; false if it does not.
func (s segment) hit(from, ray vector) (float64, bool) {
	along := s.b.minus(s.a)
	across := ray.cross(along)
	if across == 0 {
		return 0, false
	}
	to := s.a.minus(from)
	t := to.cross(along) / across
	u := to.cross(ray) / across
	return t, t >= 0 && u >= 0 && u <= 1
}

// angleOf returns the angle of a vector in radians, counterclockwise from the x axis, from -π to π; 0 for no vector.
func angleOf(v vector) float64 {
	length := v.length()
	if length == 0 {
		return 0
	}
	v = v.times(1 / length)
	guess := float64(math.Pi / 2 * (1 - v.x)) // up to 0.34 too small or too large
	if v.y < 0 {
		guess = -guess
	}
	for range 5 { // the sine of the rest is nearly the rest: its error falls with the third power
		guess += direction(guess).cross(v)
	}
	return min(max(guess, -math.Pi), math.Pi)
}
