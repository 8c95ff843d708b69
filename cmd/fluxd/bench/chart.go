package bench

import (
	"errors"
	"fmt"
	"html"
	"io"
	"math"
	"strings"
)

// ErrNoGrowth means that a report has no growth to draw.
var ErrNoGrowth = errors.New("the report has no growth to draw: measure the figure growth too")

const (
	chartWidth  = 900
	chartHeight = 560
	chartTop    = 54
	panelWidth  = 350
	panelHeight = 180
	panelLeft   = 70  // of the first panel
	panelStepX  = 440 // from one panel to the next to its right
	panelStepY  = 255 // and to the next below
)

// axes are the panels of the chart, in reading order.
var axes = []struct{ axis, title string }{
	{"neurons", "neurons, 100 synapses each"},
	{"synapses_per_neuron", "synapses per neuron, 1,000 neurons"},
	{"rate_hz", "spikes per neuron and second, 1,000 neurons"},
	{"distinct_delays", "distinct delays, 100,000 synapses"},
}

// WriteChart draws how the cost grows as SVG: ns per event against the property that grows, both logarithmic. All panels have the
// same scale of costs. It fails with ErrNoGrowth.
func (r *Report) WriteChart(w io.Writer) error {
	low, high := math.Inf(1), 0.0
	for i := range r.Growth {
		if cost := r.Growth[i].NsPerEvent; cost > 0 {
			low, high = min(low, cost), max(high, cost)
		}
	}
	if high == 0 {
		return ErrNoGrowth
	}
	cost := scaleOf(low, high)
	var svg strings.Builder
	fmt.Fprintf(&svg, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d" `+
		`font-family="sans-serif" font-size="12">`+"\n", chartWidth, chartHeight, chartWidth, chartHeight)
	fmt.Fprintf(&svg, `<rect width="%d" height="%d" fill="white"/>`+"\n", chartWidth, chartHeight)
	const head = `<text x="%d" y="18" fill="#555">ns per arrival over a synapse, one core of %s</text>` + "\n"
	fmt.Fprintf(&svg, head, panelLeft, html.EscapeString(r.Machine.Processor))
	for i, a := range axes {
		p := chartPanel{title: a.title, left: panelLeft + i%2*panelStepX, top: chartTop + i/2*panelStepY, cost: cost}
		for k := range r.Growth {
			if g := &r.Growth[k]; g.Axis == a.axis && g.Value > 0 && g.NsPerEvent > 0 {
				p.points = append(p.points, [2]float64{g.Value, g.NsPerEvent})
			}
		}
		p.draw(&svg)
	}
	svg.WriteString("</svg>\n")
	_, err := io.WriteString(w, svg.String())
	return err
}

// A scale is a logarithmic axis from one power of ten to another.
type scale struct{ from, to int } // exponents

func scaleOf(low, high float64) scale {
	s := scale{int(math.Floor(math.Log10(low))), int(math.Ceil(math.Log10(high)))}
	s.to = max(s.to, s.from+1)
	return s
}

// at returns where a value lies, from 0 to 1.
func (s scale) at(value float64) float64 {
	return (math.Log10(value) - float64(s.from)) / float64(s.to-s.from)
}

// chartPanel is one curve.
type chartPanel struct {
	title     string
	left, top int
	cost      scale
	points    [][2]float64 // value and cost
}

func (p *chartPanel) draw(svg *strings.Builder) {
	low, high := math.Inf(1), 0.0
	for _, point := range p.points {
		low, high = min(low, point[0]), max(high, point[0])
	}
	if high == 0 {
		low, high = 1, 1
	}
	values := scaleOf(low, high)
	x := func(value float64) float64 { return float64(p.left) + panelWidth*values.at(value) }
	y := func(cost float64) float64 { return float64(p.top) + panelHeight*(1-p.cost.at(cost)) }
	fmt.Fprintf(svg, `<text x="%d" y="%d" font-weight="bold">%s</text>`+"\n", p.left, p.top-10, html.EscapeString(p.title))
	for e := values.from; e <= values.to; e++ {
		at := math.Pow10(e)
		fmt.Fprintf(svg, `<path d="M%.1f %dv%d" stroke="#ddd"/><text x="%.1f" y="%d" text-anchor="middle" fill="#555">%s</text>`+"\n",
			x(at), p.top, panelHeight, x(at), p.top+panelHeight+16, digits(at))
	}
	for e := p.cost.from; e <= p.cost.to; e++ {
		at := math.Pow10(e)
		fmt.Fprintf(svg, `<path d="M%d %.1fh%d" stroke="#ddd"/><text x="%d" y="%.1f" text-anchor="end" fill="#555">%s</text>`+"\n",
			p.left, y(at), panelWidth, p.left-8, y(at)+4, digits(at))
	}
	var path strings.Builder
	for i, point := range p.points {
		fmt.Fprintf(&path, "%s%.1f %.1f", map[bool]string{true: "M", false: "L"}[i == 0], x(point[0]), y(point[1]))
	}
	fmt.Fprintf(svg, `<path d="%s" fill="none" stroke="#2a7ab8" stroke-width="1.5"/>`+"\n", path.String())
	for _, point := range p.points {
		at, label := y(point[1]), y(point[1])-7
		if label < float64(p.top) { // keep clear of the title
			label = at + 14
		}
		fmt.Fprintf(svg, `<circle cx="%.1f" cy="%.1f" r="3" fill="#2a7ab8"/>`+
			`<text x="%.1f" y="%.1f" text-anchor="middle" font-size="10">%s</text>`+"\n",
			x(point[0]), at, x(point[0]), label, digits(point[1]))
	}
}
