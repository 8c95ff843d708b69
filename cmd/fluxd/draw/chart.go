package draw

import (
	"bufio"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"io"
	"math"
	"strconv"

	"golang.org/x/image/font"
	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/font/sfnt"
	"golang.org/x/image/math/fixed"
)

// A Chart is a picture of curves: panels one below the other, with the same horizontal axis.
type Chart struct {
	Title, Note string  // the note stands below the title
	Axis        string  // what goes to the right, with its unit
	Most        float64 // the axis goes from 0 to here; at least a bit above 0
	Panels      []Panel
}

// A Panel is one diagram of a chart. Its axis upwards fits its curves.
type Panel struct {
	Title  string // what goes up, with its unit
	Curves []Curve
}

// A Curve is drawn through its points, in their order; one whose Y is no number interrupts it.
type Curve struct {
	Name      string // in the legend
	X, Y      []float64
	Low, High []float64 // a band around the curve, with the same X; nil: none
	Dots      bool      // a dot at each point, with its band as a bar
	Apart     bool      // no line joins the points
}

// The measures of a chart, in pixels.
const (
	chartWidth  = 800
	plotLeft    = 70
	plotRight   = 610 // to its right is the legend
	panelHeight = 170
	panelSpace  = 58 // above each panel, with its title
	chartTop    = 44
	chartBottom = 52
	smallText   = 12
	legendWidth = chartWidth - plotRight - 34
)

// The colours of a chart on white. Those of curves differ for people with any kind of colour vision (Paul Tol, "Colour schemes",
// technical note SRON/EPS/TN/09-002, 2021: vibrant and muted).
var (
	ink        = hex(0x111827)
	paleInk    = hex(0x4b5563)
	gridColour = hex(0xe5e7eb)
	curveLooks = []color.RGBA{
		hex(0x0077bb), hex(0xcc3311), hex(0x009988), hex(0xee7733), hex(0xaa3377), hex(0x332288), hex(0x999933), hex(0x882255),
		hex(0x117733), hex(0x33a5d6), hex(0x6b7280), hex(0x000000),
	}
)

// Curves is how many curves of a panel have a colour that no other has.
const Curves = 12

// An item is a part of a chart, in pixels: a line, an area, a dot or a text.
type item struct {
	points []point
	colour color.RGBA
	width  float64 // of a line; 0: an area, which is pale
	radius float64 // of a dot
	text   string
	size   float64
	align  float64 // 0: the text begins at the point; 0.5: its middle is there; 1: it ends there
}

// SVG writes the chart as SVG.
func (c *Chart) SVG(to io.Writer) error {
	w := bufio.NewWriter(to)
	height := c.height()
	fmt.Fprintf(w, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d" font-family="sans-serif">`+"\n",
		chartWidth, height, chartWidth, height)
	fmt.Fprintf(w, "<title>%s</title>\n", escaped(c.Title))
	fmt.Fprint(w, `<rect width="100%" height="100%" fill="#fff"/>`+"\n")
	for _, i := range c.items() {
		i.svg(w)
	}
	fmt.Fprint(w, "</svg>\n")
	return w.Flush()
}

func (i *item) svg(w io.Writer) {
	at := i.points[0]
	switch {
	case i.text != "":
		anchor := map[float64]string{0.5: ` text-anchor="middle"`, 1: ` text-anchor="end"`}[i.align]
		fmt.Fprintf(w, `<text x="%s" y="%s" font-size="%s" fill="%s"%s>%s</text>`+"\n", decimal(at.x), decimal(at.y), decimal(i.size),
			paint(i.colour), anchor, escaped(i.text))
	case i.radius > 0:
		fmt.Fprintf(w, `<circle cx="%s" cy="%s" r="%s" fill="%s"/>`+"\n", decimal(at.x), decimal(at.y), decimal(i.radius),
			paint(i.colour))
	default:
		element, look := "polygon", fmt.Sprintf(`fill="%s" fill-opacity="0.2"`, paint(i.colour))
		if i.width > 0 {
			element = "polyline"
			look = fmt.Sprintf(`fill="none" stroke="%s" stroke-width="%s" stroke-linejoin="round"`, paint(i.colour), decimal(i.width))
		}
		fmt.Fprintf(w, `<%s %s points="`, element, look)
		for k, p := range i.points {
			if k > 0 {
				fmt.Fprint(w, " ")
			}
			fmt.Fprint(w, decimal(p.x), ",", decimal(p.y))
		}
		fmt.Fprint(w, `"/>`+"\n")
	}
}

// PNG writes the chart as PNG.
func (c *Chart) PNG(to io.Writer) error {
	letterforms, err := sfnt.Parse(goregular.TTF)
	if err != nil {
		return fmt.Errorf("the font of the picture: %w", err)
	}
	p := &canvas{RGBA: image.NewRGBA(image.Rect(0, 0, chartWidth, c.height())), font: letterforms}
	draw.Draw(p, p.Bounds(), image.NewUniform(white), image.Point{}, draw.Src)
	for _, i := range c.items() {
		if err := i.png(p); err != nil {
			return err
		}
	}
	return png.Encode(to, p.RGBA)
}

func (i *item) png(c *canvas) error {
	switch at := i.points[0]; {
	case i.text != "":
		length, err := c.length(i.text, i.size)
		if err != nil {
			return err
		}
		return c.letters(point{at.x - float64(length*i.align), at.y}, i.text, i.size, i.colour)
	case i.radius > 0:
		c.fill(i.colour, round(at, i.radius))
	case i.width > 0:
		c.line(i.colour, i.points, i.width, false)
	default:
		const share = 51 // of 255, as in SVG
		pale := func(v uint8) uint8 { return uint8(int(v) * share / 255) }
		c.fill(color.RGBA{pale(i.colour.R), pale(i.colour.G), pale(i.colour.B), share}, i.points)
	}
	return nil
}

// length returns how long a text is, in pixels.
func (c *canvas) length(text string, size float64) (all float64, err error) {
	for _, letter := range text {
		glyph, err := c.font.GlyphIndex(&c.glyphs, letter)
		if err != nil {
			return 0, err
		}
		step, err := c.font.GlyphAdvance(&c.glyphs, glyph, fixed.I(int(size)), font.HintingNone)
		if err != nil {
			return 0, err
		}
		all += float64(step) / 64
	}
	return all, nil
}

func (c *Chart) height() int { return chartTop + len(c.Panels)*(panelSpace+panelHeight) + chartBottom }

// items returns what is drawn, from the back to the front.
func (c *Chart) items() (all []item) {
	text := func(x, y, size, align float64, colour color.RGBA, text string) {
		if text != "" {
			all = append(all, item{points: []point{{x, y}}, text: text, size: size, align: align, colour: colour})
		}
	}
	line := func(colour color.RGBA, width float64, points ...point) {
		all = append(all, item{points: points, colour: colour, width: width})
	}
	text(plotLeft, 30, 17, 0, ink, c.Title)
	text(plotLeft, 50, smallText, 0, paleInk, c.Note)
	across := scale{0, max(c.Most, 1e-9), plotLeft, plotRight}
	for k := range c.Panels {
		p := &c.Panels[k]
		top := float64(chartTop + panelSpace + k*(panelSpace+panelHeight))
		bottom := top + panelHeight
		up := p.extent(bottom, top)
		text(plotLeft, top-12, 14, 0, ink, p.Title)
		for _, v := range ticks(up.low, up.high) {
			line(gridColour, 1, point{plotLeft, up.at(v)}, point{plotRight, up.at(v)})
			text(plotLeft-8, up.at(v)+4, smallText, 1, paleInk, label(v))
		}
		for _, v := range ticks(0, c.Most) {
			line(gridColour, 1, point{across.at(v), top}, point{across.at(v), bottom})
			if k == len(c.Panels)-1 {
				line(paleInk, 1, point{across.at(v), bottom}, point{across.at(v), bottom + 5})
				text(across.at(v), bottom+19, smallText, 0.5, paleInk, label(v))
			}
		}
		line(paleInk, 1, point{plotLeft, top}, point{plotLeft, bottom}, point{plotRight, bottom})
		for i := range p.Curves {
			all = append(all, p.Curves[i].band(across, up, curveLooks[i%Curves])...)
		}
		for i := range p.Curves {
			all = append(all, p.Curves[i].lines(across, up, curveLooks[i%Curves])...)
		}
		for i := range p.Curves {
			y, colour := top+8+float64(i*14), curveLooks[i%Curves]
			if p.Curves[i].Apart {
				all = append(all, item{points: []point{{plotRight + 20, y}}, radius: 3.5, colour: colour})
			} else {
				line(colour, 2.5, point{plotRight + 14, y}, point{plotRight + 26, y})
			}
			text(plotRight+32, y+4, smallText, 0, ink, short(p.Curves[i].Name))
		}
	}
	text((plotLeft+plotRight)/2, float64(c.height()-14), smallText+1, 0.5, ink, c.Axis)
	return all
}

// short shortens a name to what fits into the legend.
func short(name string) string {
	const most = legendWidth / 7 // letters
	if letters := []rune(name); len(letters) > most {
		return string(letters[:most-1]) + "…"
	}
	return name
}

// A scale converts numbers to pixels.
type scale struct{ low, high, from, to float64 }

func (s *scale) at(v float64) float64 {
	share := (v - s.low) / (s.high - s.low)
	return s.from + float64(share*(s.to-s.from))
}

// extent returns the scale upwards. It has room for all curves and bands, and shows 0 if that is not far.
func (p *Panel) extent(bottom, top float64) scale {
	low, high := math.Inf(1), math.Inf(-1)
	for i := range p.Curves {
		c := &p.Curves[i]
		for _, some := range [][]float64{c.Y, c.Low, c.High} {
			for _, v := range some {
				if !math.IsNaN(v) && !math.IsInf(v, 0) {
					low, high = min(low, v), max(high, v)
				}
			}
		}
	}
	switch {
	case low > high:
		low, high = 0, 1
	case low >= 0 && low < high/2:
		low = 0
	case high <= 0 && high > low/2:
		high = 0
	}
	if low == high {
		low, high = low-1, high+1
	}
	room := (high - low) / 20
	if high != 0 {
		high += room
	}
	if low != 0 {
		low -= room
	}
	return scale{low, high, bottom, top}
}

// ticks returns round numbers between two others, about five: multiples of 1, 2 or 5 with any power of ten.
func ticks(low, high float64) (all []float64) {
	most := (high - low) / 4
	if !(most > 0) || math.IsInf(most, 0) {
		return nil
	}
	step, multiple := 1.0, 1.0
	for step > most {
		step /= 10
	}
	for step*10 <= most {
		step *= 10
	}
	for _, m := range []float64{2, 5} {
		if step*m <= most {
			multiple = m
		}
	}
	step *= multiple
	for k := math.Ceil(low / step); float64(k*step) <= high; k++ {
		all = append(all, float64(k*step)+0) // not -0
	}
	return all
}

// label writes a number at an axis.
func label(v float64) string {
	text := strconv.FormatFloat(v, 'g', 6, 64)
	if short, err := strconv.ParseFloat(text, 64); err == nil {
		return strconv.FormatFloat(short, 'g', -1, 64)
	}
	return text
}

// stretches calls draw for each stretch of points that are numbers.
func (c *Curve) stretches(draw func(from, to int)) {
	begin := 0
	for i := 0; i <= len(c.Y); i++ {
		if i < len(c.Y) && !math.IsNaN(c.Y[i]) && !math.IsInf(c.Y[i], 0) {
			continue
		}
		if i > begin {
			draw(begin, i)
		}
		begin = i + 1
	}
}

// band returns the band of a curve.
func (c *Curve) band(across, up scale, colour color.RGBA) (all []item) {
	if c.Low == nil || c.Apart {
		return nil
	}
	c.stretches(func(from, to int) {
		if to-from < 2 {
			return
		}
		outline := make([]point, 0, 2*(to-from))
		for i := from; i < to; i++ {
			outline = append(outline, point{across.at(c.X[i]), up.at(c.High[i])})
		}
		for i := to - 1; i >= from; i-- {
			outline = append(outline, point{across.at(c.X[i]), up.at(c.Low[i])})
		}
		all = append(all, item{points: outline, colour: colour})
	})
	return all
}

// lines returns the line of a curve, and its dots.
func (c *Curve) lines(across, up scale, colour color.RGBA) (all []item) {
	c.stretches(func(from, to int) {
		var points []point
		for i := from; i < to; i++ {
			points = append(points, point{across.at(c.X[i]), up.at(c.Y[i])})
		}
		if !c.Apart && len(points) > 1 {
			all = append(all, item{points: points, colour: colour, width: 2})
		}
		if !c.Dots && !c.Apart && len(points) > 1 {
			return
		}
		for i, p := range points {
			if c.Low != nil && (c.Apart || len(points) == 1) {
				all = append(all, item{points: []point{{p.x, up.at(c.Low[from+i])}, {p.x, up.at(c.High[from+i])}}, colour: colour,
					width: 1.5})
			}
			all = append(all, item{points: []point{p}, radius: 3.5, colour: colour})
		}
	})
	return all
}
