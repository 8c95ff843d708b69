package lab

import (
	"strings"
	"testing"
	"time"
)

// The robots that keep a pole, or themselves, upright do so: a part of what TestClaims has of them.
func TestPolesStandForAWhile(t *testing.T) {
	if testing.Short() {
		t.Skip("minutes of simulated time")
	}
	t.Parallel() // in virtual time
	for _, c := range []struct {
		robot  string
		length time.Duration
		trials int
		want   string
	}{
		{"cartpole", 6 * time.Minute, 3, "balanced for 15000 steps in 3 of 3 trials"},
		{"cartpole48", time.Minute, 1, "stands in step 2500, "},
		{"balancer", 20 * time.Second, 2, "trial 2 (seed 2): stands after 20.000 s, "},
	} {
		e := one(load(t, c.robot), c.length)
		e.Trials, e.Jobs = c.trials, 2
		if out := e.text(t); !strings.Contains(out, c.want) {
			t.Errorf("%s: want %q:\n%s", c.robot, c.want, out)
		}
	}
}
