package hil_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"fluxd/cmd/fluxd/daemon"
	"fluxd/configs"
)

// heated is a robot whose fan turns the faster, the warmer its thermometer is: nothing at 20 °C, full at 60 °C.
func heated(t *testing.T, c *begun) string {
	t.Helper()
	c.needs(under.thermometer() != nil, "thermometer")
	c.needs(under.pwm() != nil, "PWM that is seen from outside")
	return fmt.Sprintf(`robot: heated
board: %s
sensors:
  heat: {%s, every: 50ms, stale: 500ms, encode: {kind: rate, range: [20 °C, 60 °C], max: 200 Hz, to: warm}}
network: {neurons: {warm: {}}}
actuators:
  fan: {device: dimmer, linear: true, pwm: %s, decode: {kind: count, neuron: warm, full: 200 Hz, window: 500ms}}
mqtt: {broker: none}
`, under.board(), under.thermometer().sensor, under.pwm().pin)
}

// Temperature up, neuron, PWM up: the whole way through the kernel's drivers and back.
func TestHeatTurnsTheFan(t *testing.T) {
	c := begin(t)
	text := heated(t, c)
	heat, fan := under.thermometer(), under.pwm()
	heat.set(20)
	start(t, text)
	for _, celsius := range []int{40, 50, 30, 20} {
		want := float64(celsius-20) / 40
		heat.set(celsius)
		took := eventually(t, fmt.Sprintf("duty %.2f at %d °C", want, celsius), func() bool {
			_, duty := fan.read()
			return duty > want-0.05 && duty < want+0.05
		})
		c.figure("%d °C after %v", celsius, took.Round(time.Millisecond))
	}
	frequency, _ := fan.read()
	if frequency < 995 || frequency > 1005 {
		t.Errorf("PWM at %v Hz, want 1 kHz", frequency)
	}
	c.figure("PWM %.1f Hz", frequency)
}

// Every way to stop: what the pin does is looked at from outside, and how long it took.
func TestEveryStopReachesThePin(t *testing.T) {
	c := begin(t)
	text := heated(t, c)
	heat, fan := under.thermometer(), under.pwm()
	heat.set(55)
	r := start(t, text)
	turns := func() bool { _, duty := fan.read(); return duty > 0.5 }
	rests := func() bool { _, duty := fan.read(); return duty == 0 }
	for _, stop := range []struct {
		name string
		do   func()
	}{
		{"disarm", r.Disarm},
		{"emergency stop", func() { r.EmergencyStop("the test") }},
	} {
		eventually(t, "the fan to turn", turns)
		stop.do()
		c.figure("%s %v", stop.name, eventually(t, stop.name, rests).Round(100*time.Microsecond))
		r.Disarm()
		eventually(t, "arming", func() bool { return r.Arm() == nil })
	}
	eventually(t, "the fan to turn", turns)
}

// The thermometer is pulled out and put back: failsafe, and on again by itself.
func TestUnpluggedAndReplugged(t *testing.T) {
	c := begin(t)
	text := heated(t, c)
	heat, fan := under.thermometer(), under.pwm()
	c.needs(heat.unplug != nil, "way to unplug the thermometer")
	heat.set(55)
	start(t, text)
	turns := func() bool { _, duty := fan.read(); return duty > 0.5 }
	rests := func() bool { _, duty := fan.read(); return duty == 0 }
	eventually(t, "the fan to turn", turns)
	heat.unplug(true)
	c.figure("failsafe after %v", eventually(t, "failsafe", rests).Round(time.Millisecond))
	heat.unplug(false)
	c.figure("on again after %v", eventually(t, "the fan to turn again", turns).Round(time.Millisecond))
}

// kill -9 of a process of its own: the parent process brings the pin to failsafe.
func TestKilledDaemonGoesToFailsafe(t *testing.T) {
	c := begin(t)
	text := heated(t, c)
	c.needs(under.name() != "sim", "hardware that outlives the process")
	heat, fan := under.thermometer(), under.pwm()
	heat.set(55)
	file := filepath.Join(t.TempDir(), "robot.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	child := exec.Command(os.Args[0], file)
	child.Env = append(os.Environ(), "HIL_BE_THE_DAEMON=1")
	child.Stderr = t.Output()
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	defer child.Wait()
	eventually(t, "the fan to turn", func() bool { _, duty := fan.read(); return duty > 0.5 })
	if err := child.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = child.Wait()
	if _, duty := fan.read(); duty == 0 {
		t.Error("the hardware does not outlive the process: this shows nothing")
	}
	begun := time.Now()
	config, err := configs.Parse("robot.yaml", []byte(text), nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := daemon.Halt(config, daemon.BoardOptions{Log: slog.New(slog.NewTextHandler(t.Output(), nil))}); err != nil { // as the parent process and ExecStopPost do
		t.Fatal(err)
	}
	if _, duty := fan.read(); duty != 0 {
		t.Errorf("duty %v after fluxd halt", duty)
	}
	c.figure("halt took %v", time.Since(begun).Round(time.Millisecond))
}

// beTheDaemon is the process that is killed.
func beTheDaemon() {
	config, err := configs.Load(os.Args[len(os.Args)-1])
	if err == nil {
		err = daemon.Run(context.Background(), config, daemon.RunOptions{Version: "hil", Arm: true, Log: slog.New(slog.NewTextHandler(os.Stderr, nil))})
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// Edge in, network, edge out. From outside the times are those of whoever drives the line, so what is shown is what the daemon measures: from
// the kernel's stamp of the edge until the write.
func TestReflex(t *testing.T) {
	c := begin(t)
	wires := under.loop()
	c.needs(wires != nil, "line that is driven from outside")
	wires.drive(false)
	r := start(t, fmt.Sprintf(`robot: reflex
board: %s
sensors: {touch: {device: button, pin: '%s', pull: none, debounce: 0s, encode: {kind: edge, on: both, to: feel}}}
network:
  neurons: {feel: {refractory: 0s}, act: {refractory: 0s}}
  synapses: [{from: feel, to: act, weight: 200, delay: 1us}]
actuators: {leg: {device: relay, pin: '%s', decode: {kind: count, neuron: act, full: 20 Hz, window: 50ms}}}
mqtt: {broker: none}
`, under.board(), wires.input, wires.output))
	eventually(t, "the first look at the line", func() bool { _, seen := r.Sensors()["touch"]; return seen }) // edges start from there
	before := r.Health().EdgeToWrite.Count
	const touches = 50
	for i := range touches {
		wires.drive(i&1 == 0)
		want := before + int64(i) + 1
		eventually(t, "an answer", func() bool { return r.Health().EdgeToWrite.Count >= want })
		if wires.level != nil {
			eventually(t, "the leg to move", wires.level)
		}
		eventually(t, "the leg to rest", func() bool { v, _ := r.Actuators()["leg"].Value.(float64); return v == 0 })
	}
	h := r.Health()
	c.figure("edge to write p50 %d us, p99 %d us, max %d us", h.EdgeToWrite.P50, h.EdgeToWrite.P99, h.EdgeToWrite.Max)
	c.figure("%d of %d answered", touches, touches)
	if h.Drops != 0 {
		t.Errorf("%d drops", h.Drops)
	}
}

// Twenty thousand edges as fast as they can be made: the loop goes on, and what is dropped is counted.
func TestEdgeStorm(t *testing.T) {
	c := begin(t)
	wires := under.loop()
	c.needs(wires != nil, "line that is driven from outside")
	r := start(t, fmt.Sprintf(`robot: storm
board: %s
sensors: {touch: {device: button, pin: '%s', pull: none, debounce: 0s, encode: {kind: edge, on: both, to: feel}}}
network: {neurons: {feel: {}, beat: {pacemaker: 10ms}}}
actuators: {leg: {device: relay, pin: '%s', needs: [], decode: {kind: count, neuron: beat, full: 50 Hz, window: 100ms}}}
mqtt: {broker: none}
`, under.board(), wires.input, wires.output))
	edges := 20_000
	if under.name() != "sim" {
		edges = 500 // each is a round trip to the emulator
	}
	for i := range edges {
		wires.drive(i&1 == 0)
	}
	eventually(t, "the leg to be free", func() bool { s := r.Health().Safety; return s.State == "armed" && s.Held["leg"] == nil })
	h := r.Health()
	c.figure("%d edges, %d dropped, loop p99 %d us", edges, h.Drops, h.Latency.P99)
}
