package draw

import (
	"bytes"
	"encoding/xml"
	"image/png"
	"math"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// Axes have round numbers.
func TestTicks(t *testing.T) {
	for _, c := range []struct {
		low, high float64
		want      []float64
	}{
		{0, 10, []float64{0, 2, 4, 6, 8, 10}}, {0, 5, []float64{0, 1, 2, 3, 4, 5}}, {-30, 95, []float64{-20, 0, 20, 40, 60, 80}},
		{0.91, 0.93, []float64{0.91, 0.915, 0.92, 0.925, 0.93}}, {0, 100_000, []float64{0, 20_000, 40_000, 60_000, 80_000, 100_000}},
		{1, 1, nil}, {0, math.Inf(1), nil}, {0, math.NaN(), nil},
	} {
		var got []string
		for _, v := range ticks(c.low, c.high) {
			got = append(got, label(v))
		}
		var want []string
		for _, v := range c.want {
			want = append(want, label(v))
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%g to %g: %v, want %v", c.low, c.high, got, want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		low := rapid.Float64Range(-1e9, 1e9).Draw(t, "low")
		high := low + rapid.Float64Range(1e-3, 1e9).Draw(t, "span")
		all := ticks(low, high)
		if len(all) < 3 || len(all) > 11 || all[0] < low || all[len(all)-1] > high {
			t.Errorf("%v", all)
		}
	})
}

// Whatever the numbers are, a chart is an SVG that an XML reader accepts, and a PNG; names are text, never elements.
func TestCharts(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	for name, c := range map[string]Chart{
		"empty":  {},
		"panel":  {Title: "<b> & \"c\"", Note: "<i>", Axis: "x <s>", Most: 3, Panels: []Panel{{Title: "</svg>"}}},
		"curves": {Most: 3, Panels: []Panel{{Curves: []Curve{{Name: "<a>", X: []float64{0, 1, 2, 3}, Y: []float64{1, nan, 2, 3}}}}}},
		"alone": {Most: 3, Panels: []Panel{{Curves: []Curve{{X: []float64{1}, Y: []float64{7}, Low: []float64{6},
			High: []float64{8}}}}}},
		"none": {Most: 3, Panels: []Panel{{Curves: []Curve{{X: []float64{1, 2}, Y: []float64{nan, inf}}}}}},
		"bands": {Most: 3, Panels: []Panel{{Curves: []Curve{{X: []float64{0, 3}, Y: []float64{0, 0}, Low: []float64{-1, -1},
			High: []float64{1, 1}, Dots: true}}}, {Curves: []Curve{{X: []float64{0}, Y: []float64{5}, Apart: true}}}}},
		"huge":      {Most: 1e300, Panels: []Panel{{Curves: []Curve{{X: []float64{0, 1e300}, Y: []float64{-1e300, 1e300}}}}}},
		"long name": {Most: 1, Panels: []Panel{{Curves: []Curve{{Name: strings.Repeat("ä", 99), X: []float64{0}, Y: []float64{0}}}}}},
	} {
		var text, raster bytes.Buffer
		if err := c.SVG(&text); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		reader := xml.NewDecoder(bytes.NewReader(text.Bytes()))
		depth, most := 0, 0
		for {
			token, err := reader.Token()
			if token == nil {
				if err.Error() != "EOF" {
					t.Errorf("%s: %v", name, err)
				}
				break
			}
			switch token.(type) {
			case xml.StartElement:
				depth++
				most = max(most, depth)
			case xml.EndElement:
				depth--
			}
		}
		if s := text.String(); most != 2 || strings.Contains(s, "NaN") || strings.Contains(s, "Inf") {
			t.Errorf("%s: %s", name, s)
		}
		if err := c.PNG(&raster); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if picture, err := png.Decode(&raster); err != nil || picture.Bounds().Dx() != chartWidth {
			t.Errorf("%s: %v", name, err)
		}
	}
}
