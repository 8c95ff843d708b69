package worlds

import (
	"math"

	"fluxd/splitmix64"
)

// A shade is how much of red, green and blue light something reflects.
type shade [3]float64

// shades are the colours of floors and lines: matt paint, paper and tape.
var shades = map[string]shade{
	"white": {0.85, 0.85, 0.85}, "grey": {0.4, 0.4, 0.4}, "black": {0.05, 0.05, 0.05},
	"red": {0.6, 0.1, 0.1}, "green": {0.1, 0.45, 0.15}, "blue": {0.08, 0.15, 0.5}, "yellow": {0.8, 0.65, 0.1},
}

// mean returns how much of white light is reflected.
func (s shade) mean() float64 { return (s[0] + s[1] + s[2]) / 3 }

// floorLines are the lines on a floor.
type floorLines struct {
	ground  shade
	radius  float64 // of what a sensor sees
	lines   []floorLine
	stripes []stripe
	near    grid
}

// floorLine is the middle of a line, without its gaps.
type floorLine struct {
	points []vector
	start  []float64 // by point: how far it is along the line
	length float64
	closed bool
	shade  shade
}

// stripe is a straight piece of a line.
type stripe struct {
	from, along    vector // where it begins, and its direction
	length, half   float64
	before, behind bool // another piece continues it, in front and behind
	line           int
}

func newFloorLines(o *FloorOpts) *floorLines {
	l := &floorLines{ground: shades[o.Ground], radius: metres(o.Spot) / 2}
	for i := range o.Lines {
		line := lineOf(&o.Lines[i])
		if line.length == 0 {
			continue
		}
		l.cut(&line, &o.Lines[i], len(l.lines))
		l.lines = append(l.lines, line)
	}
	if len(l.stripes) == 0 {
		return l
	}
	l.near = newGrid(metres(o.Width), metres(o.Depth), 0.05)
	for i := range l.stripes {
		s := &l.stripes[i]
		w := wallOf(s.from, s.from.plus(s.along.times(s.length)))
		l.near.add(int32(i), w.low, w.high, s.half+l.radius, func(at vector) float64 {
			_, gap := w.nearest(at)
			return gap
		})
	}
	return l
}

func lineOf(o *FloorLine) floorLine {
	var points []vector
	for _, p := range o.Points {
		points = append(points, placed(p))
	}
	l := floorLine{points: rounded(points, o.Closed, metres(o.Rounded)), closed: o.Closed, shade: shades[o.Colour]}
	for i := range l.pieces() {
		l.start = append(l.start, l.length)
		l.length += l.piece(i).length()
	}
	return l
}

// pieces returns the number of straight pieces.
func (l *floorLine) pieces() int {
	if l.closed {
		return len(l.points)
	}
	return max(len(l.points)-1, 0)
}

// end returns the index of the point at the end of a piece.
func (l *floorLine) end(piece int) int { return (piece + 1) % len(l.points) }

// piece returns the way from the beginning of a piece to its end.
func (l *floorLine) piece(i int) vector { return l.points[l.end(i)].minus(l.points[i]) }

// rounded replaces corners by arcs, of eight pieces. Where there is no room, the arc is smaller.
func rounded(points []vector, closed bool, radius float64) (round []vector) {
	n := len(points)
	for i, corner := range points {
		if !closed && (i == 0 || i == n-1) || radius == 0 || n < 3 {
			round = append(round, corner)
			continue
		}
		back, on := points[(i+n-1)%n].minus(corner), points[(i+1)%n].minus(corner)
		room := min(back.length(), on.length()) / 2
		back, on = back.times(1/back.length()), on.times(1/on.length())
		cosine := back.dot(on)
		if cosine < -0.999999 || cosine > 0.999999 { // straight on, or straight back
			round = append(round, corner)
			continue
		}
		tangent := math.Sqrt((1 - cosine) / (1 + cosine)) // of half the angle between both ways
		room = min(room, radius/tangent)
		r := room * tangent
		inward := back.plus(on)
		middle := corner.plus(inward.times(math.Sqrt(float64(room*room)+float64(r*r)) / inward.length()))
		arc := []vector{corner.plus(back.times(room)).minus(middle), corner.plus(on.times(room)).minus(middle)}
		for range 3 {
			var finer []vector
			for k := 1; k < len(arc); k++ {
				half := arc[k-1].plus(arc[k])
				finer = append(finer, arc[k-1], half.times(r/half.length()))
			}
			arc = append(finer, arc[len(arc)-1])
		}
		for _, p := range arc {
			if p = middle.plus(p); len(round) == 0 || p.distance(round[len(round)-1]) > 1e-6 {
				round = append(round, p)
			}
		}
	}
	if closed && len(round) > 1 && round[0].distance(round[len(round)-1]) <= 1e-6 {
		round = round[:len(round)-1]
	}
	return round
}

// cut adds the straight pieces of a line, without its gaps.
func (l *floorLines) cut(line *floorLine, o *FloorLine, index int) {
	type gap struct{ from, to float64 }
	var gaps []gap
	for _, g := range o.Gaps {
		from := metres(g.At)
		to := from + metres(g.Length)
		gaps = append(gaps, gap{from, to})
		if line.closed && to > line.length {
			gaps = append(gaps, gap{from - line.length, to - line.length})
		}
	}
	last := line.pieces() - 1
	for i := range line.pieces() {
		way := line.piece(i)
		length := way.length()
		along := way.times(1 / length)
		from, before := 0.0, line.closed || i > 0
		for from < length {
			// The next gap on this piece ends the stripe.
			to, next, behind := length, length, line.closed || i < last
			for _, g := range gaps {
				begin, end := g.from-line.start[i], g.to-line.start[i]
				if end > from && begin < to {
					to, next, behind = max(begin, from), end, false
				}
			}
			if to > from {
				l.stripes = append(l.stripes, stripe{from: line.points[i].plus(along.times(from)), along: along, length: to - from,
					half: metres(o.Width) / 2, before: before, behind: behind, line: index})
			}
			if next <= from {
				break
			}
			from, before = next, false
		}
	}
}

// overlap returns the share of a stretch around a place that lies between two others.
func overlap(at, radius, low, high float64) float64 {
	return min(max(min(high, at+radius)-max(low, at-radius), 0)/(2*radius), 1)
}

// share returns the share of the spot around a point that a stripe covers: the square around it, along the stripe.
func (s *stripe) share(at vector, radius float64) float64 {
	to := at.minus(s.from)
	along, aside := to.dot(s.along), math.Abs(s.along.cross(to))
	low, high := 0.0, s.length
	if s.before {
		low = min(0, along) - radius
		if along < 0 {
			aside = to.length()
		}
	}
	if s.behind {
		high = max(s.length, along) + radius
		if along > s.length {
			aside = at.distance(s.from.plus(s.along.times(s.length)))
		}
	}
	across := overlap(aside, radius, -s.half, s.half)
	if across == 0 {
		return 0
	}
	return across * overlap(along, radius, low, high)
}

// seen returns what a spot of the floor reflects, and the share of it that lines cover.
func (l *floorLines) seen(at vector) (seen shade, covered float64) {
	seen = l.ground
	if l.near.cells == nil {
		return seen, 0
	}
	index, share := -1, 0.0
	paint := func() {
		if share == 0 {
			return
		}
		covered = max(covered, share)
		for c, own := range l.lines[index].shade {
			seen[c] += float64((own - seen[c]) * share)
		}
	}
	for _, i := range l.near.at(at) { // in the order of the lines
		s := &l.stripes[i]
		if s.line != index {
			paint()
			index, share = s.line, 0
		}
		share = max(share, s.share(at, l.radius))
	}
	paint()
	return seen, covered
}

// random returns a random place on the first line, and the direction of the line there.
func (l *floorLines) random(random *splitmix64.Random) (at, along vector) {
	for tries := range findTries {
		place := random.Between(0, l.lines[0].length)
		at, along = l.lines[0].place(place)
		if _, covered := l.seen(at); covered > 0.99 || tries == findTries-1 { // it is not in a gap
			break
		}
	}
	return at, along
}

// place returns a place along a line, and the direction of the line there.
func (l *floorLine) place(along float64) (at, direction vector) {
	i := 0
	for i < len(l.start)-1 && l.start[i+1] <= along {
		i++
	}
	way := l.piece(i)
	way = way.times(1 / way.length())
	return l.points[i].plus(way.times(along - l.start[i])), way
}

// A progress is how far a robot has come along a line. It follows the line piece by piece, so crossings do not mislead it.
type progress struct {
	line  *floorLine
	piece int
	along float64 // where it is, along the line
	aside float64 // how far to the left of the line
	far   float64 // how far from it
	way   float64 // how far it has come since the start, forwards
	lost  bool    // it has left the line
	tries int     // since then
}

// shortcut is the longest piece of a line that a robot may cut short.
const shortcut = 0.5

func newProgress(line *floorLine, at vector) progress {
	p := progress{line: line}
	p.search(at)
	return p
}

// to returns where the point of a piece is that is nearest to a robot, and its distance.
func (p *progress) to(piece int, at vector) (along, aside, far float64) {
	way, from := p.line.piece(piece), p.line.points[piece]
	length := way.length()
	to := at.minus(from)
	along = min(max(to.dot(way)/length, 0), length)
	return p.line.start[piece] + along, way.cross(to) / length, at.distance(from.plus(way.times(along / length)))
}

// search finds the nearest piece of the whole line.
func (p *progress) search(at vector) {
	p.far = math.Inf(1)
	for i := range p.line.pieces() {
		p.take(i, at)
	}
}

// take moves to a piece if it is nearer.
func (p *progress) take(piece int, at vector) bool {
	along, aside, far := p.to(piece, at)
	if far >= p.far {
		return false
	}
	p.piece, p.along, p.aside, p.far = piece, along, aside, far
	return true
}

// follow goes on to where the robot is now. Reach is the distance from the line at which the robot has left it.
func (p *progress) follow(at vector, reach float64) {
	before, n := p.along, p.line.pieces()
	if p.lost {
		if p.tries++; p.tries%20 == 1 { // a robot does not come back so quickly
			p.search(at)
		} else {
			p.along, p.aside, p.far = p.to(p.piece, at)
		}
		p.lost = p.far > reach
	} else {
		p.along, p.aside, p.far = p.to(p.piece, at)
		for range n {
			next, last := p.piece+1, p.piece-1
			if p.line.closed {
				next, last = next%n, (last+n)%n
			}
			if !(next < n && p.take(next, at)) && !(last >= 0 && p.take(last, at)) {
				break
			}
		}
		p.lost, p.tries = p.far > reach, 0
	}
	step := p.along - before
	if p.line.closed {
		if step > p.line.length/2 {
			step -= p.line.length
		} else if step < -p.line.length/2 {
			step += p.line.length
		}
	}
	if math.Abs(step) <= shortcut && !p.lost {
		p.way += step
	}
}

// laps returns how often the robot has gone along the whole line.
func (p *progress) laps() float64 {
	if p.line == nil {
		return 0
	}
	return p.way / p.line.length
}
