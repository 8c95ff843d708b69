package main

import (
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"fluxd/bridge/protocol"
	"fluxd/cmd/fluxctl/live"
	"fluxd/cmd/fluxctl/views"
	"fluxd/cmd/internal/terminal"
)

// viewOfRobot is a view that has received all messages that a robot publishes in a second.
func viewOfRobot(t *testing.T, now time.Time) *views.View {
	t.Helper()
	v := views.New("r1", func(path string) protocol.Parameter {
		return map[string]protocol.Parameter{"eye/refractory": {Unit: "us"}}[path]
	}, now)
	for _, m := range []struct{ topic, payload string }{
		{"status", `{"state":"online"}`},
		{"tele/health", `{"uptime_s":61.2,"safety":{"state":"armed","held":{"wheel":["sensor stale"]},"stale":["eye"]},
			"latency_us":{"p50":12,"p99":40,"max":90},
			"edge_to_write_us":{"p50":21,"p99":62,"p99_9":117,"max":635,"count":800},
			"spikes_per_s":1234,"cpu_percent":3.25}`},
		{"tele/sensors", `{"left_eye":{"value":412.5,"unit":"lx","age_s":0.012},
			"right_eye":{"value":7,"unit":"lx","age_s":0.002}}`},
		{"tele/sensors", `not JSON`},
		{"tele/actuators", `{"choice":{"value":"Move-Forward","unit":"","age_s":0},
			"wheel":{"value":-0.32,"unit":"","age_s":0}}`},
		{"param/eye/refractory", `{"v":1000,"rev":1}`},
		{"param/eye/refractory", `{"v":5000,"rev":2}`},
		{"tele/unknown", `{}`},
	} {
		v.Add("flux/r1/"+m.topic, []byte(m.payload), false, now)
	}
	return v
}

func TestPicture(t *testing.T) {
	now := time.Unix(1000, 0)
	v := viewOfRobot(t, now)
	loop := "loop 12 / 40 / 90 µs (p50/p99/max)  1234 spikes/s  0 under way  late 0  dropped 0 + 0  " +
		"edge to write 21 / 62 / 635 µs  CPU 3.2 %"
	want := "r1  online  armed  eye stale  up 1m1s\n" + loop + `

ACTUATOR  VALUE
choice    Move-Forward
wheel     -0.320        [       ---|          ]  held: sensor stale

SENSOR     VALUE    UNIT  AGE
left_eye   412.500  lx    12ms
right_eye  7.000    lx    2ms

CHANGED
eye/refractory  1 ms -> 5 ms  revision 2
ctrl-C ends; fluxctl set path=value tunes`
	if got, bright := v.Draw(200, 50, now); got != want || bright != 50 {
		t.Errorf("drew, %d lines of it bright,\n%s, want\n%s", bright, got, want)
	}
	// A small terminal shows the most important lines, and does not scroll.
	v.Add("flux/r1/event/warning", []byte(`{"ts":0,"code":"stopped","text":"by mqtt"}`), false, now)
	for _, size := range [][2]int{{80, 24}, {40, 10}, {20, 3}, {1, 1}} {
		got, _ := v.Draw(size[0], size[1], now)
		lines := strings.Split(got, "\n")
		if len(lines) > size[1] || slices.ContainsFunc(lines, func(l string) bool { return len([]rune(l)) > size[0] }) {
			t.Errorf("%d x %d: drew\n%s", size[0], size[1], got)
		}
	}
	got, _ := v.Draw(40, 10, now)
	if !strings.HasPrefix(got, "r1  online  armed  eye stale  up 1m1s\nloop") || !strings.Contains(got, "more lines") {
		t.Errorf("drew\n%s", got)
	}
	if got, _ := v.Draw(80, 24, now); !strings.Contains(got, "warning  stopped  by mqtt") || !strings.HasSuffix(got, "tunes") {
		t.Errorf("drew\n%s", got)
	}
}

// When a robot falls silent, watch shows since when, the ages of readings grow, and old lines are dimmed. The same holds when the
// connection to the broker is lost.
func TestSilentRobot(t *testing.T) {
	now := time.Unix(1000, 0)
	v := viewOfRobot(t, now)
	got, bright := v.Draw(200, 50, now.Add(2*time.Second))
	if strings.Contains(got, "no message") || !strings.Contains(got, "2.012s") || bright != 50 {
		t.Errorf("two seconds later drew, %d lines bright,\n%s", bright, got)
	}
	v.Add("flux/r1/status", []byte(`{"state":"online"}`), true, now.Add(5*time.Second)) // a retained message is no sign of life
	got, bright = v.Draw(200, 50, now.Add(6*time.Second))
	want := "r1  online  no message for 6s, since " + now.Format(time.TimeOnly) + ": the lines below are that old\narmed"
	if !strings.HasPrefix(got, want) || bright != 1 || !strings.Contains(got, "left_eye   412.500  lx    6.012s") {
		t.Errorf("six seconds later drew, %d lines bright,\n%s, want\n%s", bright, got, want)
	}
	v.Add("flux/r1/tele/actuators", []byte(`{}`), false, now.Add(7*time.Second))
	if got, bright := v.Draw(200, 50, now.Add(7*time.Second)); strings.Contains(got, "no message") || bright != 50 {
		t.Errorf("when it is back drew, %d lines bright,\n%s", bright, got)
	}
	for _, state := range []string{brokerLost, "offline"} {
		v.State = state
		got, bright := v.Draw(200, 50, now.Add(7*time.Second))
		if !strings.HasPrefix(got, "r1  "+state+"\narmed") || bright != 1 {
			t.Errorf("%s: drew, %d lines bright,\n%s", state, bright, got)
		}
	}
}

// Lines that may be out of date are dim. Dimming ends with the picture.
func TestDimming(t *testing.T) {
	want := "\x1b[Hnow\x1b[K\r\n\x1b[2mthen\x1b[K\r\n\ufffd[31mred\x1b[22m\x1b[K\x1b[J"
	if got := shownOn(t, "now\nthen\n\x1b[31mred", 1); got != want {
		t.Errorf("showed %q, want %q", got, want)
	}
}

// shownOn returns what is written to a terminal to show a text, without what is written when the terminal is opened.
func shownOn(t *testing.T, text string, bright int) string {
	t.Helper()
	file, err := os.Create(filepath.Join(t.TempDir(), "terminal"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	s := &live.Screen{Screen: terminal.Open(file)}
	before, err := file.Seek(0, io.SeekCurrent)
	if err != nil {
		t.Fatal(err)
	}
	s.Show(text, bright)
	all, err := os.ReadFile(file.Name())
	if err != nil {
		t.Fatal(err)
	}
	return string(all[before:])
}
