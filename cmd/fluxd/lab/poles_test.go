package lab

import (
	"strings"
	"testing"
	"time"
)

// claim is what a robot does in its world.
type claim struct {
	robot  string
	length time.Duration
	trials int
	want   string
}

func (c *claim) check(t *testing.T) {
	t.Helper()
	e := one(load(t, c.robot), c.length)
	e.Trials, e.Jobs = c.trials, 2
	if out := e.text(t); !strings.Contains(out, c.want) {
		t.Errorf("%s: want %q:\n%s", c.robot, c.want, out)
	}
}

// The robots that keep a pole, and themselves, upright do so: a part of what the headers of their files say.
func TestPolesStandForAWhile(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes more than half a second")
	}
	t.Parallel() // in virtual time
	for _, c := range []claim{
		{"cartpole", 6 * time.Minute, 3, "balanced for 15000 steps in 3 of 3 trials"},
		{"cartpole48", time.Minute, 1, "stands in step 2500, "},
		{"balancer", 20 * time.Second, 2, "trial 2 (seed 2): stands after 20.000 s, "},
	} {
		c.check(t)
	}
}

// All of what the headers of cartpole.yaml, cartpole48.yaml and balancer.yaml say. make long runs it.
func TestClaimsOfPoles(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes half a minute")
	}
	t.Parallel() // in virtual time
	for _, c := range []claim{
		{"cartpole", 6 * time.Minute, 20, "balanced for 15000 steps in 20 of 20 trials"},
		{"cartpole48", 6 * time.Minute, 20, "balanced for 15000 steps in 17 of 20 trials"},
		{"balancer", 10 * time.Minute, 8, "stood for 10m0s in 8 of 8 trials"},
	} {
		c.check(t)
	}
}
