package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"html"
	"log/slog"
	"os"
	"strings"
	"testing"
	"time"

	"fluxd/bridge/protocol"
	"fluxd/cmd/fluxd/daemon"
	"fluxd/cmd/internal/picture"
	"fluxd/configs"
)

// The README opens with a picture of its robot at work, as fluxd run draws it on a terminal, in simulated time. When the robot or
// the drawing changes, run this test with -update to draw the picture again.
func TestThePictureInTheReadme(t *testing.T) {
	const page, file = "../../README.md", "../../docs/seeker.svg"
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(text), "<!-- file: seeker.yaml -->\n```yaml\n")
	yaml, _, ends := strings.Cut(rest, "```\n")
	if !found || !ends {
		t.Fatalf("%s: expected a yaml block after the comment <!-- file: seeker.yaml -->", page)
	}
	config, err := configs.Parse("seeker.yaml", []byte(yaml), nil)
	if err != nil {
		t.Fatal(err)
	}
	robot, err := daemon.NewSimulation(config, 5, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	var frames []string
	const length = 16 * time.Second
	err = robot.Advance(context.Background(), length, func(now time.Duration) {
		if now == length {
			return
		}
		world := picture.Section{Lines: strings.Split(robot.World().Picture(castColumns, castWorld), "\n"), Least: castWorld}
		frames = append(frames, picture.Draw(castColumns, castRows, world,
			picture.Actuators(robot.Actuators(), protocol.Safety{State: "armed"}), picture.Sensors(robot.Sensors(), 0)))
	})
	if err := errors.Join(err, robot.Halt()); err != nil {
		t.Fatal(err)
	}
	drawn := castOf("$ bin/fluxd run seeker.yaml", frames, 100*time.Millisecond)
	if *update {
		if err := os.WriteFile(file, drawn, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if kept, err := os.ReadFile(file); err != nil || !bytes.Equal(kept, drawn) {
		t.Errorf("%s is not what fluxd run draws (%v): draw it with go test ./cmd/fluxd -run Readme -update", file, err)
	}
}

// The terminal of the picture, in characters.
const castColumns, castRows, castWorld = 60, 30, 22

// castOf makes a terminal cast: an SVG that shows each frame for the given time and repeats forever. A row that stays the same
// over several frames is one element. A viewer without animation shows the first frame.
func castOf(command string, frames []string, each time.Duration) []byte {
	const width, height, margin = 8, 17, 14 // of a character, in pixels
	total := each * time.Duration(len(frames))
	var svg bytes.Buffer
	fmt.Fprintf(&svg, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d"`,
		castColumns*width+2*margin, (castRows+1)*height+2*margin)
	fmt.Fprintf(&svg, ` font-family="monospace" font-size="13" fill="#ddd">`+"\n")
	fmt.Fprintf(&svg, `<rect width="100%%" height="100%%" rx="8" fill="#1c1f24"/>`+"\n")
	var bright []string // the lamp, and the robot in each direction
	for _, c := range []string{"*", "→", "↗", "↑", "↖", "←", "↙", "↓", "↘"} {
		colour := "#7fdc7f"
		if c == "*" {
			colour = "#ffd24a"
		}
		bright = append(bright, c, fmt.Sprintf(`<tspan fill="%s" font-weight="bold">%s</tspan>`, colour, c))
	}
	coloured := strings.NewReplacer(bright...)
	row := func(y int, text, attributes, animation string) {
		fmt.Fprintf(&svg, `<text x="%d" y="%d" xml:space="preserve" textLength="%d" lengthAdjust="spacingAndGlyphs"%s>`,
			margin, margin+(y+1)*height-4, width*len([]rune(text)), attributes)
		if animation != "" {
			fmt.Fprintf(&svg, "%s%s</text>\n", coloured.Replace(html.EscapeString(text)), animation)
		} else {
			fmt.Fprintf(&svg, "%s</text>\n", html.EscapeString(text))
		}
	}
	row(0, command, "", "")
	for y := range castRows {
		line := func(frame int) string {
			if lines := strings.Split(frames[frame], "\n"); y < len(lines) {
				return strings.TrimRight(lines[y], " ")
			}
			return ""
		}
		for from := 0; from < len(frames); {
			to := from + 1
			for to < len(frames) && line(to) == line(from) {
				to++
			}
			values, times := "visible", "0" // and the times at which they begin, as shares of the whole
			base := ""                      // what a viewer without animation shows
			if from > 0 {
				base = ` visibility="hidden"`
				values, times = "hidden;visible", fmt.Sprintf("0;%.4f", float64(from)/float64(len(frames)))
			}
			if to < len(frames) {
				values, times = values+";hidden", fmt.Sprintf("%s;%.4f", times, float64(to)/float64(len(frames)))
			}
			switch text := line(from); {
			case text == "":
			case values == "visible":
				row(y+1, text, base, "")
			default:
				row(y+1, text, base, fmt.Sprintf(`<animate attributeName="visibility" calcMode="discrete" dur="%v" repeatCount="indefinite" `+
					`values="%s" keyTimes="%s"/>`, total, values, times))
			}
			from = to
		}
	}
	svg.WriteString("</svg>\n")
	return svg.Bytes()
}
