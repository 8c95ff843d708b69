package worlds

import (
	"math"

	"periph.io/x/conn/v3/physic"

	"fluxd/splitmix64"
)

// A floorPlan is what stands on a floor and does not move during an episode.
type floorPlan struct {
	width, depth float64
	solids       []solid
	obstacles    []obstacle
	all          []int32 // the indices of all solids
	near         grid    // the solids that touch a robot in a cell, or nearly so
	margin       float64 // near has what is not farther than this from a point
}

// solid is a wall or a round obstacle.
type solid struct {
	segment           // of a round obstacle both ends are its middle
	radius    float64 // 0: a wall
	low, high vector  // the smallest box around it
}

// obstacle is a round or a rectangular obstacle. The sides of a rectangular one are walls.
type obstacle struct {
	middle vector
	radius float64 // 0: it is rectangular
	half   vector  // half of its width and depth
	turned float64 // rad
	across vector  // the direction of its width
	first  int     // of its solids
}

func wallOf(a, b vector) solid {
	return solid{segment{a, b}, 0, vector{min(a.x, b.x), min(a.y, b.y)}, vector{max(a.x, b.x), max(a.y, b.y)}}
}

func roundOf(middle vector, radius float64) solid {
	r := vector{radius, radius}
	return solid{segment{middle, middle}, radius, middle.minus(r), middle.plus(r)}
}

// newFloorPlan returns the plan of an episode, for a robot of a radius.
func newFloorPlan(o *FloorOpts, random *splitmix64.Random, radius float64) *floorPlan {
	p := &floorPlan{width: metres(o.Width), depth: metres(o.Depth)}
	if o.Walled {
		corners := []vector{{0, 0}, {p.width, 0}, {p.width, p.depth}, {0, p.depth}}
		for i := range corners {
			p.add(wallOf(corners[i], corners[(i+1)%len(corners)]))
		}
	}
	for _, w := range o.Walls {
		for i := 1; i < len(w); i++ {
			p.add(wallOf(placed(w[i-1]), placed(w[i])))
		}
	}
	if o.Maze != nil {
		p.maze(o.Maze, random)
	}
	for i := range o.Obstacles {
		b := &o.Obstacles[i]
		for range kindred(b.At, b.Number) {
			p.obstacle(o, b, random, radius)
		}
	}
	p.margin = radius + releaseGap
	p.near = newGrid(p.width, p.depth, max(radius, 0.1))
	for i := range p.solids {
		p.spread(i)
	}
	return p
}

// spread notes where a solid is near.
func (p *floorPlan) spread(i int) {
	s := &p.solids[i]
	p.near.add(int32(i), s.low, s.high, p.margin, func(middle vector) float64 {
		_, gap := s.nearest(middle)
		return gap
	})
}

func (p *floorPlan) add(s solid) {
	p.all = append(p.all, int32(len(p.solids)))
	p.solids = append(p.solids, s)
}

// obstacle adds an obstacle.
func (p *floorPlan) obstacle(o *FloorOpts, b *FloorObstacle, random *splitmix64.Random, radius float64) {
	half, reach := vector{}, metres(b.Radius)
	if b.Size != nil {
		half = placed(*b.Size).times(0.5)
		reach = half.length()
	}
	var at vector
	if b.At != nil {
		at = placed(*b.At)
	} else {
		way := metres(b.Clearance)
		at = p.find(random, reach+way, reach, func(at vector) bool {
			if o.Start.At != nil && at.distance(placed(*o.Start.At)) < reach+radius+way {
				return false
			}
			for i := range o.Lamps {
				if l := &o.Lamps[i]; l.At != nil && at.distance(placed(*l.At)) < reach+metres(l.Reach) {
					return false
				}
			}
			return true
		})
	}
	made := obstacle{middle: at, half: half, first: len(p.solids)}
	if b.Size == nil {
		made.radius = reach
	} else {
		made.turned = radians(b.Turned)
		made.across = direction(made.turned)
	}
	p.obstacles = append(p.obstacles, made)
	for _, s := range made.solids() {
		p.add(s)
	}
}

// move moves an obstacle.
func (p *floorPlan) move(i int, to obstacle) {
	for k, s := range to.solids() {
		at := to.first + k
		p.near.remove(int32(at), p.solids[at].low, p.solids[at].high, p.margin)
		p.solids[at] = s
		p.spread(at)
	}
	p.obstacles[i] = to
}

// solids returns what an obstacle is made of.
func (o *obstacle) solids() (all []solid) {
	if o.radius > 0 {
		return []solid{roundOf(o.middle, o.radius)}
	}
	corners := o.corners()
	for i := range corners {
		all = append(all, wallOf(corners[i], corners[(i+1)%4]))
	}
	return all
}

func (o *obstacle) corners() [4]vector {
	return [4]vector{
		o.middle.minus(o.half.turned(o.across)), o.middle.plus(vector{o.half.x, -o.half.y}.turned(o.across)),
		o.middle.plus(o.half.turned(o.across)), o.middle.plus(vector{-o.half.x, o.half.y}.turned(o.across)),
	}
}

// reach returns how far the obstacle goes from its middle.
func (o *obstacle) reach() float64 { return max(o.radius, o.half.length()) }

// has reports whether a point is in a rectangular obstacle.
func (o *obstacle) has(at vector) bool {
	to := at.minus(o.middle)
	return o.radius == 0 && math.Abs(to.dot(o.across)) <= o.half.x && math.Abs(o.across.cross(to)) <= o.half.y
}

// gap returns the distance of a point from the obstacle; in it, 0 or less.
func (o *obstacle) gap(at vector) float64 {
	if o.has(at) {
		return -1
	}
	gap := math.Inf(1)
	for _, s := range o.solids() {
		_, far := s.nearest(at)
		gap = min(gap, far)
	}
	return gap
}

// inside reports whether a point is in a rectangular obstacle.
func (p *floorPlan) inside(at vector) bool {
	for i := range p.obstacles {
		if p.obstacles[i].has(at) {
			return true
		}
	}
	return false
}

// findTries is how often find tries before it is content with less: often, because a place in a narrow way is rare.
const findTries = 1000

// find returns a random place with a clearance to everything solid, at which a condition holds. Where there is none, it is
// content with less: with half the clearance, but at least least, and finally with the freest place that it has seen.
func (p *floorPlan) find(random *splitmix64.Random, clearance, least float64, suits func(vector) bool) vector {
	best, freest := vector{}, -1.0
	for tries := 1; ; tries++ {
		at := vector{random.Between(0, p.width), random.Between(0, p.depth)}
		gap := p.gap(at, clearance)
		if gap >= clearance && suits(at) {
			return at
		}
		if gap > freest {
			best, freest = at, gap
		}
		if tries == 4*findTries {
			return best
		}
		if tries%findTries == 0 {
			clearance = max(clearance/2, least)
		}
	}
}

// gap returns the distance of a point from everything solid, if that is less than within; otherwise it is infinite. In an
// obstacle it is negative.
func (p *floorPlan) gap(at vector, within float64) float64 {
	if p.inside(at) {
		return -1
	}
	gap, _ := p.nearest(at, within)
	return gap
}

// placed returns a place in metres.
func placed(p [2]physic.Distance) vector { return vector{metres(p[0]), metres(p[1])} }

// nearest returns the point of a solid that is nearest to p, and its distance.
func (s *solid) nearest(p vector) (vector, float64) {
	if s.radius == 0 {
		q := s.segment.nearest(p)
		return q, p.distance(q)
	}
	to := p.minus(s.a)
	far := to.length()
	if far <= s.radius {
		return p, 0
	}
	q := s.a.plus(to.times(s.radius / far))
	return q, p.distance(q)
}

// about returns the solids that may be within some distance of a point.
func (p *floorPlan) about(at vector, within float64) []int32 {
	if within > p.margin || p.near.cells == nil {
		return p.all
	}
	return p.near.at(at)
}

// nearest returns the point of the solids that is nearest to a point, and its distance, if that is less than within. Otherwise
// the distance is infinite.
func (p *floorPlan) nearest(to vector, within float64) (gap float64, at vector) {
	gap = math.Inf(1)
	for _, i := range p.about(to, within) {
		s := &p.solids[i]
		if s.beyond(to, min(gap, within)) {
			continue
		}
		if q, far := s.nearest(to); far < min(gap, within) {
			gap, at = far, q
		}
	}
	return gap, at
}

// beyond reports whether the box around a solid is farther away than some distance.
func (s *solid) beyond(at vector, far float64) bool {
	far += 1e-9 // far from every rounding error
	return at.x < s.low.x-far || at.x > s.high.x+far || at.y < s.low.y-far || at.y > s.high.y+far
}

// between reports whether something stands between two points.
func (p *floorPlan) between(from, to vector) bool {
	ray := to.minus(from)
	low, high := vector{min(from.x, to.x), min(from.y, to.y)}, vector{max(from.x, to.x), max(from.y, to.y)}
	for i := range p.solids {
		s := &p.solids[i]
		if s.high.x < low.x || s.low.x > high.x || s.high.y < low.y || s.low.y > high.y {
			continue
		}
		if s.radius == 0 {
			if t, hit := s.hit(from, ray); hit && t < 1 {
				return true
			}
		} else if (segment{from, to}).nearest(s.a).distance(s.a) < s.radius {
			return true
		}
	}
	return false
}

// A cone is what a range sensor sees. Its width is at most half a turn; 0 is a ray.
type cone struct {
	look        vector
	left, right vector // its edges
	half        float64
	ray         bool
}

func newCone(width float64) cone {
	half := direction(width / 2)
	return cone{look: vector{1, 0}, left: half, right: vector{half.x, -half.y}, half: half.x, ray: width == 0}
}

func (c *cone) turned(by vector) cone {
	return cone{c.look.turned(by), c.left.turned(by), c.right.turned(by), c.half, c.ray}
}

// has reports whether the cone contains a point that is so far from its tip.
func (c *cone) has(to vector) bool { return to.dot(c.look) >= float64(c.half*to.length()) }

// distance returns how far the nearest point of a solid in a cone is, at most far.
func (p *floorPlan) distance(from vector, c *cone, far float64) float64 {
	for i := range p.solids {
		s := &p.solids[i]
		if s.beyond(from, far) {
			continue
		}
		if c.ray {
			far = s.along(from, c.look, far)
			continue
		}
		// The nearest point in the cone is the nearest of all, or it lies on an edge of the cone, or it is an end of the wall.
		if q, gap := s.nearest(from); gap < far && c.has(q.minus(from)) {
			far = gap
			continue
		}
		far = s.along(from, c.left, s.along(from, c.right, far))
		if s.radius == 0 {
			for _, end := range [2]vector{s.a, s.b} {
				if to := end.minus(from); to.length() < far && c.has(to) {
					far = to.length()
				}
			}
		}
	}
	return far
}

// along returns how far a solid is along a ray of length 1, at most far.
func (s *solid) along(from, ray vector, far float64) float64 {
	if s.radius == 0 {
		if t, hit := s.hit(from, ray); hit {
			far = min(far, t)
		}
		return far
	}
	to := s.a.minus(from)
	ahead, aside := to.dot(ray), ray.cross(to)
	square := float64(s.radius*s.radius) - float64(aside*aside)
	if square < 0 {
		return far
	}
	chord := math.Sqrt(square)
	if ahead+chord < 0 {
		return far
	}
	return min(far, max(ahead-chord, 0))
}
