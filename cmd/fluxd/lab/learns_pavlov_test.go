package lab

import (
	"bytes"
	"fmt"
	"log/slog"
	"math"
	"slices"
	"testing"

	"fluxd/configs"
)

// answers are how many of some robots answered each bell of a phase.
type answers struct {
	phase string
	bells []int
}

// ring lets twenty robots go through an experiment with a bell and bumps. Set changes parameters.
func ring(t *testing.T, world string, set ...string) []*Trial {
	t.Helper()
	robot, err := configs.LoadWith("pavlov", configs.Changes{World: world})
	if err != nil {
		t.Fatal(err)
	}
	seed := uint64(101)
	e := &Experiment{Config: robot, Seed: seed, Network: &seed, Trials: 20, Episodes: 1, Jobs: 2, Set: set,
		Log: slog.New(slog.DiscardHandler)}
	return e.trialsOf(t)
}

// number returns a number of the score; NaN if it did not come about.
func (t *Trial) number(name string) float64 {
	for _, v := range t.Episodes[0].World.Values {
		if v.Name == name {
			return v.Number
		}
	}
	return math.NaN()
}

// answered counts the answers to each bell.
func answered(all []*Trial, phases ...string) (course []answers) {
	for _, phase := range phases {
		a := answers{phase: phase}
		for bell := 1; ; bell++ {
			key := fmt.Sprintf("%s_%02d_s", phase, bell)
			if _, rang := all[0].Episodes[0].State[key]; !rang {
				break
			}
			a.bells = append(a.bells, count(all, func(one *Trial) bool { return one.Episodes[0].State[key] >= 0 }))
		}
		course = append(course, a)
	}
	return course
}

// conditioned measures the classical conditioning of pavlov: acquisition, extinction, recovery, savings and the controls.
func conditioned(t *testing.T) []figure {
	phases := []string{"before", "acquisition", "extinction", "recovery", "again"}
	all, untiring := ring(t, ""), ring(t, "", "fear.habituation.rate=0")
	course := answered(all, phases...)
	drawn(t, "pavlov.svg", drawCourse(course, answered(untiring, phases...)))
	of := func(phase, bell int) int { return course[phase].bells[bell-1] }
	within := func(name string, least, most float64) int {
		return count(all, func(one *Trial) bool { return one.number(name) >= least && one.number(name) <= most })
	}
	gone := make([]float64, len(all))
	for i, one := range all {
		gone[i] = one.number("extinction_gone") - 1
	}
	slices.Sort(gone)
	after := func(trials []*Trial) (n int) {
		return count(trials, func(one *Trial) bool { return one.number("after") > 0 })
	}
	backward, unpaired := after(ring(t, "backward")), after(ring(t, "unpaired"))
	untired := count(untiring, func(one *Trial) bool { return one.number("recovery_first") == 1 })
	for _, c := range []struct {
		story string
		right bool
	}{
		{"none answers the bell before", slices.Max(course[0].bells) == 0},
		{"all answer it after ten pairs", of(1, 10) == 20},
		{"each stops within 30 bells alone", within("extinction_gone", 2, 28) == 20},
		{"all answer it again after a rest", of(3, 1) >= 19},
		{"but not without habituation", untired <= 3},
		{"pairs bring the answer back faster than at first",
			within("again_first", 1, 3) == 20 && within("acquisition_first", 4, 10) == 20},
		{"none learns from bells after bumps", backward == 0},
		{"none learns from bells and bumps far apart", unpaired == 0},
	} {
		if !c.right {
			t.Errorf("%s: %v; backward %d, unpaired %d, first after the rest without habituation %d", c.story, course, backward, unpaired,
				untired)
		}
	}
	return []figure{
		{"backs off at a bell that a bump follows, seeds 101 to 120", fmt.Sprintf("%d of 20 at the fourth pair, %d at the fifth, "+
			"%d at the tenth; %d before", of(1, 4), of(1, 5), of(1, 10), slices.Max(course[0].bells))},
		{"stops when the bell comes alone (extinction)", fmt.Sprintf("20 of 20, after %.0f to %.0f bells", gone[0], gone[19])},
		{"backs off again after half an hour of rest (spontaneous recovery)",
			fmt.Sprintf("%d of 20 at the first bell (without habituation: %d)", of(3, 1), untired)},
		{"then learns it again (savings)", fmt.Sprintf("%d of 20 at the second pair, %d at the third", of(4, 2), of(4, 3))},
		{"bell after the bump, or both far apart", fmt.Sprintf("%d and %d of 20 learn anything", backward, unpaired)},
	}
}

// drawCourse draws how many of twenty robots answered each bell, with a second course dashed.
func drawCourse(course, without []answers) []byte {
	const wide, left, top, high, gap = 13, 44, 34, 180, 18
	b := &bytes.Buffer{}
	x := left
	for _, a := range course {
		x += wide*len(a.bells) + gap
	}
	fmt.Fprintf(b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" font-size="12">`+"\n", x,
		top+high+52)
	fmt.Fprintf(b, `<rect width="%d" height="%d" fill="white"/>`+"\n", x, top+high+52)
	for robots := 0; robots <= 20; robots += 5 {
		y := top + high - robots*high/20
		fmt.Fprintf(b, `<path d="M%d %dH%d" stroke="#ddd"/><text x="%d" y="%d" text-anchor="end" fill="#555">%d</text>`+"\n",
			left, y, x-gap, left-6, y+4, robots)
	}
	fmt.Fprintf(b, `<text x="6" y="14" fill="#555">robots of 20 that back off at the bell</text>`+"\n")
	x = left
	for i, a := range course {
		line := func(bells []int, style string) {
			fmt.Fprint(b, `<polyline points="`)
			for k, n := range bells {
				fmt.Fprintf(b, "%d,%d ", x+wide*k+wide/2, top+high-n*high/20)
			}
			fmt.Fprintf(b, `" fill="none" %s/>`+"\n", style)
		}
		line(without[i].bells, `stroke="#d97706" stroke-width="1.5" stroke-dasharray="4 3"`)
		line(a.bells, `stroke="#2563eb" stroke-width="2"`)
		for k, n := range a.bells {
			fmt.Fprintf(b, `<circle cx="%d" cy="%d" r="3" fill="#2563eb"/>`+"\n", x+wide*k+wide/2, top+high-n*high/20)
		}
		what := map[string]string{"before": "bells", "acquisition": "pairs", "extinction": "bells alone", "recovery": "bells, rested",
			"again": "pairs"}[a.phase]
		fmt.Fprintf(b, `<text x="%d" y="%d" fill="#111">%s</text>`+"\n", x, top+high+18, a.phase)
		fmt.Fprintf(b, `<text x="%d" y="%d" fill="#555">%d %s</text>`+"\n", x, top+high+34, len(a.bells), what)
		x += wide*len(a.bells) + gap
		if i < len(course)-1 {
			fmt.Fprintf(b, `<path d="M%d %dV%d" stroke="#aaa" stroke-dasharray="2 3"/>`+"\n", x-gap/2, top, top+high)
		}
	}
	fmt.Fprintf(b, `<text x="%d" y="14" text-anchor="end" fill="#d97706">dashed: without habituation</text>`+"\n</svg>\n", x-gap)
	return b.Bytes()
}
