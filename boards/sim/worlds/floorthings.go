package worlds

import (
	"fmt"
	"math"
)

// things implements furnished: the robot, the lamps, the obstacles, the food. In a room with walls the whole robot must be in it.
func (f *floor) things() []Thing {
	room, edge := vector{f.plan.width, f.plan.depth}, vector{}
	if f.Walled {
		edge = vector{f.radius, f.radius}
	}
	all := []Thing{{Name: "robot", Kind: ThingRobot, At: pointOf(f.at), Heading: f.heading, Turns: true, Radius: f.radius,
		Moves: true,
		Low:   pointOf(edge), High: pointOf(room.minus(edge))}}
	add := func(kind Kindred, i int, t Thing) {
		t.Name, t.Kind, t.High = fmt.Sprintf("%s[%d]", kind, i), kind, pointOf(room)
		all = append(all, t)
	}
	for i := range f.lamps {
		add(ThingLamp, i, Thing{At: pointOf(f.lamps[i].at), Radius: lampRadius, Moves: true, Gone: f.lamps[i].dark()})
	}
	for i := range f.plan.obstacles {
		o := &f.plan.obstacles[i]
		add(ThingObstacle, i, Thing{At: pointOf(o.middle), Radius: o.reach(), Turns: o.radius == 0, Heading: o.turned})
	}
	for i := range f.food {
		add(ThingFood, i, Thing{At: pointOf(f.food[i].at), Radius: f.food[i].radius, Gone: f.food[i].eaten})
	}
	return all
}

// put implements furnished. The robot goes on as it was moving: its wheels do not notice. A lamp or food is as new.
func (f *floor) put(thing int, at vector, heading float64) error {
	if thing == 0 {
		return f.putRobot(at, heading)
	}
	solid := fmt.Errorf("%s would be in a wall or an obstacle", placeOf(at))
	if thing--; thing < len(f.lamps) {
		if f.plan.gap(at, math.Inf(1)) <= 0 {
			return solid
		}
		f.lamps[thing].at, f.lamps[thing].reached = at, false
		return nil
	}
	if thing -= len(f.lamps); thing < len(f.plan.obstacles) {
		return f.putObstacle(thing, at, heading)
	}
	if f.plan.gap(at, math.Inf(1)) <= 0 {
		return solid
	}
	thing -= len(f.plan.obstacles)
	f.food[thing].at, f.food[thing].eaten = at, false
	return nil
}

func placeOf(at vector) string { return fmt.Sprintf("%.4g, %.4g", at.x, at.y) }

func (f *floor) putRobot(at vector, heading float64) error {
	if gap := f.plan.gap(at, f.radius); gap < f.radius {
		return fmt.Errorf("%s is too near to a wall or an obstacle: the robot's radius is %.3g m, and something solid is %.3g m away",
			placeOf(at), f.radius, max(gap, 0))
	}
	before := f.facing
	f.at, f.heading = at, withinTurn(heading)
	f.facing = direction(f.heading)
	turn := turnOf(before, f.facing)
	f.moved, f.pulled = f.moved.turned(turn), f.pulled.turned(turn)
	f.touching, f.wedged = false, false
	f.path.points = f.path.points[:0]
	f.path.add(at)
	if p := &f.progress; p.line != nil { // it is carried: that is no progress
		p.search(at)
		p.lost, p.tries = p.far > f.radius, 0
	}
	return nil
}

// putObstacle puts an obstacle where neither the robot nor a lamp or food is in its way.
func (f *floor) putObstacle(i int, at vector, heading float64) error {
	moved := f.plan.obstacles[i]
	if moved.middle = at; moved.radius == 0 {
		moved.turned, moved.across = heading, direction(heading)
	}
	if gap := moved.gap(f.at); gap < f.radius {
		return fmt.Errorf("the robot, with a radius of %.3g m, is in the way: it would be %.3g m from the obstacle", f.radius,
			max(gap, 0))
	}
	for k := range f.lamps {
		if moved.gap(f.lamps[k].at) <= 0 {
			return fmt.Errorf("lamp[%d] is in the way: it would be in the obstacle", k)
		}
	}
	for k := range f.food {
		if !f.food[k].eaten && moved.gap(f.food[k].at) <= 0 {
			return fmt.Errorf("food[%d] is in the way: it would be in the obstacle", k)
		}
	}
	f.plan.move(i, moved)
	return nil
}

// changes implements changing: eaten food is gone, or elsewhere.
func (f *floor) changes() int64 { return int64(f.eaten) }
