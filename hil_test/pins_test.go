package hil_test

import (
	"fmt"
	"math"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// Every sensor that is read by GPIO, one after the other, on two lines.
func TestEverySensorOnPins(t *testing.T) {
	c := begin(t)
	p := under.pins()
	c.needs(p != nil, "two lines that are driven and seen from outside")
	run := func(sensors string) (value func(name string) float64, end func()) {
		r, stop := start(t, fmt.Sprintf("robot: pins\nboard: %s\nsensors:\n%s\nnetwork: {neurons: {n: {}}}\nmqtt: {broker: none}\n",
			under.board(), sensors))
		return func(name string) float64 {
			v, ok := r.Sensors()[name].Value.(float64)
			if !ok {
				return math.NaN()
			}
			return v
		}, func() { stop(); p.release() }
	}
	reads := func(value func(string) float64, name string, want, within float64) {
		t.Helper()
		eventually(t, fmt.Sprintf("%s to read %v", name, want), func() bool { return math.Abs(value(name)-want) <= within })
	}
	both := func(one, two bool) {
		p.drive(p.one, one)
		p.drive(p.two, two)
	}

	value, stop := run(fmt.Sprintf(`  touch: {device: button, pin: %s, pull: none, debounce: 2ms, encode: {kind: edge, to: n}}
  motion: {device: pir, pin: %s, pull: none, warm_up: 1ms, encode: {kind: edge, to: n}}`, p.one, p.two))
	eventually(t, "the first reading", func() bool { return !math.IsNaN(value("touch")) })
	time.Sleep(100 * time.Millisecond) // until the motion sensor has warmed up; it has no first reading to wait for
	for _, levels := range [][2]bool{{true, true}, {true, false}, {false, true}, {false, false}} {
		both(levels[0], levels[1])
		reads(value, "touch", number(levels[0]), 0)
		reads(value, "motion", number(levels[1]), 0)
	}
	stop()
	c.figure("button, PIR")

	value, stop = run(fmt.Sprintf("  wheel: {device: quadrature, a: %s, b: %s, counts: 40, measure: position, "+
		"encode: {kind: delta, step: 0.1 rev, to: n}}", p.one, p.two))
	both(false, false)
	eventually(t, "the wheel", func() bool { return !math.IsNaN(value("wheel")) })
	time.Sleep(50 * time.Millisecond)
	origin := value("wheel")                                // the levels before may count as a quarter
	quarter := func(k int) { both(k&2 != 0, (k+1)&2 != 0) } // b leads
	k := 0
	for ; k < 80; k++ {
		quarter(k + 1)
		time.Sleep(time.Millisecond)
	}
	time.Sleep(50 * time.Millisecond)
	forward := value("wheel") - origin
	for ; k > 40; k-- {
		quarter(k - 1)
		time.Sleep(time.Millisecond)
	}
	eventually(t, "the wheel to come back", func() bool { return math.Abs(value("wheel")-origin-forward/2) < 0.11 })
	if math.Abs(math.Abs(forward)-2) > 0.11 {
		t.Errorf("quadrature: %v turns, want 2 either way", forward)
	}
	stop()
	c.figure("quadrature %.3f turns of 2", forward)

	value, stop = run(fmt.Sprintf("  line: {device: linearray, pins: [%s, %s], measure: position, pull: none, every: 5ms, "+
		"encode: {kind: rate, range: [-1, 1], max: 100 Hz, to: n}}", p.one, p.two))
	both(true, false)
	reads(value, "line", -1, 0.01)
	both(true, true)
	reads(value, "line", 0, 0.01)
	both(false, true)
	reads(value, "line", 1, 0.01)
	stop()
	c.figure("line array")

	// The test makes the echo. The distance must match the echo's real length, so the driver measures it.
	value, stop = run(fmt.Sprintf("  range: {device: hcsr04, trigger: %s, echo: %s, level_shifter: true, every: 60ms, "+
		"encode: {kind: threshold, below: 1 m, to: n}}", p.two, p.one))
	p.drive(p.one, false)
	var echo atomic.Int64
	p.watch(p.two, func(high bool) {
		if high {
			return
		}
		go func() { // the caller may be the robot's goroutine, which must not wait
			time.Sleep(500 * time.Microsecond)
			begun := time.Now()
			p.drive(p.one, true)
			time.Sleep(10 * time.Millisecond)
			p.drive(p.one, false)
			echo.Store(int64(time.Since(begun)))
		}()
	})
	eventually(t, "the range", func() bool {
		far := float64(echo.Load()) / 1e9 * 343 / 2
		return far > 1 && math.Abs(value("range")-far) < 0.15*far
	})
	c.figure("range %.2f m by an echo of %v", value("range"), time.Duration(echo.Load()).Round(10*time.Microsecond))
	stop()

	if p.weigh == nil {
		return
	}
	clock, data := p.weigh(430_000)
	value, stop = run(fmt.Sprintf("  load: {device: hx711, clock: %s, data: %s, every: 100ms, curve: [[0, 0 kg], [430000, 1 kg]], "+
		"encode: {kind: threshold, above: 2 kg, to: n}}", clock, data))
	reads(value, "load", 1, 0.001)
	stop()
	c.figure("load cell")
}

func number(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// A missing wire is reported with the pins of the header that it must join.
func TestMissingWires(t *testing.T) {
	c := begin(t)
	missing := under.missing()
	c.needs(missing != nil, "wire that can be cut")
	err := missing(true)
	const want, wrong = "no wire from GPIO17 to GPIO27: join the pins 11 and 13", "GPIO22"
	if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), wrong) {
		t.Errorf("with a cut wire: %v", err)
	}
	c.figure("%v", err)
	if err := missing(false); err != nil {
		t.Errorf("with all wires: %v", err)
	}
}
