package lab

import (
	"bytes"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"fluxd/configs"
)

// number returns a number of an episode's score.
func (e *Episode) number(t *testing.T, name string) float64 {
	t.Helper()
	for _, v := range e.World.Values {
		if v.Name == name {
			return v.Number
		}
	}
	t.Fatalf("the score has no %s: %v", name, e.World.Values)
	return 0
}

// avoidance is an experiment that trains obstacle in several rooms, and tests it in others.
func avoidance(t *testing.T, seed uint64, trials int, train, test time.Duration) *Experiment {
	robot, err := configs.Load("obstacle")
	if err != nil {
		t.Fatal(err)
	}
	return &Experiment{Config: robot, Seed: seed, Network: &seed, Trials: trials, Train: train, Test: test, Jobs: 2,
		Log: slog.New(slog.DiscardHandler)}
}

// tenfold reports whether a robot bumps into things at most a tenth as often a metre as before it learnt, and drives at least
// half as far.
func tenfold(t *testing.T, one *Trial) bool {
	before, after := one.Untrained.number(t, "metres"), one.Trained.number(t, "metres")
	return after >= before/2 && after > 0 &&
		one.Trained.number(t, "bumps")/after <= one.Untrained.number(t, "bumps")/max(before, 0.01)/10
}

// avoids measures how obstacle learns to avoid obstacles, and still drives.
func avoids(t *testing.T) []figure {
	const trials, succeed, train, test = 20, 18, 5 * time.Minute, 3 * time.Minute
	e := avoidance(t, 101, trials, train, test)
	e.TestEvery, e.Plot, e.PlotScore = time.Minute, true, "bumps"
	report, _, err := e.run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var curve bytes.Buffer
	if err := report.Plot(&curve, "obstacle.svg"); err != nil {
		t.Fatal(err)
	}
	drawn(t, "obstacle.svg", curve.Bytes())
	all := report.trials
	better := count(all, func(one *Trial) bool { return tenfold(t, one) })
	var before, after, far float64
	for _, one := range all {
		before += one.Untrained.number(t, "bumps") / max(one.Untrained.number(t, "metres"), 0.01) / trials
		after += one.Trained.number(t, "bumps") / max(one.Trained.number(t, "metres"), 0.01) / trials
		far += one.Trained.number(t, "metres") / trials
	}
	if better < succeed {
		t.Errorf("%d of %d robots, want %d; bumps a metre %.3f, untrained %.3f", better, trials, succeed, after, before)
	}
	return []figure{{
		fmt.Sprintf("a tenth of the bumps a metre after %v, at half the distance or more, seeds 101 to %d", train, 100+trials),
		fmt.Sprintf("%d of %d; bumps a metre %.3g, untrained %.3g; %.1f m in %v", better, trials, after, before, far, test)}}
}

// The same in short: three robots.
func TestObstacleInShort(t *testing.T) {
	t.Parallel() // in virtual time
	trials := avoidance(t, 1, 3, 2*time.Minute, time.Minute).trialsOf(t)
	if better := count(trials, func(one *Trial) bool { return tenfold(t, one) }); better < 3 {
		t.Errorf("%d of 3 robots have learnt to avoid obstacles", better)
	}
}
