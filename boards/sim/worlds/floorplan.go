package worlds

import (
	"math"

	"periph.io/x/conn/v3/physic"
)

// A floorPlan is what stands on a floor and never moves.
type floorPlan struct {
	width, depth float64
	walls        []segment
}

func newFloorPlan(o *FloorOpts) *floorPlan {
	p := &floorPlan{width: metres(o.Width), depth: metres(o.Depth)}
	if o.Walled {
		corners := []vector{{0, 0}, {p.width, 0}, {p.width, p.depth}, {0, p.depth}}
		for i := range corners {
			p.walls = append(p.walls, segment{corners[i], corners[(i+1)%len(corners)]})
		}
	}
	for _, w := range o.Walls {
		for i := 1; i < len(w); i++ {
			p.walls = append(p.walls, segment{placed(w[i-1]), placed(w[i])})
		}
	}
	return p
}

// placed returns a place in metres.
func placed(p [2]physic.Distance) vector { return vector{metres(p[0]), metres(p[1])} }

// nearest returns the point of the walls that is nearest to p, and its distance, if that is less than within. Otherwise the
// distance is infinite.
func (p *floorPlan) nearest(to vector, within float64) (gap float64, at vector) {
	gap = math.Inf(1)
	for _, w := range p.walls {
		if q := w.nearest(to); to.distance(q) < min(gap, within) {
			gap, at = to.distance(q), q
		}
	}
	return gap, at
}

// between reports whether something stands between two points.
func (p *floorPlan) between(from, to vector) bool {
	ray := to.minus(from)
	for _, w := range p.walls {
		if t, hit := w.hit(from, ray); hit && t < 1 {
			return true
		}
	}
	return false
}

// ahead returns the distance to the next wall along a ray of length 1, at most far.
func (p *floorPlan) ahead(from, ray vector, far float64) float64 {
	for _, w := range p.walls {
		if t, hit := w.hit(from, ray); hit {
			far = min(far, t)
		}
	}
	return far
}
