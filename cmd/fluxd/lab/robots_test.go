package lab

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"testing"
	"time"

	"fluxd/configs"
)

// A claim is what a robot's file says that the robot does. Each trial is a robot in a world of another seed.
type claim struct {
	robot, world string // an example, or a file in testdata; the world if not that of its file
	seed         uint64
	length       time.Duration
	trials       int
	value        string  // of the score
	least, most  float64 // its limits in a trial that succeeds
	succeed      int     // at least so many trials do
}

// claims has the headers of the example robots, and what the robots of others do here.
var claims = []claim{
	{robot: "explorer", seed: 101, length: 10 * time.Minute, trials: 20, value: "bumps", most: 0, succeed: 20},
	{robot: "explorer", seed: 101, length: 10 * time.Minute, trials: 20, value: "metres", least: 10, most: 97, succeed: 20},
	{robot: "linefollower", seed: 1, length: 5 * time.Minute, trials: 20, value: "laps", least: 12.8, most: 13, succeed: 20},
	{robot: "linefollower", seed: 1, length: 5 * time.Minute, trials: 20, value: "on_line", least: 1, most: 1, succeed: 20},
	{robot: "heater", seed: 1, length: time.Hour, trials: 20, value: "worst_off_C", most: 0.7, succeed: 20},
	{robot: "cartpole", seed: 1, length: 6 * time.Minute, trials: 20, value: "steps", least: 15_000, most: 15_000, succeed: 20},
	{robot: "cartpole", seed: 21, length: 6 * time.Minute, trials: 300, value: "steps", least: 15_000, most: 15_000, succeed: 300},
	{robot: "cartpole48", seed: 1, length: 6 * time.Minute, trials: 20, value: "steps", least: 15_000, most: 15_000, succeed: 17},
	{robot: "cartpole48", seed: 21, length: 6 * time.Minute, trials: 300, value: "steps", least: 15_000, most: 15_000, succeed: 280},
	{robot: "balancer", seed: 1, length: 10 * time.Minute, trials: 8, value: "seconds", least: 600, most: 600, succeed: 8},
	{robot: "balancer", seed: 1, length: 10 * time.Minute, trials: 2, value: "farthest_m", least: 0.1, most: 0.25, succeed: 2},
	{robot: "pavlov", seed: 101, trials: 20, value: "acquisition_first", least: 4, most: 5, succeed: 20},
	{robot: "pavlov", seed: 101, trials: 20, value: "extinction_gone", least: 12, most: 21, succeed: 20},
	{robot: "pavlov", seed: 101, trials: 20, value: "recovery_first", least: 1, most: 1, succeed: 20},
	{robot: "pavlov", seed: 101, trials: 20, value: "again_first", least: 1, most: 3, succeed: 20},
	{robot: "pavlov", world: "backward", seed: 101, trials: 20, value: "after", most: 0, succeed: 20},
	{robot: "pavlov", world: "unpaired", seed: 101, trials: 20, value: "after", most: 0, succeed: 20},

	// Robots of users, wired as they like, written for a Raspberry Pi: their files are simulated without a change.
	{robot: "testdata/linebot.yaml", world: "line", seed: 1, length: time.Minute, trials: 20, value: "laps", least: 1, most: 3,
		succeed: 18},
	{robot: "testdata/rover.yaml", world: "maze", seed: 1, length: 2 * time.Minute, trials: 20, value: "bumps", most: 0,
		succeed: 19},
}

// String names a claim.
func (c *claim) String() string { return fmt.Sprintf("%s %s", c.robot, c.value) }

// check runs the trials of a claim.
func (c *claim) check(t *testing.T) {
	robot, err := configs.LoadWith(c.robot, configs.Changes{World: c.world})
	if err != nil {
		t.Fatal(err)
	}
	e := &Experiment{Config: robot, For: c.length, Seed: c.seed, Network: &c.seed, Trials: c.trials, Episodes: 1, Jobs: 2,
		Log: slog.New(slog.DiscardHandler)}
	var all []float64
	if err := e.Run(context.Background(), func(one *Trial) error {
		for _, v := range one.Episodes[0].World.Values {
			if v.Name == c.value {
				all = append(all, v.Number)
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	succeeded := 0
	for _, v := range all {
		if v >= c.least && v <= c.most {
			succeeded++
		}
	}
	slices.Sort(all)
	t.Logf("%d of %d: %s from %g to %g", succeeded, c.trials, c.value, all[0], all[len(all)-1])
	if len(all) != c.trials || succeeded < c.succeed {
		t.Errorf("%s of %g to %g in %d of %d trials, want %d: %.4g", c.value, c.least, c.most, succeeded, c.trials, c.succeed, all)
	}
}

// The robots do what their files say, in as many trials: make long.
func TestClaims(t *testing.T) {
	for _, c := range claims {
		t.Run(c.String(), func(t *testing.T) {
			t.Parallel() // in virtual time
			c.check(t)
		})
	}
}

// The same in short: one trial of half a minute, in which they touch nothing and lose nothing.
func TestRobotsInShort(t *testing.T) {
	for _, c := range claims {
		if c.value != "bumps" && c.value != "on_line" {
			continue
		}
		t.Run(c.String(), func(t *testing.T) {
			t.Parallel() // in virtual time
			c.trials, c.succeed, c.length = 1, 1, 30*time.Second
			c.check(t)
		})
	}
}
