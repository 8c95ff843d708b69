package draw

import (
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"io"
	"math"

	"golang.org/x/image/font"
	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/font/sfnt"
	"golang.org/x/image/math/fixed"
	"golang.org/x/image/vector"

	"fluxd/boards/sim/worlds"
)

// PNG writes a drawing as PNG.
func PNG(to io.Writer, d *worlds.Drawing) error {
	picture, err := render(d)
	if err != nil {
		return err
	}
	return png.Encode(to, picture)
}

// render draws the pixels.
func render(d *worlds.Drawing) (*image.RGBA, error) {
	letterforms, err := sfnt.Parse(goregular.TTF)
	if err != nil {
		return nil, fmt.Errorf("the font of the picture: %w", err)
	}
	f := newFrame(d)
	c := &canvas{RGBA: image.NewRGBA(image.Rect(0, 0, f.width, f.height)), font: letterforms}
	draw.Draw(c, c.Bounds(), image.NewUniform(white), image.Point{}, draw.Src)
	for i := range d.Shapes {
		if err := f.png(c, &d.Shapes[i]); err != nil {
			return nil, err
		}
	}
	return c.RGBA, nil
}

// png draws one shape.
func (f *frame) png(c *canvas, s *worlds.Shape) error {
	points, l := f.places(s.Points), lookOf(s.Style)
	if len(points) == 0 {
		return nil
	}
	switch {
	case s.Text != "":
		return c.letters(points[0], s.Text, letters, l.fill)
	case s.Radius > 0:
		points = round(points[0], f.radius(s))
		c.fill(l.fill, points)
		c.line(l.stroke, points, f.thickness(s), true)
	case s.Closed:
		c.fill(l.fill, points)
		c.line(l.stroke, points, f.thickness(s), true)
	default:
		c.line(l.stroke, points, f.thickness(s), false)
	}
	return nil
}

// A canvas is a picture that is being drawn.
type canvas struct {
	*image.RGBA
	font   *sfnt.Font
	glyphs sfnt.Buffer
	raster vector.Rasterizer
}

// tile is the size of the tiles in which shapes are filled, in pixels. Up to 512, the rasterizer computes in integers, which are
// the same on every processor. It is given straight lines only, because it computes curves in floating point.
const tile = 512

// fill fills an area with one or several outlines. An outline within another in the opposite direction is a hole.
func (c *canvas) fill(colour color.RGBA, outlines ...[]point) {
	if colour.A == 0 || len(outlines) == 0 {
		return
	}
	low, high := point{math.Inf(1), math.Inf(1)}, point{math.Inf(-1), math.Inf(-1)}
	for _, outline := range outlines {
		for _, p := range outline {
			low, high = point{min(low.x, p.x), min(low.y, p.y)}, point{max(high.x, p.x), max(high.y, p.y)}
		}
	}
	within := image.Rect(int(math.Floor(low.x)), int(math.Floor(low.y)), int(math.Ceil(high.x)),
		int(math.Ceil(high.y))).Intersect(c.Rect)
	for y := within.Min.Y; y < within.Max.Y; y += tile {
		for x := within.Min.X; x < within.Max.X; x += tile {
			part := image.Rect(x, y, x+tile, y+tile).Intersect(within)
			c.raster.Reset(part.Dx(), part.Dy())
			for _, outline := range outlines {
				for i, p := range outline {
					u, v := float32(p.x-float64(x)), float32(p.y-float64(y))
					if i == 0 {
						c.raster.MoveTo(u, v)
					} else {
						c.raster.LineTo(u, v)
					}
				}
				c.raster.ClosePath()
			}
			c.raster.Draw(c, part, image.NewUniform(colour), image.Point{})
		}
	}
}

// line draws the line through some points, with round ends and corners; closed joins the last to the first.
func (c *canvas) line(colour color.RGBA, points []point, width float64, closed bool) {
	if closed && len(points) > 1 {
		points = append(points[:len(points):len(points)], points[0])
	}
	var outlines [][]point
	half := width / 2
	begin := 0
	for i := range points {
		corner := i > 0 && i < len(points)-1 && sharp(points[i-1], points[i], points[i+1])
		if i == 0 || i == len(points)-1 || corner {
			outlines = append(outlines, round(points[i], half))
		}
		if corner || i == len(points)-1 && i > begin {
			outlines = append(outlines, ribbon(points[begin:i+1], half))
			begin = i
		}
	}
	c.fill(colour, outlines...)
}

// sharp reports whether a line turns by more than 45 degrees at b.
func sharp(a, b, c point) bool {
	u, v := point{b.x - a.x, b.y - a.y}, point{c.x - b.x, c.y - b.y}
	along, across := float64(u.x*v.x)+float64(u.y*v.y), float64(u.x*v.y)-float64(u.y*v.x)
	return along <= 0 || math.Abs(across) > along
}

// ribbon returns the outline of a line without sharp corners, clockwise as seen in the picture.
func ribbon(points []point, half float64) []point {
	n := len(points)
	outline := make([]point, 2*n)
	for i, p := range points {
		before, after := points[max(0, i-1)], points[min(n-1, i+1)]
		u, v := unit(before, p), unit(p, after)
		switch i {
		case 0:
			u = v
		case n - 1:
			v = u
		}
		// The mean of the two normals, made longer so that the line keeps its width.
		x, y := -(u.y + v.y), u.x+v.x
		stretch := 2 * half / (float64(x*x) + float64(y*y))
		x, y = float64(x*stretch), float64(y*stretch)
		outline[i] = point{p.x - x, p.y - y}
		outline[2*n-1-i] = point{p.x + x, p.y + y}
	}
	return outline
}

// unit returns the direction from a to b, which differ.
func unit(a, b point) point {
	x, y := b.x-a.x, b.y-a.y
	length := math.Sqrt(float64(x*x) + float64(y*y))
	return point{x / length, y / length}
}

// circle has the corners of a polygon that looks round.
var circle = func() (all [96]point) {
	// Turning by a small angle again and again needs no sines, and so is the same on every processor.
	const cosine, sine = 0.9978589232386035, 0.06540312923014306 // of a 96th of a turn
	p := point{1, 0}
	for i := range all {
		all[i] = p
		p = point{float64(p.x*cosine) - float64(p.y*sine), float64(p.x*sine) + float64(p.y*cosine)}
	}
	return all
}()

// round returns the outline of a circle, clockwise as seen in the picture.
func round(middle point, radius float64) []point {
	outline := make([]point, len(circle))
	for i, p := range circle {
		outline[i] = point{middle.x + float64(p.x*radius), middle.y + float64(p.y*radius)}
	}
	return outline
}

// letters writes a text of a size in whole pixels; at is the left end of its base line. A letter that the font lacks is a box.
func (c *canvas) letters(at point, text string, pixels float64, colour color.RGBA) error {
	size := fixed.I(int(pixels))
	for _, letter := range text {
		glyph, err := c.font.GlyphIndex(&c.glyphs, letter)
		if err != nil {
			return err
		}
		segments, err := c.font.LoadGlyph(&c.glyphs, glyph, size, nil)
		if err != nil {
			return err
		}
		var outlines [][]point
		for _, s := range segments {
			place := func(i int) point { return point{at.x + float64(s.Args[i].X)/64, at.y + float64(s.Args[i].Y)/64} }
			if s.Op == sfnt.SegmentOpMoveTo {
				outlines = append(outlines, []point{place(0)})
				continue
			}
			last := &outlines[len(outlines)-1]
			switch s.Op {
			case sfnt.SegmentOpLineTo:
				*last = append(*last, place(0))
			case sfnt.SegmentOpQuadTo:
				*last = append(*last, curve((*last)[len(*last)-1], place(0), place(1))...)
			default: // a TrueType font has no others
				return fmt.Errorf("the font's letter %q has a cubic curve", letter)
			}
		}
		if len(outlines) > 0 {
			c.fill(colour, outlines...)
		}
		step, err := c.font.GlyphAdvance(&c.glyphs, glyph, size, font.HintingNone)
		if err != nil {
			return err
		}
		at.x += float64(step) / 64
	}
	return nil
}

// curve returns points of a quadratic Bézier curve after its first.
func curve(a, b, c point) (all []point) {
	const pieces = 4
	for i := 1; i <= pieces; i++ {
		t := float64(i) / pieces
		s := 1 - t
		u, v, w := float64(s*s), 2*float64(s*t), float64(t*t)
		all = append(all, point{float64(u*a.x) + float64(v*b.x) + float64(w*c.x), float64(u*a.y) + float64(v*b.y) + float64(w*c.y)})
	}
	return all
}
