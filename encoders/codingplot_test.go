package encoders_test

import (
	"fmt"
	"strings"

	"fluxd/core"
)

// A codePanel is one pair of codes in the drawing of docs/coding.md.
type codePanel struct {
	name     string
	decoded  []float64 // each millisecond
	readings []int64
	spikes   []core.Tick
}

// The drawing shows a part of the chirp, in milliseconds. Lengths are in pixels.
const (
	codeFrom   = 8000
	codeUntil  = 10_500
	codeWidth  = 800
	codeHeight = 70 // of one panel's curves
	codeStep   = 122
	codeLeft   = 20
	codeTop    = 40
)

func codeX(milliseconds float64) float64 {
	return codeLeft + (milliseconds-codeFrom)*codeWidth/(codeUntil-codeFrom)
}

// drawCodes draws for each pair the readings, what is decoded from their spikes, and the spikes.
func drawCodes(panels []codePanel) string {
	var svg strings.Builder
	width, height := codeWidth+2*codeLeft, codeTop+len(panels)*codeStep
	fmt.Fprintf(&svg, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d" `+
		`font-family="sans-serif" font-size="12">`+"\n", width, height, width, height)
	fmt.Fprintf(&svg, `<rect width="%d" height="%d" fill="white"/>`+"\n", width, height)
	fmt.Fprintf(&svg, `<text x="%d" y="18" fill="#555">%.1f s of the chirp: <tspan fill="#999">readings</tspan>, `+
		`<tspan fill="#1f77b4">decoded</tspan>, <tspan fill="#c33">spikes</tspan></text>`+"\n", codeLeft, (codeUntil-codeFrom)/1000.0)
	for i, p := range panels {
		top := codeTop + i*codeStep
		y := func(share float64) float64 { return float64(top+10) + float64((1-min(max(share, 0), 1))*codeHeight) }
		fmt.Fprintf(&svg, `<text x="%d" y="%d" fill="#333">%s</text>`+"\n", codeLeft, top,
			strings.NewReplacer("`", "", "| ", "→ ").Replace(p.name))
		line := func(colour string, value func(int) float64) {
			fmt.Fprintf(&svg, `<path fill="none" stroke="%s" d="M%d %.1f`, colour, codeLeft, y(value(codeFrom)))
			before := ""
			for at := codeFrom + 5; at < codeUntil; at += 5 {
				if now := fmt.Sprintf("%.1f", y(value(at))); now != before {
					fmt.Fprintf(&svg, "H%.1fV%s", codeX(float64(at)), now)
					before = now
				}
			}
			fmt.Fprintf(&svg, `H%d"/>`+"\n", codeLeft+codeWidth)
		}
		line("#bbb", func(at int) float64 { return float64(p.readings[at/10]) / 1e6 })
		line("#1f77b4", func(at int) float64 { return p.decoded[at] })
		fmt.Fprintf(&svg, `<path stroke="#c33" stroke-width="0.7" d="`)
		for _, s := range p.spikes {
			if at := float64(s) / 1000; at >= codeFrom && at < codeUntil {
				fmt.Fprintf(&svg, "M%.1f %dv9", codeX(at), top+codeHeight+14)
			}
		}
		svg.WriteString(`"/>` + "\n")
	}
	svg.WriteString("</svg>\n")
	return svg.String()
}
