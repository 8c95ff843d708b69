package draw

import (
	"bytes"
	"encoding/xml"
	"errors"
	"flag"
	"image"
	"image/png"
	"math"
	"os"
	"strings"
	"testing"

	"fluxd/boards/sim/worlds"
)

var update = flag.Bool("update", false, "write the golden pictures")

// everything is a drawing with every kind of shape and every style.
func everything() *worlds.Drawing {
	d := &worlds.Drawing{High: worlds.Point{X: 4, Y: 3}}
	at := func(x, y float64) worlds.Point { return worlds.Point{X: x, Y: y} }
	d.Box(worlds.StyleGround, d.Low, d.High)
	d.Stripe(worlds.StyleLine, 0.04, at(0.3, 0.3), at(3.6, 0.3), at(3.6, 2.2), at(2.6, 2.2), at(2.9, 0.6), at(0.3, 0.3))
	d.Line(worlds.StyleWall, at(0, 0), at(4, 0), at(4, 3), at(0, 3), at(0, 0))
	d.Line(worlds.StyleWall, at(1.5, 0), at(1.5, 0.5))
	d.Polygon(worlds.StyleWall, at(0.5, 2), at(1, 2.2), at(0.8, 2.7), at(0.4, 2.5))
	d.Circle(worlds.StyleGoal, at(3.2, 2.6), 0.25)
	d.Circle(worlds.StyleLamp, at(3.2, 2.6), 0.06)
	d.Circle(worlds.StyleHeat, at(2.2, 2.6), 0.06)
	d.Circle(worlds.StyleFood, at(2.4, 1.2), 0.03)
	var path []worlds.Point
	for i := range 40_000 { // far more than a picture has room for
		x := float64(i) / 40_000
		path = append(path, at(0.6+2*x, 1.2+4*x*(1-x)*(0.5-x)))
	}
	d.Line(worlds.StylePath, path...)
	last := path[len(path)-1]
	d.Line(worlds.StyleRay, last, at(3.9, 2.4))
	d.Circle(worlds.StyleRobot, last, 0.08)
	d.Line(worlds.StylePart, last, at(last.X+0.08, last.Y))
	d.Label(at(0.1, 2.85), "22.5 °C, <lamp> & Wände")
	return d
}

// The same drawing gives the same picture on every machine. A look at testdata shows whether it is a good one.
func TestPictures(t *testing.T) {
	var svg, again, raster bytes.Buffer
	for _, to := range []*bytes.Buffer{&svg, &again} {
		if err := SVG(to, everything(), "all <shapes>"); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(svg.Bytes(), again.Bytes()) {
		t.Error("two SVGs of one drawing differ")
	}
	if err := PNG(&raster, everything()); err != nil {
		t.Fatal(err)
	}
	if *update {
		for name, data := range map[string][]byte{"shapes.svg": svg.Bytes(), "shapes.png": raster.Bytes()} {
			if err := os.WriteFile("testdata/"+name, data, 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	if want, err := os.ReadFile("testdata/shapes.svg"); err != nil || !bytes.Equal(want, svg.Bytes()) {
		t.Errorf("shapes.svg: the picture is another one (%v): go test ./cmd/fluxd/draw -update, and look at it", err)
	}
	want, err := os.Open("testdata/shapes.png")
	if err != nil {
		t.Fatal(err)
	}
	defer want.Close()
	// Pixels are compared, not bytes: how well a PNG is compressed depends on the version of Go.
	expected, err := png.Decode(want)
	if err != nil {
		t.Fatal(err)
	}
	drawn, err := png.Decode(&raster)
	if err != nil {
		t.Fatal(err)
	}
	if !samePixels(expected, drawn) {
		t.Error("shapes.png: the picture is another one: go test ./cmd/fluxd/draw -update, and look at it")
	}
}

// Every style has a look, and a class in SVG.
func TestEveryStyleHasALook(t *testing.T) {
	for _, s := range worlds.Styles {
		if _, known := looks[s]; !known {
			t.Errorf("%s has no look", s)
		}
	}
	if len(looks) != len(worlds.Styles) {
		t.Errorf("%d looks for %d styles", len(looks), len(worlds.Styles))
	}
}

// A world that has gone wrong is still drawn: what is no number is left out, and what is far away is cut off.
func TestStrangeDrawings(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	for name, d := range map[string]*worlds.Drawing{
		"nothing":     {},
		"no extent":   {Low: worlds.Point{X: 1, Y: 1}, High: worlds.Point{X: 1, Y: 2}},
		"no numbers":  {Low: worlds.Point{X: nan}, High: worlds.Point{X: inf, Y: 1}},
		"upside down": {Low: worlds.Point{X: 1, Y: 1}},
		"very wide":   {High: worlds.Point{X: 1e6, Y: 1e-6}},
	} {
		d.Line(worlds.StylePath)
		d.Line(worlds.StylePath, worlds.Point{X: nan}, worlds.Point{Y: inf})
		d.Line(worlds.StylePath, worlds.Point{X: -1e30}, worlds.Point{X: 1e30})
		d.Line(worlds.StylePath, worlds.Point{}, worlds.Point{})
		d.Line("unheard of", worlds.Point{}, worlds.Point{X: 1}, worlds.Point{}, worlds.Point{X: 1})
		d.Polygon(worlds.StyleWall, worlds.Point{})
		d.Polygon(worlds.StyleWall, worlds.Point{X: -300, Y: -300}, worlds.Point{X: 300, Y: -300}, worlds.Point{Y: 300})
		d.Circle(worlds.StyleLamp, worlds.Point{}, inf)
		d.Circle(worlds.StyleLamp, worlds.Point{}, 1e30)
		d.Circle(worlds.StyleLamp, worlds.Point{}, nan)
		d.Label(worlds.Point{}, "\x00\xff\u202e日本")
		var svg, raster bytes.Buffer
		if err := errors.Join(SVG(&svg, d, "\x00"), PNG(&raster, d)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		var whole any
		if err := xml.Unmarshal(svg.Bytes(), &whole); err != nil || strings.Contains(svg.String(), "NaN") ||
			strings.Contains(svg.String(), "Inf") {
			t.Errorf("%s: %v:\n%s", name, err, svg.String())
		}
		if picture, err := png.Decode(&raster); err != nil || picture.Bounds().Dx() > side || picture.Bounds().Dy() > side {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func samePixels(a, b image.Image) bool {
	if a.Bounds() != b.Bounds() {
		return false
	}
	for y := range a.Bounds().Dy() {
		for x := range a.Bounds().Dx() {
			if a.At(x, y) != b.At(x, y) {
				return false
			}
		}
	}
	return true
}
