// Package draw makes pictures of simulated worlds, as SVG and as PNG.
//
//	picture := world.Draw()
//	err := draw.SVG(file, picture, "lightseeker in the arena")
//	err = draw.PNG(file, picture)
//
// The same drawing gives the same picture on every machine.
package draw

import (
	"image/color"
	"math"

	"fluxd/boards/sim/worlds"
)

// The longer side of a picture and the space around the drawing, in pixels.
const (
	side   = 800
	margin = 10
)

// A look is how a style is drawn.
type look struct {
	fill   color.RGBA // of areas; transparent: they are not filled
	stroke color.RGBA // of lines, and around areas; transparent: no line
	width  float64    // of thin lines, in pixels
}

var (
	clear = color.RGBA{}
	white = color.RGBA{0xff, 0xff, 0xff, 0xff}
)

// looks are the looks of all styles.
var looks = map[worlds.Style]look{
	worlds.StyleGround: {hex(0xf4f1ea), clear, 1},
	worlds.StyleWall:   {hex(0x6b7280), hex(0x374151), 2},
	worlds.StyleLine:   {hex(0x1f2937), hex(0x1f2937), 3},
	worlds.StyleLamp:   {hex(0xfacc15), hex(0xa16207), 1.5},
	worlds.StyleHeat:   {hex(0xf97316), hex(0x9a3412), 1.5},
	worlds.StyleFood:   {hex(0x65a30d), hex(0x365314), 1},
	worlds.StyleGoal:   {hex(0xdcfce7), hex(0x16a34a), 1.5},
	worlds.StylePath:   {clear, hex(0x2563eb), 1.5},
	worlds.StyleRobot:  {hex(0xef4444), hex(0x7f1d1d), 1.5},
	worlds.StylePart:   {hex(0x374151), hex(0x111827), 2},
	worlds.StyleRay:    {clear, hex(0xf0abfc), 1},
	worlds.StyleNote:   {hex(0x111827), clear, 1},
}

// hex returns an opaque colour.
func hex(rgb uint32) color.RGBA {
	return color.RGBA{uint8(rgb >> 16), uint8(rgb >> 8), uint8(rgb), 0xff}
}

// lookOf returns the look of a style; that of a note for a style that does not exist.
func lookOf(s worlds.Style) look {
	if l, known := looks[s]; known {
		return l
	}
	return looks[worlds.StyleNote]
}

// A point is a place in a picture: pixels to the right and down.
type point struct{ x, y float64 }

// A frame converts places of a drawing to those of its picture.
type frame struct {
	low, high     worlds.Point
	scale         float64 // pixels a metre
	width, height int     // of the picture
}

// newFrame returns the frame of a drawing. A drawing without an extent has one metre around its corner.
func newFrame(d *worlds.Drawing) frame {
	f := frame{low: d.Low, high: d.High}
	wide, tall := f.high.X-f.low.X, f.high.Y-f.low.Y
	if !(wide > 0 && tall > 0) || math.IsInf(wide, 0) || math.IsInf(tall, 0) {
		f.low, f.high = worlds.Point{X: -0.5, Y: -0.5}, worlds.Point{X: 0.5, Y: 0.5}
		wide, tall = 1, 1
	}
	f.scale = (side - 2*margin) / max(wide, tall)
	f.width = 2*margin + max(1, int(math.Ceil(float64(wide*f.scale))))
	f.height = 2*margin + max(1, int(math.Ceil(float64(tall*f.scale))))
	return f
}

// place converts a place. Every product is rounded before it is added, so that the result is the same on every processor.
func (f *frame) place(p worlds.Point) point {
	return point{margin + float64((p.X-f.low.X)*f.scale), margin + float64((f.high.Y-p.Y)*f.scale)}
}

// apart is how far the points of a line are apart at least, in pixels.
const apart = 0.75

// places converts the points of a shape. Points that are hardly apart from the one before are left out: a path may have very
// many. Points that are no numbers are left out too.
func (f *frame) places(points []worlds.Point) (all []point) {
	for i, p := range points {
		q := f.place(p)
		if math.IsNaN(q.x) || math.IsNaN(q.y) || math.Abs(q.x) > far || math.Abs(q.y) > far {
			continue
		}
		if n := len(all); n > 0 && near(all[n-1], q) {
			if i < len(points)-1 || n == 1 {
				continue
			}
			all = all[:n-1] // a line ends where it ends
		}
		all = append(all, q)
	}
	return all
}

// far is as far as a shape may be outside of the picture, in pixels.
const far = 1 << 16

func near(a, b point) bool { return math.Abs(a.x-b.x) < apart && math.Abs(a.y-b.y) < apart }

// thickness returns the width of a shape's lines, in pixels.
func (f *frame) thickness(s *worlds.Shape) float64 {
	if s.Width > 0 {
		return min(max(1, float64(s.Width*f.scale)), far)
	}
	return lookOf(s.Style).width
}

// radius returns the radius of a circle, in pixels.
func (f *frame) radius(s *worlds.Shape) float64 { return min(float64(s.Radius*f.scale), far) }

// letters is the size of text, in pixels.
const letters = 14
