package lab

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"fluxd/core"
)

// seeker is a robot with a bit of everything that can be tuned.
const seeker = `robot: seeker
board: {kind: sim, world: arena}
sensors:
  eye_l: {device: bh1750, bus: I2C1, address: 0x23, every: 20ms, encode: {kind: rate, range: [0 lx, 100 lx], max: 100 Hz, to: l}}
  eye_r: {device: bh1750, bus: I2C1, address: 0x5c, every: 20ms, encode: {kind: rate, range: [0 lx, 100 lx], max: 100 Hz, to: r}}
network:
  neurons:
    l: {refractory: 2ms}
    r: {refractory: 2ms}
    motor_l: {threshold: 60, leak: 600}
    motor_r: {threshold: 60, leak: 600}
  synapses:
    - {from: l, to: motor_r, weight: 70, delay: 3ms}
    - {from: r, to: motor_l, weight: 70, delay: 3ms}
actuators:
  left_wheel: {device: hbridge, pwm: GPIO13, direction: GPIO6, decode: {kind: count, neuron: motor_l, full: 60 Hz, window: 200ms}}
  right_wheel: {device: hbridge, pwm: GPIO12, direction: GPIO5, decode: {kind: count, neuron: motor_r, full: 60 Hz, window: 200ms}}
mqtt: {broker: none}
`

// A value that is set is the same as that value in the robot file.
func TestSetIsTheSameAsInTheFile(t *testing.T) {
	unchanged := one(parse(t, seeker, nil), 10*time.Second).text(t)
	for _, c := range []struct {
		set      []string
		from, to string
	}{
		{[]string{"motor_l.threshold=90"}, "motor_l: {threshold: 60", "motor_l: {threshold: 90"},
		{[]string{"network.neurons.l.refractory=12ms"}, "l: {refractory: 2ms}", "l: {refractory: 12ms}"},
		{[]string{"motor_*.threshold=130"}, "threshold: 60", "threshold: 130"},
		{[]string{"network.synapses.*.*.weight=50"}, "weight: 70", "weight: 50"},
		{[]string{"eye_l.encode.max=40 Hz", "eye_r.every=30ms"},
			"max: 100 Hz, to: l}}\n  eye_r: {device: bh1750, bus: I2C1, address: 0x5c, every: 20ms",
			"max: 40 Hz, to: l}}\n  eye_r: {device: bh1750, bus: I2C1, address: 0x5c, every: 30ms"},
		{[]string{"left_wheel.decode.full=90 Hz", "right_wheel.decode.full=90 Hz"}, "full: 60 Hz", "full: 90 Hz"},
	} {
		if !strings.Contains(seeker, c.from) {
			t.Fatalf("the robot has no %q", c.from)
		}
		e := one(parse(t, seeker, nil), 10*time.Second)
		e.Set = c.set
		set := e.text(t)
		if file := one(parse(t, strings.ReplaceAll(seeker, c.from, c.to), nil), 10*time.Second).text(t); set != file {
			t.Errorf("%q:\n%s\nin the file:\n%s", c.set, set, file)
		}
		if set == unchanged {
			t.Errorf("%q changes nothing", c.set)
		}
	}
}

// What fluxctl set would refuse is refused in the same words.
func TestSetRefusesLikeFluxctl(t *testing.T) {
	for _, c := range []struct{ set, want string }{
		{"motor_l.treshold=90", "motor_l.treshold: no such parameter, did you mean network.neurons.motor_l.threshold?"},
		{"threshold=90", "threshold: ambiguous, it may be network.neurons.l.threshold or network.neurons.motor_l.threshold or"},
		{"motor_l.threshold", `"motor_l.threshold": expected path=value, such as eye_l.threshold=90`},
		{"motor_l.threshold=much", `motor_l.threshold: expected a number with its unit as in the robot file, such as 5ms, got "much"`},
		{"motor_l.refractory=5", "network.neurons.motor_l.refractory: 5 has no unit: expected a time with its unit, such as 5ms"},
		{"neurons.motor_l.*=5ms", "network.neurons.motor_l.*: the path stands for"},
		{"motor_l.threshold=-1", "network.neurons.motor_l.threshold: -1 units is out of range (allowed: "},
		{"eye_l.encode.max=-3 Hz", "sensors.eye_l.encode.max: -3 Hz is out of range (allowed: "},
		{"sensors.eye_l.address=3", "sensors.eye_l.address: it takes effect at the next start only: change it in the robot file"},
		{"eye_l=3", "eye_l: no such parameter; try 'sensors.eye_l.*'"},
	} {
		e := one(parse(t, seeker, nil), time.Second)
		e.Trials, e.Jobs, e.Set = 10, 2, []string{c.set}
		_, out, err := e.run(context.Background())
		var unusable *Unusable
		if !errors.As(err, &unusable) || !strings.HasPrefix(err.Error(), "--set "+c.want) || out != "" {
			t.Errorf("%s: %v\nwant %s", c.set, err, c.want)
		}
	}
	e := one(parse(t, seeker, nil), time.Second)
	e.Set = []string{"motor_l.threshold=90", "network.neurons.motor_l.threshold=80"}
	const want = "--set network.neurons.motor_l.threshold: given twice, expected once"
	if _, _, err := e.run(context.Background()); fmt.Sprint(err) != want {
		t.Errorf("%v", err)
	}
}

// pupil learns: each spike of a makes its synapse stronger.
const pupil = `robot: pupil
board: {kind: sim, world: none}
network:
  neurons: {a: {pacemaker: 5ms}, b: {threshold: 5}}
  synapses: [{from: a, to: b, weight: 10, plastic: {window: 5ms, ltp: {rate: 1}, max: 1000000}}]
learnt: {file: LEARNT}
tuning: {file: TUNED, persist: true}
mqtt: {broker: none}
`

// A robot begins with what it has learnt and what was tuned, as fluxd run does, unless the experiment is fresh. It writes its
// files never, and learnt weights only where the experiment says.
func TestWhatARobotBeginsWith(t *testing.T) {
	folder := t.TempDir()
	learnt, tuned, trained := filepath.Join(folder, "learnt"), filepath.Join(folder, "tuned"), filepath.Join(folder, "trained")
	robot := parse(t, strings.NewReplacer("LEARNT", learnt, "TUNED", tuned).Replace(pupil), nil)
	weight := func(e *Experiment) (float64, string) {
		t.Helper()
		var log bytes.Buffer
		e.Log, e.Save = slog.New(slog.NewTextHandler(&log, nil)), trained
		e.text(t)
		network, err := core.Build(robot.Network)
		if err != nil {
			t.Fatal(err)
		}
		data, err := os.ReadFile(trained)
		if err == nil {
			_, err = network.Restore(data)
		}
		if err != nil {
			t.Fatal(err)
		}
		return network.Learnt()[0], log.String()
	}
	first, log := weight(one(robot, time.Second))
	if first <= 10 || log != "" {
		t.Errorf("from the weights of the file: %g, %s", first, log)
	}
	if files, err := filepath.Glob(folder + "/*"); err != nil || len(files) != 1 {
		t.Errorf("the simulation wrote %v", files)
	}
	if err := os.Rename(trained, learnt); err != nil {
		t.Fatal(err)
	}
	second, log := weight(one(robot, time.Second))
	if second <= first || !strings.Contains(log, "file="+learnt) {
		t.Errorf("from the learnt weight of %g: %g, %s", first, second, log)
	}
	fresh := one(robot, time.Second)
	fresh.Fresh = true
	if again, log := weight(fresh); again != first || log != "" {
		t.Errorf("fresh: %g, want %g as before; %s", again, first, log)
	}
	// A weight that is set is where the learning begins.
	again := one(robot, 0)
	again.For, again.Set = time.Microsecond, []string{"a.b.weight=20"}
	if set, _ := weight(again); set != 20 {
		t.Errorf("set to 20: it is %g", set)
	}
	if err := os.WriteFile(tuned, []byte("robot: pupil\ntuned: {network.neurons.b.threshold: 1000000}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if still, log := weight(one(robot, time.Second)); still >= second || !strings.Contains(log, "values=1") {
		t.Errorf("with a threshold that is never reached: %g, %s", still, log)
	}
	const unknown = "robot: pupil\ntuned: {network.neurons.c.threshold: 1}\n"
	for file, text := range map[string]string{learnt: "no weights", tuned: unknown} {
		before, err := os.ReadFile(file)
		if err = errors.Join(err, os.WriteFile(file, []byte(text), 0o600)); err != nil {
			t.Fatal(err)
		}
		_, _, err = one(robot, time.Second).run(context.Background())
		if err == nil || !strings.Contains(err.Error(), file) || !strings.Contains(err.Error(), ": --fresh begins with") {
			t.Errorf("%q: %v", text, err)
		}
		if now, err := os.ReadFile(file); err != nil || string(now) != text {
			t.Errorf("%s was changed to %q, %v", file, now, err)
		}
		if err := os.WriteFile(file, before, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
