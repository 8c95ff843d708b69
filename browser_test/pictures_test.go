//go:build browser

package browser_test

import (
	"bytes"
	"cmp"
	"flag"
	"image"
	"image/color"
	"image/png"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

var update = flag.Bool("update", false, "write the pictures of the documentation")

// largest is how many bytes a picture of the documentation may have.
const largest = 200_000

// The pictures of the documentation: the demo robot, on a screen and on a phone, in both colours. make screenshots writes them.
func TestPictures(t *testing.T) {
	r := start(t, lightseeker(t), places(t)[0])
	for _, one := range []struct {
		name string
		look look
	}{
		{"dashboard-desktop", look{1440, 900, "light"}}, {"dashboard-desktop-dark", look{1440, 900, "dark"}},
		{"dashboard-phone", look{390, 844, "light"}}, {"dashboard-phone-dark", look{390, 844, "dark"}},
	} {
		p := open(t, r.page)
		one.look.as(p)
		p.awaitOnline()
		p.awaitSpikes()
		p.await("the circuit", "document.querySelectorAll('[data-edge]').length > 5")
		if *update {
			time.Sleep(12 * time.Second) // the panels over time are full then
		}
		eval[any](p, "scrollTo(0, 0)")
		shot, err := chromedp.Run(p.context, chromedp.CaptureScreenshot())
		if err != nil {
			t.Fatal(err)
		}
		small, colours := reduce(t, shot)
		if len(small) > largest {
			t.Errorf("%s has %d bytes: expected at most %d", one.name, len(small), largest)
		}
		if colours < 20 {
			t.Errorf("%s has %d colours: the page is empty", one.name, colours)
		}
		if *update {
			if err := os.WriteFile(filepath.Join("..", "docs", one.name+".png"), small, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		t.Logf("%s: %d bytes, %d colours before", one.name, len(small), colours)
		p.close()
	}
}

// reduce makes a PNG smaller, with the 256 most frequent colours; and returns how many it had.
func reduce(t *testing.T, text []byte) (small []byte, colours int) {
	t.Helper()
	picture, err := png.Decode(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	counts := map[color.RGBA]int{}
	box := picture.Bounds()
	for y := box.Min.Y; y < box.Max.Y; y++ {
		for x := box.Min.X; x < box.Max.X; x++ {
			counts[color.RGBAModel.Convert(picture.At(x, y)).(color.RGBA)]++
		}
	}
	frequent := slices.SortedFunc(maps.Keys(counts), func(a, b color.RGBA) int { return cmp.Compare(counts[b], counts[a]) })
	var palette color.Palette
	for _, one := range frequent[:min(256, len(frequent))] {
		palette = append(palette, one)
	}
	nearest := map[color.RGBA]uint8{}
	for one := range counts {
		nearest[one] = uint8(palette.Index(one))
	}
	out := image.NewPaletted(box, palette)
	for y := box.Min.Y; y < box.Max.Y; y++ {
		for x := box.Min.X; x < box.Max.X; x++ {
			out.SetColorIndex(x, y, nearest[color.RGBAModel.Convert(picture.At(x, y)).(color.RGBA)])
		}
	}
	var to bytes.Buffer
	if err := (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&to, out); err != nil {
		t.Fatal(err)
	}
	return to.Bytes(), len(counts)
}
