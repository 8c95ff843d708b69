package diagram

import (
	"bufio"
	"encoding/xml"
	"fmt"
	"io"
	"slices"
	"strings"

	"fluxd/boards/header"
	"fluxd/configs"
)

// The measures of a picture, in pixels.
const (
	margin     = 20
	top        = 66  // of the middle of the first row
	labelWidth = 114 // beside the header, for the name of a pin
	bodyWidth  = 64  // of the header
	laneWidth  = 9
	laneSpace  = 16 // beside the lanes
	leastBox   = 150
	mostBox    = 340
	lineHeight = 18 // of the legend
	letter     = 7  // mean width of a letter of 12 pixels, on the wide side
	capital    = 9  // likewise, of a bold capital
)

// A page is a picture that is being drawn.
type page struct {
	*bufio.Writer
	plan          *plan
	left, right   []*net
	boxes         map[bool]int // widths of the boxes of a side; 0 without boxes
	body          int          // where the header begins
	width, height int
	rows          int
	used          map[int]class // class of the wire at a pin
	robot         string
}

// SVG draws the wiring of a robot. A robot without wires is the header alone.
func SVG(to io.Writer, config *configs.Robot) error {
	p := planOf(config)
	g := &page{Writer: bufio.NewWriter(to), plan: p, rows: p.place(), robot: config.Name,
		boxes: map[bool]int{}, used: map[int]class{}}
	g.left, g.right = p.nets(true), p.nets(false)
	for _, b := range p.boxes {
		g.boxes[b.left] = max(g.boxes[b.left], b.width())
	}
	for _, n := range slices.Concat(g.left, g.right) {
		g.used[n.pin] = n.class
	}
	g.body = margin + labelWidth + g.beside(true)
	g.width = max(g.body+bodyWidth+labelWidth+g.beside(false)+margin, 560)
	legend := g.legend()
	bottom := top + g.rows*units
	g.height = bottom + len(legend)*lineHeight + 44
	g.begin()
	g.wires(g.left, true)
	g.wires(g.right, false)
	g.header()
	g.labels()
	for _, b := range p.boxes {
		g.box(b)
	}
	g.swatches(bottom + 14)
	for i, line := range legend {
		fmt.Fprintf(g, `<text class="aside" x="%d" y="%d">%s</text>`+"\n", margin, bottom+44+i*lineHeight, escaped(line))
	}
	fmt.Fprint(g, "</svg>\n")
	return g.Flush()
}

// beside returns the width of what is beside the header and its labels on one side.
func (g *page) beside(left bool) int {
	nets := g.right
	if left {
		nets = g.left
	}
	if g.boxes[left] == 0 {
		return 0
	}
	return g.boxes[left] + len(nets)*laneWidth + 2*laneSpace
}

// laneAt returns where the lane of a wire is.
func (g *page) laneAt(n *net, left bool) int {
	if left {
		return g.body - labelWidth - laneSpace - n.lane*laneWidth
	}
	return g.body + bodyWidth + labelWidth + laneSpace + n.lane*laneWidth
}

// edge returns the edge of the boxes of a side that faces the header.
func (g *page) edge(left bool) int {
	if left {
		return margin + g.boxes[true]
	}
	return g.body + bodyWidth + labelWidth + g.beside(false) - g.boxes[false]
}

// pinAt returns the middle of a pin.
func (g *page) pinAt(position int) (x, y int) {
	x = g.body + bodyWidth/2 - units/2
	if !onLeft(position) {
		x += units
	}
	return x, top + rowOf(position)*units
}

// begin writes what comes first: the colours, for a light page and for a dark one, the ground, and the title.
func (g *page) begin() {
	title := "The 40-pin header of a Raspberry Pi"
	if g.robot != "" {
		title = "Wiring of " + g.robot
	}
	fmt.Fprintf(g, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d" role="img">`+"\n",
		g.width, g.height, g.width, g.height)
	fmt.Fprintf(g, "<title>%s</title>\n<style>\n", escaped(title))
	fmt.Fprint(g, `text { font: 12px system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; fill: #1d2430 }
.page { fill: #ffffff } .body { fill: #e6eaf0; stroke: #8a94a3 } .box { fill: #f5f7fa; stroke: #8a94a3 }
.name { font-weight: 600 } .aside, .free { fill: #5c6675 } .end { text-anchor: end } .middle { text-anchor: middle }
.number { font-size: 10px; fill: #5c6675 } .on { font-size: 10px; font-weight: 600; fill: #ffffff }
.hole { fill: #ffffff; stroke: #8a94a3 } .tag { fill: #ffffff }
.wire, .case { fill: none; stroke-width: 2.4; stroke-linejoin: round; stroke-linecap: round }
.case { stroke: #ffffff; stroke-width: 4.8 } .parts { stroke: #c3cad4 }
`)
	for _, c := range classes {
		fmt.Fprintf(g, ".wire.%s, .tag.%s { stroke: %s } .dot.%s { fill: %s }\n", c.name, c.name, c.colour, c.name, c.colour)
	}
	fmt.Fprint(g, `@media (prefers-color-scheme: dark) {
text { fill: #e4e8ee } .page { fill: #1b1f26 } .body { fill: #2c323c; stroke: #707b8b } .box { fill: #262c35; stroke: #707b8b }
.aside, .free, .number { fill: #a3adba } .hole { fill: #1b1f26; stroke: #707b8b } .tag { fill: #1b1f26 } .case { stroke: #1b1f26 }
.parts { stroke: #47505d }
.case.gnd { stroke: #aab2bd } .dot.gnd, .tag.gnd { stroke: #aab2bd }
}
</style>
`)
	fmt.Fprint(g, `<rect class="page" width="100%" height="100%" rx="8"/>`+"\n")
	fmt.Fprintf(g, `<text class="name" style="font-size:15px" x="%d" y="26">%s</text>`+"\n",
		margin, escaped(cut(title, (g.width-2*margin)/9)))
	fmt.Fprintf(g, `<rect class="body" x="%d" y="%d" width="%d" height="%d" rx="5"/>`+"\n",
		g.body, top-units/2, bodyWidth, headerRows*units)
	fmt.Fprintf(g, `<text class="aside" x="%d" y="44">%s</text>`+"\n", margin,
		"Raspberry Pi, 40-pin header, seen from above, the USB sockets at the bottom")
}

// header draws the header: its body, and its pins with their numbers.
func (g *page) header() {
	for _, pin := range header.Pins {
		x, y := g.pinAt(pin.Position)
		kind, number := "hole", "number"
		if c, used := g.used[pin.Position]; used {
			kind, number = "dot "+string(c), "on"
		}
		if pin.Position == 1 { // the square one
			fmt.Fprintf(g, `<rect class="%s" x="%d" y="%d" width="17" height="17" rx="2"/>`, kind, x-8, y-8)
		} else {
			fmt.Fprintf(g, `<circle class="%s" cx="%d" cy="%d" r="8.5"/>`, kind, x, y)
		}
		fmt.Fprintf(g, `<text class="%s middle" x="%d" y="%d">%d</text>`+"\n", number, x, y+4, pin.Position)
	}
}

// wires draws the wires of a side, each with an edge in the colour of the page, so that it is seen which one passes over which.
func (g *page) wires(all []*net, left bool) {
	for _, n := range all {
		x, y := g.pinAt(n.pin)
		lane, edge := g.laneAt(n, left), g.edge(left)
		from := top + n.from
		upper, lower := n.span()
		path := fmt.Sprintf("M%d %dV%dH%d", x, y, from, lane)
		path += fmt.Sprintf("M%d %dV%d", lane, top+upper, top+lower)
		for _, to := range n.to {
			path += fmt.Sprintf("M%d %dH%d", lane, top+to, edge)
		}
		fmt.Fprintf(g, `<path class="case %s" d="%s"/><path class="wire %s" d="%s"/>`+"\n", n.class, path, n.class, path)
		for _, branch := range append([]int{n.from}, n.to...) {
			if branch > upper && branch < lower {
				fmt.Fprintf(g, `<circle class="dot %s" cx="%d" cy="%d" r="3.5"/>`+"\n", n.class, lane, top+branch)
			}
		}
		for _, to := range n.to {
			fmt.Fprintf(g, `<circle class="dot %s" cx="%d" cy="%d" r="3.5"/>`+"\n", n.class, edge, top+to)
		}
	}
}

// labels writes the names of the pins over the wires.
func (g *page) labels() {
	for _, pin := range header.Pins {
		_, y := g.pinAt(pin.Position)
		text := pin.Name
		if pin.Special != "" {
			text += " " + pin.Special
		}
		end, width := "", len(text)*capital+10
		x := g.body + bodyWidth + 6
		if onLeft(pin.Position) {
			end, x = " end", g.body-6
		}
		c, used := g.used[pin.Position]
		if !used {
			fmt.Fprintf(g, `<text class="free%s" x="%d" y="%d">%s</text>`+"\n", end, x, y+4, text)
			continue
		}
		if onLeft(pin.Position) {
			x -= width
		}
		fmt.Fprintf(g, `<rect class="tag %s" x="%d" y="%d" width="%d" height="17" rx="4"/>`, c, x, y-8, width)
		fmt.Fprintf(g, `<text class="name middle" x="%d" y="%d">%s</text>`+"\n", x+width/2, y+4, text)
	}
}

// width returns the width that a box needs for its text.
func (b *box) width() int {
	width := leastBox
	for _, r := range b.rows {
		width = max(width, (len([]rune(r.text))+len([]rune(r.aside)))*letter+44)
	}
	return min(width, mostBox)
}

// box draws a device: the role of each terminal on the side of its wire, the pin on the other one.
func (g *page) box(b *box) {
	width := g.boxes[b.left]
	x := margin
	if !b.left {
		x = g.edge(false)
	}
	y := top + b.first*units + toTerminal - units/2
	fmt.Fprintf(g, `<rect class="box" x="%d" y="%d" width="%d" height="%d" rx="5"/>`+"\n", x, y, width, len(b.rows)*units)
	letters := width/letter - 5
	several := false
	for i, r := range b.rows {
		starts := r.title || several && r.supply() && !b.rows[i-1].supply()
		if several = several || r.title && i > 0; starts && i > 0 {
			fmt.Fprintf(g, `<path class="parts" d="M%d %dh%d"/>`+"\n", x+1, y+i*units, width-2)
		}
		at := y + i*units + units/2 + 4
		text, aside := r.text, r.aside
		if r.title {
			text = cut(text, max(letters/2, letters-len([]rune(aside))))
			aside = cut(aside, letters-len([]rune(text)))
			fmt.Fprintf(g, `<text class="name" x="%d" y="%d">%s <tspan class="aside" font-weight="400">%s</tspan></text>`+"\n",
				x+12, at, escaped(text), escaped(aside))
			continue
		}
		near, far, nearEnd, farEnd := x+12, x+width-12, "", " end"
		if b.left {
			near, far, nearEnd, farEnd = far, near, farEnd, nearEnd
		}
		if r.net == "" { // a remark reads from left to right
			near, far, nearEnd, farEnd = x+12, x+width-12, "", " end"
		}
		text = cut(text, max(letters/2, letters-len([]rune(aside))))
		aside = cut(aside, letters-len([]rune(text)))
		fmt.Fprintf(g, `<text class="row%s" x="%d" y="%d">%s</text><text class="aside%s" x="%d" y="%d">%s</text>`+"\n",
			nearEnd, near, at, escaped(text), farEnd, far, at, escaped(aside))
	}
	// The terminals lie over the edge of the box.
	for i, r := range b.rows {
		if r.net != "" {
			fmt.Fprintf(g, `<circle class="dot %s" cx="%d" cy="%d" r="3.5"/>`+"\n", r.class, g.edge(b.left), y+i*units+units/2)
		}
	}
}

// swatches draws what each colour means, of those that the picture has.
func (g *page) swatches(y int) {
	x := margin
	for _, c := range classes {
		used := slices.ContainsFunc(slices.Concat(g.left, g.right), func(n *net) bool { return string(n.class) == c.name })
		if !used {
			continue
		}
		line := fmt.Sprintf("M%d %dh22", x, y)
		fmt.Fprintf(g, `<path class="case %s" d="%s"/><path class="wire %s" d="%s"/><text class="aside" x="%d" y="%d">%s</text>`+"\n",
			c.name, line, c.name, line, x+28, y+4, escaped(c.text))
		x += 28 + len(c.text)*letter + 18
	}
}

// legend returns the lines below the picture.
func (g *page) legend() (lines []string) {
	wide := (g.width - 2*margin) * 10 / 66
	add := func(text string) {
		line := ""
		for _, word := range strings.Fields(text) {
			if line != "" && len([]rune(line+" "+word)) > wide {
				lines = append(lines, line)
				line = ""
			}
			line = strings.TrimSpace(line + " " + cut(word, wide))
		}
		lines = append(lines, line)
	}
	if len(g.plan.own) > 0 {
		add("Not drawn: the supply of motors, servos and lamps (" + strings.Join(g.plan.own, ", ") +
			"). It is separate; its ground is joined to the board's.")
	}
	if len(g.plan.unknown) > 0 {
		add("Not drawn, because the robot file does not say it: the supply of " + strings.Join(g.plan.unknown, ", ") +
			". What they send must not exceed 3.3\u00a0V.")
	}
	if slices.ContainsFunc(g.plan.boxes, func(b *box) bool { return b.rows[0].aside == "light" }) {
		add("A light needs a resistor in series, such as 330 ohm.")
	}
	return lines
}

// cut shortens a text to a number of letters.
func cut(text string, letters int) string {
	if runes := []rune(text); len(runes) > max(letters, 2) {
		return string(runes[:max(letters, 2)-1]) + "…"
	}
	return text
}

func escaped(text string) string {
	var b strings.Builder
	if err := xml.EscapeText(&b, []byte(text)); err != nil {
		return ""
	}
	return b.String()
}
