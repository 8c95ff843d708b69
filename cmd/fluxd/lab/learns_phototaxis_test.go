package lab

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"fluxd/boards/sim/worlds"
	"fluxd/cmd/fluxd/daemon"
	"fluxd/configs"
	"fluxd/core"
)

// phototaxisText is the robot file of phototaxis, with changes; what is changed must be there once.
func phototaxisText(t *testing.T, changes ...string) string {
	t.Helper()
	data, err := os.ReadFile("../../../configs/robots/phototaxis.yaml")
	if err != nil {
		t.Fatal(err)
	}
	text := string(data)
	for i := 0; i < len(changes); i += 2 {
		if strings.Count(text, changes[i]) != 1 {
			t.Fatalf("phototaxis.yaml does not have %q once", changes[i])
		}
		text = strings.Replace(text, changes[i], changes[i+1], 1)
	}
	return text
}

// phototaxisWith writes such a file, and returns its name.
func phototaxisWith(t *testing.T, changes ...string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "phototaxis.yaml")
	if err := os.WriteFile(name, []byte(phototaxisText(t, changes...)), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// notLearning are changes after which no weight changes, while the robot still tries things.
var notLearning = []string{"synapses.*.*.plastic.stp.rate=0", "synapses.*.*.plastic.stp.unpaired=0",
	"synapses.*.*.plastic.ltp.consolidation=0"}

// phototaxis measures what the file of the robot claims, and more.
func phototaxis(t *testing.T) (all []figure) {
	for _, l := range []struct {
		lesson
		least, untrained int
	}{
		{lesson{robot: "phototaxis", seed: 101, trials: 20, train: 2 * time.Minute, test: 30 * time.Second}, 19, 4},
		{lesson{robot: "phototaxis", seed: 101, trials: 20, train: 10 * time.Minute, test: 30 * time.Second}, 19, 4},
		{lesson{robot: "phototaxis", seed: 201, trials: 100, train: 2 * time.Minute, test: 30 * time.Second}, 95, 15},
		{lesson{robot: "phototaxis", seed: 201, trials: 100, train: 10 * time.Minute, test: 30 * time.Second}, 95, 15},
	} {
		trials := l.experiment(t).trialsOf(t)
		trained := count(trials, func(one *Trial) bool { return reached(one.Trained) })
		untrained := count(trials, func(one *Trial) bool { return reached(one.Untrained) })
		if trained < l.least || untrained > l.untrained {
			t.Errorf("%v: %d trained and %d untrained robots of %d reach the lamp, want %d and at most %d", l.train, trained, untrained,
				l.trials, l.least, l.untrained)
		}
		all = append(all, figure{fmt.Sprintf("reaches the lamp within 30 s after %v of training, %s", l.train, l.seeds()),
			fmt.Sprintf("%d of %d (untrained: %d)", trained, l.trials, untrained)})
	}
	for _, length := range []time.Duration{2 * time.Minute, 10 * time.Minute} {
		all = append(all, relearns(t, length))
	}
	return append(all, lampsFound(t), liveWithinLimits(t, 24*time.Hour))
}

// relearns trains robots, exchanges their eyes - each sensor excites the other neuron, with the weights as learnt - and trains
// them as long again.
func relearns(t *testing.T, length time.Duration) figure {
	first := lesson{robot: "phototaxis", seed: 101, trials: 20, train: length, test: 30 * time.Second}
	e := first.experiment(t)
	e.Save = filepath.Join(t.TempDir(), "%d.flux")
	e.trialsOf(t)
	second := first
	second.robot = phototaxisWith(t, "to: eye_l}}", "to: EYE}}", "to: eye_r}}", "to: eye_l}}", "to: EYE}}", "to: eye_r}}")
	again := second.experiment(t)
	again.Weights, again.Seed = e.Save, 501 // in another world
	trials := again.trialsOf(t)
	before := count(trials, func(one *Trial) bool { return reached(one.Untrained) })
	after := count(trials, func(one *Trial) bool { return reached(one.Trained) })
	if after < 18 || before > 10 {
		t.Errorf("eyes exchanged: %d of %d reach the lamp, and %d after %v more, want at least 18", before, first.trials, after, length)
	}
	return figure{fmt.Sprintf("the same with the eyes exchanged after %v, and trained as long again, %s", length, first.seeds()),
		fmt.Sprintf("%d of %d (just exchanged: %d)", after, first.trials, before)}
}

// lampsFound counts lamps while the robot learns, and compares with one that does not.
func lampsFound(t *testing.T) figure {
	lamps := func(one *Trial) float64 { return one.Episodes[0].value("lamps") }
	run := func(set []string) []*Trial {
		l := lesson{robot: "phototaxis", seed: 101, trials: 20, set: set}
		e := l.experiment(t)
		e.Episodes, e.For = 1, 10*time.Minute
		return e.trialsOf(t)
	}
	learns, does := run(nil), run(notLearning)
	with, without := medianOf(learns, lamps), medianOf(does, lamps)
	if with < 80 || without > 8 {
		t.Errorf("a median of %g lamps, and %g without learning", with, without)
	}
	return figure{"lamps in 10 minutes of learning, from random weights, seeds 101 to 120, median and range",
		fmt.Sprintf("%s, %s (not learning: %s, %s)", number(with), rangeOf(learns, lamps), number(without), rangeOf(does, lamps))}
}

// liveWithinLimits lets a robot learn for long. Its actuators keep to their slew rates, its weights and their short-term parts to
// their limits, and it finds lamps at the end as at the beginning. Its battery lasts as long: the arena's, of 2 Ah, is empty
// after four and a half hours, and then the wheels stand still.
func liveWithinLimits(t *testing.T, length time.Duration) figure {
	const (
		step = 10 * time.Millisecond
		slew = 8.0 // full scales per second, in the robot file
		most = slew * 2 * 0.01
		// After a rest an actuator may move at once by what its slew rate allows in 10 ms.
	)
	arena, err := worlds.Files.ReadFile("arena.yaml")
	if err != nil {
		t.Fatal(err)
	}
	config := parse(t, phototaxisText(t, "world: arena}", "world: day.yaml}"),
		fstest.MapFS{"day.yaml": {Data: append(arena, "\nbattery: {capacity: 1000 Ah}\n"...)}})
	s, err := daemon.NewSimulation(config, 1, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.Halt(); err != nil {
			t.Error(err)
		}
	}()
	limits := map[int]*core.Plastic{}
	for i, one := range config.Network.Synapses {
		if one.Plastic != nil {
			limits[i] = one.Plastic
		}
	}
	if len(limits) != 4 {
		t.Fatalf("%d plastic synapses", len(limits))
	}
	before := s.Actuators()
	low, high, short, fastest := math.Inf(1), 0.0, 0.0, 0.0
	part, lamps := length/10, [2]float64{} // found in the first and the last tenth
	found := func() float64 {
		for _, v := range s.World().Score().Values {
			if v.Name == "lamps" {
				return v.Number
			}
		}
		return math.NaN()
	}
	for now := step; now <= length; now += step {
		if err := s.Advance(context.Background(), now, func(time.Duration) {}); err != nil {
			t.Fatal(err)
		}
		after := s.Actuators()
		for name := range after {
			by := math.Abs(after[name].Value.(float64) - before[name].Value.(float64))
			if fastest = max(fastest, by); by > most+1e-6 {
				t.Fatalf("%v: %s moved by %g in %v", now, name, by, step)
			}
		}
		before = after
		for i, p := range limits {
			w, m, err := s.Network.Weight(i)
			if err != nil {
				t.Fatal(err)
			}
			low, high, short = min(low, w), max(high, w), max(short, math.Abs(m))
			if w < p.Min-1e-3 || w > p.Max+1e-3 || math.Abs(m) > p.ShortTerm.Max+1e-3 {
				t.Fatalf("%v: synapse %d has %g and %g units, expected %g to %g and at most %g", now, i, w, m, p.Min, p.Max,
					p.ShortTerm.Max)
			}
		}
		switch now {
		case part:
			lamps[0] = found()
		case length - part:
			lamps[1] = -found()
		case length:
			lamps[1] += found()
		}
	}
	if lamps[0] <= 0 || lamps[1] < 5*part.Minutes() {
		t.Errorf("%g lamps in the first tenth of %v, %g in the last", lamps[0], length, lamps[1])
	}
	if fastest < most/4 || short < 6 || high < 40 {
		t.Errorf("little happened: a command moved by %g at most, a weight reached %g, a short-term part %g", fastest, high, short)
	}
	return figure{fmt.Sprintf("learns for %g hours, with a battery of 1000 Ah: slew rates (8/s), limits of weights (0 to 45) and "+
		"of short-term parts (12) are kept", length.Hours()),
		fmt.Sprintf("weights %s to %s, short-term parts up to %s; lamps in the first tenth %s, in the last %s",
			number(low), number(high), number(short), number(lamps[0]), number(lamps[1]))}
}

// A part of what make robots measures: two minutes of training teach it, and it keeps its limits.
func TestPhototaxisInShort(t *testing.T) {
	t.Parallel() // in virtual time
	l := lesson{robot: "phototaxis", seed: 101, trials: 3, train: 2 * time.Minute, test: 30 * time.Second}
	if trials := l.experiment(t).trialsOf(t); count(trials, func(one *Trial) bool { return reached(one.Trained) }) != 3 ||
		count(trials, func(one *Trial) bool { return reached(one.Untrained) }) != 0 {
		t.Error("three robots that reach the lamp after two minutes of training, and not before, do not")
	}
	liveWithinLimits(t, 10*time.Minute)
}

// While the robot retreats no motor drives ahead, whatever its eyes see and it has learnt: both eyes are at their highest rate,
// the weights and the short-term parts at their largest, and both motors are babbled at.
func TestPhototaxisRetreatsWhateverItSees(t *testing.T) {
	config, err := configs.Parse("phototaxis.yaml", []byte(phototaxisText(t)), nil)
	if err != nil {
		t.Fatal(err)
	}
	d := config.Network
	for i := range d.Synapses {
		if p := d.Synapses[i].Plastic; p != nil {
			d.Synapses[i].Weight, d.Synapses[i].Plastic = p.Max+p.ShortTerm.Max, nil
		}
	}
	for shift := range core.Tick(11) { // of the bump, against the eyes
		d.Seed = uint64(shift)
		network, err := core.Build(d)
		if err != nil {
			t.Fatal(err)
		}
		const bump, eyes = core.Tick(1_000_000), core.Tick(10_000)
		excite := func(at core.Tick, name string) {
			if err := network.Excite(at, config.Index[name][0]); err != nil {
				t.Fatal(err)
			}
		}
		for at := eyes; at < 3*bump; at += eyes {
			excite(at, "eye_l")
			excite(at+shift*300, "eye_r")
			excite(at+2000, "try_l")
			excite(at+3000, "try_r")
		}
		excite(bump+shift*1000, "pain")
		var retreat, ahead, inRetreat int
		first, last := core.Tick(0), core.Tick(0)
		spikes := network.Advance(3*bump, nil)
		for _, one := range spikes {
			if one.Neuron == config.Index["retreat"][0] {
				if retreat++; retreat == 1 {
					first = one.At
				}
				last = one.At
			}
		}
		for _, one := range spikes {
			if n := one.Neuron; n == config.Index["motor_l"][0] || n == config.Index["motor_r"][0] {
				if ahead++; one.At > first+27_000 && one.At <= last { // one inhibition may meet a refractory period
					inRetreat++
				}
			}
		}
		if retreat < 40 || last-first > 800_000 || ahead < 100 || inRetreat != 0 {
			t.Errorf("shift %d: %d spikes of retreat in %d us, %d of motors in it, %d in all", shift, retreat, last-first,
				inRetreat, ahead)
		}
	}
}
