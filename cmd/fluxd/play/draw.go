package play

import (
	"fmt"
	"html"
	"math"
	"slices"
	"strings"

	"fluxd/core"
)

// Measures of a picture, in points.
const (
	plotWidth   = 900
	plotLeft    = 136 // where time begins
	plotRight   = 34  // free behind its end
	nameLeft    = 38  // from the end of a name to where time begins: room for a number
	plotTop     = 30  // for the legend
	plotBottom  = 30  // for the times
	panelHeight = 140
	spikeRow    = 26  // above the curves
	arrivalRow  = 20  // below them
	leastApart  = 0.5 // marks that are nearer lie on top of each other: one is drawn
)

// mark is one kind of thing in a picture. A colour has one meaning; arrivals differ by their shape.
type mark struct{ name, colour, sign string }

var (
	markLevel     = mark{"level", "#2a7ab8", "■"}
	markThreshold = mark{"threshold", "#c0392b", "—"}
	markSpike     = mark{"spike", "#111111", "|"}
	markArrival   = mark{"arrival", "#2e8b57", "▲"}
	markInhibits  = mark{"inhibiting arrival", "#2e8b57", "▼"}
	markIgnored   = mark{"ignored arrival", "#2e8b57", "△"}
	markModulator = mark{"modulator arrival", "#d35400", "◆"}
	markWeight    = mark{"weight now", "#7d5ba6", "■"}
	markLongTerm  = mark{"long-term weight", "#8a6d1f", "—"}
)

// drawing draws the panels one below the other.
func drawing(panels []panel, until core.Tick) string {
	var svg strings.Builder
	height := plotTop + len(panels)*panelHeight + plotBottom
	fmt.Fprintf(&svg, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d" `+
		`font-family="sans-serif" font-size="12">`+"\n", plotWidth, height, plotWidth, height)
	fmt.Fprintf(&svg, `<rect width="%d" height="%d" fill="white"/>`+"\n", plotWidth, height)
	fmt.Fprintf(&svg, `<text x="%d" y="17" fill="#555">%s</text>`+"\n", plotLeft, legend(panels))
	for i := range panels {
		panels[i].draw(&svg, plotTop+i*panelHeight, until)
	}
	for k := range 11 {
		at := until * core.Tick(k) / 10
		fmt.Fprintf(&svg, `<text x="%.1f" y="%d" text-anchor="middle" fill="#555">%g ms</text>`+"\n",
			plotX(at, until), height-10, float64(at)/1000)
	}
	svg.WriteString("</svg>\n")
	return svg.String()
}

// legend explains what the panels show.
func legend(panels []panel) string {
	var entries []string
	for _, one := range []struct {
		mark
		shown func(panel) bool
	}{
		{markLevel, func(p panel) bool { return !p.synapse }},
		{markThreshold, func(p panel) bool { return !p.synapse }},
		{markSpike, func(p panel) bool { return len(p.spikes) > 0 }},
		{markArrival, func(p panel) bool { return slices.ContainsFunc(p.arrivals, arrival.excites) }},
		{markInhibits, func(p panel) bool { return slices.ContainsFunc(p.arrivals, arrival.inhibit) }},
		{markIgnored, func(p panel) bool { return slices.ContainsFunc(p.arrivals, arrival.isIgnored) }},
		{markModulator, func(p panel) bool { return len(p.modulators) > 0 }},
		{markWeight, func(p panel) bool { return p.synapse }},
		{markLongTerm, func(p panel) bool { return p.synapse }},
	} {
		if slices.ContainsFunc(panels, one.shown) {
			entries = append(entries, fmt.Sprintf(`<tspan fill="%s">%s</tspan> %s`, one.colour, one.sign, one.name))
		}
	}
	return strings.Join(entries, " &#160; ")
}

func plotX(at, until core.Tick) float64 {
	return plotLeft + float64(plotWidth-plotLeft-plotRight)*float64(at)/float64(until)
}

func (p *panel) draw(svg *strings.Builder, top int, until core.Tick) {
	curve, line := markLevel.colour, markThreshold.colour
	if p.synapse {
		curve, line = markWeight.colour, markLongTerm.colour
	}
	low, high := 0.0, 1e-9
	for _, s := range p.samples {
		low, high = min(low, s.value, s.line), max(high, s.value, s.line)
	}
	y := func(v float64) float64 {
		return float64(top+spikeRow) + (panelHeight-spikeRow-arrivalRow)*(high-v)/(high-low)
	}
	path := func(value func(sample) float64) string {
		all := make([]point, len(p.samples))
		for i, s := range p.samples {
			all[i] = point{plotX(s.at, until), y(value(s))}
		}
		return pathOf(all)
	}
	end := plotWidth - plotRight
	fmt.Fprintf(svg, `<text x="%d" y="%.1f" text-anchor="end">%s</text>`+"\n", plotLeft-nameLeft, y(high/2)+4,
		html.EscapeString(p.name))
	fmt.Fprintf(svg, `<text x="%d" y="%.1f" text-anchor="end" font-size="10" fill="#555">units</text>`+"\n", plotLeft-nameLeft,
		y(high/2)+18)
	fmt.Fprintf(svg, `<path d="M%d %.1fH%d" stroke="#bbbbbb"/>`+"\n", plotLeft, y(0), end)
	level := path(func(s sample) float64 { return s.value })
	fmt.Fprintf(svg, `<path d="%sL%d %.1fL%d %.1fZ" fill="%s" fill-opacity="0.22"/>`+"\n", level, end, y(0), plotLeft, y(0), curve)
	fmt.Fprintf(svg, `<path d="%s" fill="none" stroke="%s"/>`+"\n", level, curve)
	fmt.Fprintf(svg, `<path d="%s" fill="none" stroke="%s" stroke-width="1.5"/>`+"\n",
		path(func(s sample) float64 { return s.line }), line)
	last := 0.0
	for _, s := range p.fired {
		if x := plotX(s.at, until); x-last >= leastApart {
			fmt.Fprintf(svg, `<circle cx="%.1f" cy="%.1f" r="2.5" fill="%s"/>`+"\n", x, y(s.value), curve)
			last = x
		}
	}
	for _, x := range places(p.spikes, until) {
		fmt.Fprintf(svg, `<path d="M%.1f %dv%d" stroke="%s" stroke-width="1.5"/>`+"\n", x, top+4, spikeRow-8, markSpike.colour)
	}
	foot := top + panelHeight - arrivalRow + 4
	for _, kind := range []struct {
		of    func(arrival) bool
		shape string // after its place
	}{
		{arrival.excites, fmt.Sprintf(`%dl3 8h-6z" fill="%s"`, foot, markArrival.colour)},
		{arrival.inhibit, fmt.Sprintf(`%dl3-8h-6z" fill="%s"`, foot+8, markInhibits.colour)},
		{arrival.isIgnored, fmt.Sprintf(`%dl3 8h-6z" fill="white" stroke="%s"`, foot, markIgnored.colour)},
	} {
		var times []core.Tick
		for _, a := range p.arrivals {
			if kind.of(a) {
				times = append(times, a.at)
			}
		}
		for _, x := range places(times, until) {
			fmt.Fprintf(svg, `<path d="M%.1f %s/>`+"\n", x, kind.shape)
		}
	}
	for _, x := range places(p.modulators, until) {
		fmt.Fprintf(svg, `<path d="M%.1f %dl4 5l-4 5l-4-5z" fill="%s"/>`+"\n", x, foot-1, markModulator.colour)
	}
	p.scale(svg, y, low, high, line)
}

// scale labels the two ends of the vertical axis and its 0, and the line at its beginning and, if it has changed, at its end. Of
// two labels that would overlap, the more important one is written.
func (p *panel) scale(svg *strings.Builder, y func(float64) float64, low, high float64, line string) {
	const letter = 10 // the height of a label
	var written []float64
	label := func(x int, anchor, colour string, value float64) {
		fmt.Fprintf(svg, `<text x="%d" y="%.1f" text-anchor="%s" font-size="%d" fill="%s">%.4g</text>`+"\n", x, y(value)+4,
			anchor, letter, colour, value)
	}
	first, last := p.samples[0].line, p.samples[len(p.samples)-1].line
	label(plotLeft-2, "end", line, first)
	written = append(written, y(first))
	if math.Abs(last-first) > (high-low)/1000 {
		label(plotWidth-plotRight+2, "start", line, last)
	}
	for _, value := range []float64{high, low, 0} {
		near := func(other float64) bool { return math.Abs(other-y(value)) < letter }
		if !slices.ContainsFunc(written, near) {
			label(plotLeft-2, "end", "#555", value)
			written = append(written, y(value))
		}
	}
}

func (a arrival) excites() bool   { return !a.ignored && !a.inhibits }
func (a arrival) inhibit() bool   { return !a.ignored && a.inhibits }
func (a arrival) isIgnored() bool { return a.ignored }

// places returns where on the time axis something happened, without those that would lie on top of each other.
func places(all []core.Tick, until core.Tick) (xs []float64) {
	for _, at := range all {
		if x := plotX(at, until); len(xs) == 0 || x-xs[len(xs)-1] >= leastApart {
			xs = append(xs, x)
		}
	}
	return xs
}

type point struct{ x, y float64 }

// pathOf writes a line through points that are sorted by x. It leaves out points that lie on the line anyway, and where very many
// have one x, all but the first, the lowest, the highest and the last.
func pathOf(all []point) string {
	const same = 0.05 // half of the last digit that is written
	var column, kept []point
	flush := func() {
		if len(column) <= 8 {
			kept = append(kept, column...)
			return
		}
		lowest, highest := 0, 0
		for i, p := range column {
			if p.y < column[lowest].y {
				lowest = i
			}
			if p.y > column[highest].y {
				highest = i
			}
		}
		which := []int{0, lowest, highest, len(column) - 1}
		slices.Sort(which)
		for _, i := range slices.Compact(which) {
			kept = append(kept, column[i])
		}
	}
	for _, p := range all {
		if len(column) > 0 && p.x-column[0].x > same {
			flush()
			column = column[:0]
		}
		column = append(column, p)
	}
	flush()
	var path strings.Builder
	for i := 0; i < len(kept); {
		fmt.Fprintf(&path, "%c%.1f %.1f", "ML"[min(i, 1)], kept[i].x, kept[i].y)
		next := i + 1
		for next+1 < len(kept) && straight(kept[i:next+2], same) {
			next++
		}
		i = next
	}
	return path.String()
}

// straight reports whether all points lie on the line from the first to the last, in this order.
func straight(points []point, tolerance float64) bool {
	first, last := points[0], points[len(points)-1]
	if last.x-first.x < tolerance { // upright: only a line that goes one way is straight
		for i := 2; i < len(points); i++ {
			if (points[i].y-points[i-1].y)*(points[1].y-first.y) < 0 {
				return false
			}
		}
		return true
	}
	for _, p := range points[1 : len(points)-1] {
		if on := first.y + (last.y-first.y)*(p.x-first.x)/(last.x-first.x); on-p.y > tolerance || p.y-on > tolerance {
			return false
		}
	}
	return true
}
