package draw

import (
	"bufio"
	"encoding/xml"
	"fmt"
	"image/color"
	"io"
	"math"
	"strconv"
	"strings"

	"fluxd/boards/sim/worlds"
)

// SVG writes a drawing as SVG, with a title for people who cannot see it.
func SVG(to io.Writer, d *worlds.Drawing, title string) error {
	f := newFrame(d)
	w := bufio.NewWriter(to)
	fmt.Fprintf(w, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d">`+"\n",
		f.width, f.height, f.width, f.height)
	fmt.Fprintf(w, "<title>%s</title>\n<style>\n", escaped(title))
	for _, s := range worlds.Styles {
		l := lookOf(s)
		fmt.Fprintf(w, ".%s { fill: %s; stroke: %s; stroke-width: %spx }\n", s, paint(l.fill), paint(l.stroke), decimal(l.width))
	}
	fmt.Fprintf(w, "polyline { fill: none !important; stroke-linecap: round }\npolyline, polygon { stroke-linejoin: round "+
		"}\ntext { font: %dpx sans-serif }\n</style>\n", letters)
	fmt.Fprint(w, `<rect width="100%" height="100%" fill="#fff"/>`+"\n")
	for i := range d.Shapes {
		f.svg(w, &d.Shapes[i])
	}
	fmt.Fprint(w, "</svg>\n")
	return w.Flush()
}

// svg writes one shape.
func (f *frame) svg(w io.Writer, s *worlds.Shape) {
	points := f.places(s.Points)
	if len(points) == 0 {
		return
	}
	class := s.Style
	if _, known := looks[class]; !known {
		class = worlds.StyleNote
	}
	at := points[0]
	switch {
	case s.Text != "":
		fmt.Fprintf(w, `<text class="%s" x="%s" y="%s">%s</text>`+"\n", class, decimal(at.x), decimal(at.y), escaped(s.Text))
	case s.Radius > 0:
		fmt.Fprintf(w, `<circle class="%s" cx="%s" cy="%s" r="%s"/>`+"\n", class, decimal(at.x), decimal(at.y),
			decimal(f.radius(s)))
	default:
		element, width := "polyline", ""
		if s.Closed {
			element = "polygon"
		}
		if s.Width > 0 {
			width = fmt.Sprintf(` style="stroke-width: %spx"`, decimal(f.thickness(s)))
		}
		fmt.Fprintf(w, `<%s class="%s"%s points="`, element, class, width)
		for i, p := range points {
			if i > 0 {
				fmt.Fprint(w, " ")
			}
			fmt.Fprint(w, decimal(p.x), ",", decimal(p.y))
		}
		fmt.Fprint(w, `"/>`+"\n")
	}
}

// decimal writes a number with at most two places.
func decimal(v float64) string {
	return strconv.FormatFloat(math.Round(v*100)/100, 'f', -1, 64)
}

func paint(c color.RGBA) string {
	if c.A == 0 {
		return "none"
	}
	return fmt.Sprintf("#%02x%02x%02x", c.R, c.G, c.B)
}

func escaped(text string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(text)) // a Builder never fails
	return b.String()
}
