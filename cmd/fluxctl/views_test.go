package main

import (
	"slices"
	"strings"
	"testing"
	"time"

	"fluxd/bridge/protocol"
)

func TestPicture(t *testing.T) {
	p := newPicture("r1", map[string]protocol.Parameter{"eye/threshold": {Unit: "mV"}})
	for _, m := range []struct{ topic, payload string }{
		{"status", `{"state":"online"}`},
		{"tele/health", `{"uptime_s":61.2,"safety":{"state":"armed","held":{"wheel":["sensor stale"]},"stale":["eye"]},"latency_us":{"p50":12,"p99":40,"max":90},"edge_to_write_us":{"p50":21,"p99":62,"p99_9":117,"max":635,"count":800},"spikes_per_s":1234,"cpu_percent":3.25}`},
		{"tele/sensors", `{"left_eye":{"value":412.5,"unit":"lx","age_s":0.012},"right_eye":{"value":7,"unit":"lx","age_s":0.002}}`},
		{"tele/sensors", `not JSON`},
		{"tele/actuators", `{"choice":{"value":"Move-Forward","unit":"","age_s":0}}`},
		{"param/eye/threshold", `{"v":100,"rev":1}`},
		{"param/eye/threshold", `{"v":90,"rev":2}`},
		{"tele/unheard_of", `{}`},
	} {
		p.add("flux/r1/"+m.topic, []byte(m.payload))
	}
	want := `r1  online  armed  wheel held: sensor stale  eye stale  up 1m1s
loop 12 / 40 / 90 µs (p50/p99/max)  1234 spikes/s  0 under way  late 0  dropped 0 + 0  edge to write 21 / 62 / 635 µs  CPU 3.2 %

SENSOR     VALUE    UNIT  AGE
left_eye   412.500  lx    12ms
right_eye  7.000    lx    2ms

ACTUATOR  VALUE         UNIT  AGE
choice    Move-Forward        0s

CHANGED
eye/threshold  100 -> 90  mV  revision 2

ctrl-C ends; fluxctl set path=value tunes
`
	if got := p.String(200); got != want {
		t.Errorf("drew\n%s, want\n%s", got, want)
	}
	// What matters most stays on a small terminal, and nothing scrolls.
	p.add("flux/r1/event/warning", []byte(`{"ts":0,"code":"stopped","text":"by mqtt"}`))
	for _, size := range [][2]int{{80, 24}, {40, 10}, {20, 3}, {1, 1}} {
		lines := strings.Split(fit(p.String(size[0]), size[0], size[1]), "\n")
		if len(lines) > size[1] || slices.ContainsFunc(lines, func(l string) bool { return len([]rune(l)) > size[0] }) {
			t.Errorf("%d x %d: drew\n%s", size[0], size[1], strings.Join(lines, "\n"))
		}
	}
	if got := fit(p.String(40), 40, 10); !strings.HasPrefix(got, "r1  online  armed\nwheel held: sensor stale  eye stale\nup 1m1s\nloop") || !strings.Contains(got, "more lines") {
		t.Errorf("drew\n%s", got)
	}
	if got := fit(p.String(80), 80, 24); !strings.Contains(got, "warning  stopped  by mqtt") || !strings.HasSuffix(got, "tunes") {
		t.Errorf("drew\n%s", got)
	}
}

// The raster has a row for each neuron, the latest spikes at its right, and says what does not fit.
func TestRaster(t *testing.T) {
	v := newRaster("rover", []string{"eye", "motor", "a", "b"})
	now := time.Unix(1000, 0)
	for i := range int64(10) {
		v.add(protocol.Spike{At: i * 20_000, Neuron: 0}, now)
		v.add(protocol.Spike{At: 199_000, Neuron: 1}, now)
	}
	want := "rover: 20 spikes\na column is 20ms\nctrl-C ends\neye   ·········· " + "   50/s\nmotor          █    50/s\nand 2 more neurons\n"
	if got := v.draw(25, 6, now); got != want {
		t.Errorf("drawn:\n%swant:\n%s", got, want)
	}
	// Time goes on, also when nobody spikes.
	if got := v.draw(25, 6, now.Add(60*time.Millisecond)); !strings.Contains(got, "\neye   ·······       35/s\n") {
		t.Errorf("a moment later:\n%s", got)
	}
	if got := v.draw(25, 6, now.Add(time.Minute)); strings.Contains(got, "·") || !strings.Contains(got, " 0/s\n") || len(v.counts[0]) > 0 {
		t.Errorf("a minute later:\n%s", got)
	}
	v.add(protocol.Spike{At: 10_000_000, Neuron: 0}, now)
	v.add(protocol.Spike{At: 40_000, Neuron: 0}, now) // the robot was started again
	if got := v.draw(25, 6, now); !strings.Contains(got, "\neye            ·     5/s\n") {
		t.Errorf("after the robot was started again:\n%s", got)
	}
}
