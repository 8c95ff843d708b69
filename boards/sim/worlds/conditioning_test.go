package worlds

import (
	"math"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"fluxd/options"
	"fluxd/splitmix64"
)

func newConditioning(seed uint64, phases ...ConditioningPhase) *conditioning {
	o := options.Defaults[ConditioningOpts]()
	o.Phases = phases
	c := o.physics(&Robot{}).(*conditioning)
	random := splitmix64.Random(seed)
	c.reset(&random)
	return c
}

// value returns a number of the score.
func (c *conditioning) value(t *testing.T, name string) float64 {
	t.Helper()
	for _, v := range c.score(c.steps).Values {
		if v.Name == name {
			return v.Number
		}
	}
	t.Fatalf("no %s in %+v", name, c.score(c.steps).Values)
	return 0
}

// live runs it to its end. Answer says whether the robot backs off, so many steps after the bell with a number; less than 0:
// never.
func (c *conditioning) live(answer func(bell int) int64) {
	for !c.over() {
		command := 0.3
		for i, b := range c.bells {
			if after := answer(i); after >= 0 && c.steps >= b.from+after && c.steps < b.from+after+20 {
				command = -0.8
			}
		}
		c.advance([]float64{command, command})
	}
}

// The bump comes a gap after the bell, a gap before it, or far from it; all bells and bumps are apart, and what a sensor senses
// is the schedule.
func TestScheduleOfConditioning(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		gives := rapid.SampledFrom([]string{"paired", "backward", "unpaired", "bell", "bump"}).Draw(t, "gives")
		c := newConditioning(rapid.Uint64().Draw(t, "seed"), ConditioningPhase{Name: "only", Trials: 7, Gives: gives,
			Rest: time.Minute})
		bells, bumps := 7, 7
		switch gives {
		case "bell":
			bumps = 0
		case "bump":
			bells = 0
		}
		judged := max(bells, bumps) // a bump that comes alone is judged, too
		if len(c.bells) != judged || len(c.bumps) != bumps {
			t.Fatalf("%d answers and %d bumps, want %d and %d", len(c.bells), len(c.bumps), judged, bumps)
		}
		for i := range min(bells, bumps) {
			apart := time.Duration(c.bumps[i].from-c.bells[i].from) * conditioningStep
			least, most := 890*time.Millisecond, 1110*time.Millisecond
			switch gives {
			case "backward":
				apart = -apart
			case "unpaired":
				apart, least, most = max(apart, -apart), 3*time.Second, 13*time.Second
			}
			if apart < least || apart > most {
				t.Errorf("%s %d: %v from the bell to the bump", gives, i, apart)
			}
		}
		bell, _ := c.sense(nil, nil, "bell")
		contact, _ := c.sense(nil, nil, "contact")
		rang, bumped := int64(0), int64(0)
		for !c.over() {
			if bell() == 1 || contact() == 1 {
				if c.steps < int64(time.Minute/conditioningStep) {
					t.Fatalf("step %d is in the rest", c.steps)
				}
			}
			rang, bumped = rang+int64(bell()), bumped+int64(contact())
			c.advance([]float64{0, 0})
		}
		if rang != int64(bells*50) || bumped != int64(bumps*10) {
			t.Errorf("%d steps of bells and %d of bumps, want %d and %d", rang, bumped, bells*50, bumps*10)
		}
	})
}

// An answer is backing off after the bell and before the bump: neither one that began earlier, nor one that the bump causes.
func TestAnswersToABell(t *testing.T) {
	for _, c := range []struct {
		story        string
		after        int64 // steps from the bell to backing off
		answered, at float64
	}{
		{"at once", 1, 1, 0.02},
		{"half a second later", 50, 1, 0.51},
		{"already before the bell", -5, 0, math.NaN()},
		{"after the bump", 130, 0, math.NaN()},
	} {
		w := newConditioning(3, ConditioningPhase{Name: "pairs", Trials: 4, Gives: "paired"})
		for !w.over() {
			command := 0.0
			for _, b := range w.bells {
				if start := b.from + c.after; w.steps >= start && w.steps < start+60 {
					command = -0.5
				}
			}
			w.advance([]float64{command, command})
		}
		if got := w.value(t, "pairs"); got != c.answered {
			t.Errorf("%s: answered %g, want %g", c.story, got, c.answered)
		}
		if got := w.value(t, "pairs_s"); math.Abs(got-c.at) > 1e-9 || math.IsNaN(got) != math.IsNaN(c.at) {
			t.Errorf("%s: after %g s, want %g", c.story, got, c.at)
		}
	}
}

// Bumps that come alone are judged as bells are, and a phase may have a pace that is not the world's.
func TestAnswersToBumps(t *testing.T) {
	w := newConditioning(3, ConditioningPhase{Name: "touches", Trials: 10, Gives: "bump"},
		ConditioningPhase{Name: "noise", Trials: 1, Gives: "bell"},
		ConditioningPhase{Name: "rare", Trials: 3, Gives: "bump", Every: 5 * time.Minute})
	if length := w.length(); length < 13*time.Minute || length > 24*time.Minute {
		t.Errorf("it takes %v, want three and two thirds of a minute, and three times five", length)
	}
	w.live(func(bell int) int64 {
		if phase, trial := w.bells[bell].phase, w.bells[bell].trial; phase == 0 && trial < 4 || phase == 2 {
			return 5
		}
		return -1
	})
	if s := w.score(w.steps); s.Text != "backed off: touches 4 of 10 (until bump 4), noise 0 of 1, rare 3 of 3" {
		t.Error(s.Text)
	}
	if gone := w.value(t, "touches_gone"); gone != 5 {
		t.Errorf("touches_gone is %g, want 5", gone)
	}
}

// The score of a robot that learns at the fourth pair, forgets after eleven bells alone, and remembers after the rest.
func TestScoreOfConditioning(t *testing.T) {
	w := newConditioning(1)
	if s := w.score(0); s.Text != "no bell or bump yet" || !math.IsNaN(s.Values[0].Number) {
		t.Errorf("at the start: %+v", s)
	}
	w.live(func(bell int) int64 {
		phase, trial := w.bells[bell].phase, w.bells[bell].trial
		if phase == 1 && trial >= 3 || phase == 2 && (trial < 11 || trial == 20) || phase >= 3 {
			return 10
		}
		return -1
	})
	want := "backed off at the bell: before 0 of 3, acquisition 7 of 10 (from bell 4 on), extinction 12 of 30 (until bell 11), " +
		"recovery 10 of 10, again 5 of 5"
	if s := w.score(w.steps); s.Text != want {
		t.Errorf("%s\nwant\n%s", s.Text, want)
	}
	for name, number := range map[string]float64{"before": 0, "before_gone": 1, "acquisition": 0.7, "acquisition_first": 4,
		"acquisition_gone": 1, "extinction": 0.4, "extinction_first": 1, "extinction_gone": 12, "again_s": 0.11} {
		if got := w.value(t, name); math.Abs(got-number) > 1e-9 {
			t.Errorf("%s is %g, want %g", name, got, number)
		}
	}
	for _, name := range []string{"before_first", "before_s", "again_gone"} {
		if got := w.value(t, name); !math.IsNaN(got) {
			t.Errorf("%s is %g, want none", name, got)
		}
	}
	if s := w.state(); s["acquisition_03_s"] != -1 || s["acquisition_04_s"] != 0.11 {
		t.Errorf("%v", s)
	}
	lines := strings.Split(w.picture(60, 10), "\n")
	if len(lines) != 6 || lines[1] != "acquisition ▁▁▁███████" || w.picture(10, 10) != "" || w.picture(60, 4) != "" {
		t.Errorf("%q", lines)
	}
	var d Drawing
	if w.draw(&d); len(d.Shapes) < 34 || d.High.X <= 0 {
		t.Errorf("%d shapes up to %v", len(d.Shapes), d.High)
	}
}

// The world knows how long it lasts, so that fluxd sim runs all of it.
func TestLengthOfConditioning(t *testing.T) {
	w := newConditioning(1, ConditioningPhase{Name: "bells", Trials: 9, Gives: "bell", Rest: 10 * time.Minute})
	length := Length(&stepped{physics: w})
	if length < 12*time.Minute || length > 14*time.Minute {
		t.Errorf("%v, want ten minutes and nine times 20 s", length)
	}
	w.live(func(int) int64 { return -1 })
	if now := time.Duration(w.steps) * conditioningStep; now != length {
		t.Errorf("over after %v, want %v", now, length)
	}
	if Length(nil) != 0 || Length(&stepped{physics: &rail{}}) != 0 {
		t.Error("other worlds have a length")
	}
}

func TestConditioningRefuses(t *testing.T) {
	phases := func(names ...string) func(*ConditioningOpts) {
		return func(o *ConditioningOpts) {
			for _, name := range names {
				o.Phases = append(o.Phases, ConditioningPhase{Name: name, Trials: 1, Gives: "bell"})
			}
		}
	}
	refuses(t, (*ConditioningOpts).Check, map[string]func(*ConditioningOpts){
		"phases[0].name": phases("Two words"),
		"phases[1].name": phases("bells", "bells"),
		"every":          func(o *ConditioningOpts) { o.Every = 6 * time.Second },
		"phases[0].every": func(o *ConditioningOpts) {
			o.Phases = []ConditioningPhase{{Name: "bells", Trials: 1, Gives: "bell", Every: time.Second}}
		},
	})
}

// Whatever the commands, the numbers of the score stay within their bounds.
func TestConditioningStaysWithinBounds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newConditioning(rapid.Uint64().Draw(t, "seed"), ConditioningPhase{Name: "pairs", Trials: 5, Gives: "paired"},
			ConditioningPhase{Name: "bells", Trials: 5, Gives: "bell"})
		for !w.over() {
			command := rapid.Float64Range(-1, 1).Draw(t, "command")
			for range 100 {
				w.advance([]float64{command, command})
			}
			for _, v := range w.score(w.steps).Values {
				if v.Number < 0 || v.Number > 5 || strings.HasSuffix(v.Name, "_s") && v.Number > 1.11 {
					t.Fatalf("%s is %g", v.Name, v.Number)
				}
			}
		}
	})
}

// The same seed gives the same schedule, and the same commands the same score, on every processor.
func TestConditioningIsTheSameEverywhere(t *testing.T) {
	w, g, sum := newConditioning(42), splitmix64.Random(7), newDigest()
	for !w.over() {
		command := g.Between(-1, 1)
		for range 30 {
			w.advance([]float64{command, g.Between(-0.2, 0.2)})
		}
		for _, v := range w.score(w.steps).Values {
			if !math.IsNaN(v.Number) { // which NaN it is may differ
				sum.named(v.Name, v.Number)
			}
		}
	}
	sum.expect(t, "conditioning", conditioningBits)
}

// conditioningBits is the hash of a whole experiment.
const conditioningBits = 0x64a477ec3050f0a0
