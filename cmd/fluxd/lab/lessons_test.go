package lab

import (
	"fmt"
	"log/slog"
	"testing"
	"time"

	"fluxd/configs"
)

// What docs/lessons/README.md says of the lesson on crossed wires: in a minute, from twenty starting poses.
func TestLessonOnCrossingInShort(t *testing.T) {
	robot, err := configs.Load("../../../docs/lessons/crossing.yaml")
	if err != nil {
		t.Fatal(err)
	}
	lamps := func(crossed, uncrossed int) (all []float64) {
		t.Helper()
		e := &Experiment{Config: robot, For: time.Minute, Seed: 1, Trials: 20, Episodes: 1, Jobs: 2, Fresh: true,
			Log: slog.New(slog.DiscardHandler)}
		for _, side := range []string{"l", "r"} {
			other := map[string]string{"l": "r", "r": "l"}[side]
			e.Set = append(e.Set, fmt.Sprintf("network.synapses.eye_%s.motor_%s.weight=%d", side, other, crossed),
				fmt.Sprintf("network.synapses.eye_%s.motor_%s.weight=%d", side, side, uncrossed))
		}
		for _, one := range e.trialsOf(t) {
			all = append(all, one.number("lamps"))
		}
		return all
	}
	for _, c := range []struct {
		crossed, uncrossed int
		least, most        float64
	}{{110, 1, 7, 12}, {1, 110, 0, 0}} {
		for i, n := range lamps(c.crossed, c.uncrossed) {
			if !(n >= c.least && n <= c.most) {
				t.Errorf("weights %d crossed and %d uncrossed, pose %d: %v lamps", c.crossed, c.uncrossed, i, n)
			}
		}
	}
	found := 0
	for _, n := range lamps(110, 110) {
		if n > 0 {
			found++
		}
	}
	if found != 2 {
		t.Errorf("all weights 110: a lamp in %d of 20", found)
	}
}
