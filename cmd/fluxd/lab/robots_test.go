package lab

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"fluxd/configs"
)

// A demonstration measures what the file of a robot says that it does. Measure fails the test if the robot does less.
type demonstration struct {
	robot   string
	measure func(t *testing.T) []figure
}

// A figure is a row of the table in docs/robots.md.
type figure struct {
	claim    string // what was tried: "reaches the lamp within 30 s after 2 minutes of training"
	measured string // what came of it: "20 of 20 (untrained: 3)"
}

// demonstrations are in the order of the table. A robot that learns has a separate file, learns_ROBOT_test.go.
var demonstrations = []demonstration{
	{"balancer", claimed("balancer")},
	{"cartpole", claimed("cartpole")},
	{"cartpole48", claimed("cartpole48")},
	{"explorer", claimed("explorer")},
	{"habituate", habituates(20)},
	{"heater", claimed("heater")},
	{"linefollower", claimed("linefollower")},
	{"linelearner", followed},
	{"obstacle", avoids},
	{"pavlov", conditioned},
	{"phototaxis", phototaxis},
	{"polelearner", balances},
	{"wallfollow-learn", followsWall},
}

// robotsPage has the table of all figures. They are the same on every machine, so the table is compared, to the letter.
const robotsPage = "../../../docs/robots.md"

var robotsTable = regexp.MustCompile(`(?s)(<!-- table: robots -->\n)(.*?)(\n\n|$)`)

// zeroUnits matches what a duration has too much: 10m0s is 10m.
var zeroUnits = regexp.MustCompile(`\b(\d+h|(?:\d+h)?\d+m)(?:0m)?0s\b`)

// The robots do what their files say, in as many trials: make robots, which writes the table, and make long, which compares it.
func TestClaims(t *testing.T) {
	rows := make([][]figure, len(demonstrations))
	t.Run("robots", func(t *testing.T) {
		for i, d := range demonstrations {
			t.Run(d.robot, func(t *testing.T) {
				t.Parallel() // in virtual time
				rows[i] = d.measure(t)
			})
		}
	})
	if t.Failed() || slices.ContainsFunc(rows, func(of []figure) bool { return of == nil }) {
		return // a table of failures, or of a part, is no use
	}
	table := &bytes.Buffer{}
	fmt.Fprintf(table, "| robot | what was tried | what came of it |\n|---|---|---|\n")
	for i, d := range demonstrations {
		for k, f := range rows[i] {
			name := ""
			if k == 0 {
				name = fmt.Sprintf("[`%s`](../configs/robots/%s.yaml)", d.robot, d.robot)
			}
			fmt.Fprintf(table, "| %s | %s | %s |\n", name, zeroUnits.ReplaceAllString(f.claim, "$1"),
				zeroUnits.ReplaceAllString(f.measured, "$1"))
		}
	}
	page, err := os.ReadFile(robotsPage)
	if err != nil {
		t.Fatal(err)
	}
	place := robotsTable.FindSubmatchIndex(page)
	if place == nil {
		t.Fatalf("%s: no table: robots", robotsPage)
	}
	was, is := string(page[place[4]:place[5]]), strings.TrimSpace(table.String())
	switch {
	case was == is:
	case *update:
		page = slices.Concat(page[:place[4]], []byte(is), page[place[5]:])
		if err := os.WriteFile(robotsPage, page, 0o644); err != nil {
			t.Fatal(err)
		}
	default:
		t.Errorf("the table in %s is not what was measured (make robots writes it):\n%s", robotsPage, is)
	}
}

// drawn compares a picture or a table in docs/learning with what was measured, or writes it with -update.
func drawn(t *testing.T, name string, data []byte) {
	t.Helper()
	name = filepath.Join("../../../docs/learning", name)
	if *update {
		if err := os.WriteFile(name, data, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if was, err := os.ReadFile(name); err != nil || !bytes.Equal(was, data) {
		t.Errorf("%s is not what was measured (make robots writes it): %v", name, err)
	}
}

// trialsOf runs an experiment to its end.
func (e *Experiment) trialsOf(t *testing.T) (all []*Trial) {
	t.Helper()
	if err := e.Run(context.Background(), func(one *Trial) error {
		all = append(all, one)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return all
}

// count returns how many trials fulfil a condition.
func count(all []*Trial, condition func(*Trial) bool) (n int) {
	for _, one := range all {
		if condition(one) {
			n++
		}
	}
	return n
}

// A claim is what each trial of a robot that does not learn must show. Each is in a world of another seed.
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

	// Robots of users, wired as they like, written for a Raspberry Pi: their files are simulated without a change.
	{robot: "testdata/linebot.yaml", world: "line", seed: 1, length: time.Minute, trials: 20, value: "laps", least: 1, most: 3,
		succeed: 18},
	{robot: "testdata/rover.yaml", world: "maze", seed: 1, length: 2 * time.Minute, trials: 20, value: "bumps", most: 0,
		succeed: 19},
}

// String names a claim.
func (c *claim) String() string { return fmt.Sprintf("%s %s", c.robot, c.value) }

// claimed measures all claims of a robot.
func claimed(robot string) func(*testing.T) []figure {
	return func(t *testing.T) (all []figure) {
		for i := range claims {
			if c := &claims[i]; c.robot == robot {
				all = append(all, c.check(t))
			}
		}
		return all
	}
}

// check runs the trials of a claim.
func (c *claim) check(t *testing.T) figure {
	robot, err := configs.LoadWith(c.robot, configs.Changes{World: c.world})
	if err != nil {
		t.Fatal(err)
	}
	e := &Experiment{Config: robot, For: c.length, Seed: c.seed, Network: &c.seed, Trials: c.trials, Episodes: 1, Jobs: 2,
		Log: slog.New(slog.DiscardHandler)}
	var all []float64
	for _, one := range e.trialsOf(t) {
		for _, v := range one.Episodes[0].World.Values {
			if v.Name == c.value {
				all = append(all, v.Number)
			}
		}
	}
	succeeded := 0
	for _, v := range all {
		if v >= c.least && v <= c.most {
			succeeded++
		}
	}
	slices.Sort(all)
	if len(all) != c.trials || succeeded < c.succeed {
		t.Fatalf("%s of %g to %g in %d of %d trials, want %d: %.4g", c.value, c.least, c.most, succeeded, c.trials, c.succeed, all)
	}
	limits := fmt.Sprintf("%g to %g", c.least, c.most)
	if c.least == c.most {
		limits = fmt.Sprint(c.least)
	}
	when := ""
	if c.length > 0 {
		when = fmt.Sprintf(" after %v", c.length)
	}
	if c.world != "" {
		when += fmt.Sprintf(" in the world `%s`", c.world)
	}
	return figure{fmt.Sprintf("`%s` is %s%s, seeds %d to %d", c.value, limits, when, c.seed, c.seed+uint64(c.trials)-1),
		fmt.Sprintf("%d of %d; %s to %s", succeeded, c.trials, number(all[0]), number(all[len(all)-1]))}
}

// The robots of users do what their users want of them.
func TestClaimsOfOthers(t *testing.T) {
	for _, c := range claims {
		if !strings.HasPrefix(c.robot, "testdata/") {
			continue
		}
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
