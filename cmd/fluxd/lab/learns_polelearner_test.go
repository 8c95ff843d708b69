package lab

import (
	"fmt"
	"slices"
	"testing"
	"time"
)

// poleLesson trains polelearner in episodes that end with a fall, or after 500 steps, which take 10 s.
func poleLesson(seed uint64, trials int, train time.Duration) lesson {
	const episode = 11 * time.Second
	return lesson{robot: "polelearner", seed: seed, trials: trials, train: train, test: episode, episode: episode}
}

// poleSteps returns how many steps a pole stood.
func poleSteps(t *testing.T, e *Episode) float64 { return e.number(t, "steps") }

// balances measures how long polelearner keeps the pole up, frozen and while it learns.
func balances(t *testing.T) []figure {
	const whole, least = 500, 10
	lesson := poleLesson(101, 20, 20*time.Minute)
	trials := lesson.experiment(t).trialsOf(t)
	trained := func(one *Trial) float64 { return poleSteps(t, one.Trained) }
	untrained := func(one *Trial) float64 { return poleSteps(t, one.Untrained) }
	learning := func(one *Trial) float64 { // the median of the last 100 episodes
		var steps []float64
		last := one.Episodes[max(0, len(one.Episodes)-100):]
		for i := range last {
			steps = append(steps, poleSteps(t, &last[i]))
		}
		slices.Sort(steps)
		return steps[len(steps)/2]
	}
	all := count(trials, func(one *Trial) bool { return trained(one) == whole })
	solved := count(trials, func(one *Trial) bool { return learning(one) >= 195 })
	if all < least || medianOf(trials, untrained) > 20 {
		t.Errorf("%d of %d robots keep the pole up for %d steps, want %d; untrained: median %g", all, len(trials), whole, least,
			medianOf(trials, untrained))
	}
	drawPoleLearner(t)
	return []figure{
		{fmt.Sprintf("keeps the pole up for %d steps after %v of training, %s", whole, lesson.train, lesson.seeds()),
			fmt.Sprintf("%d of %d; %s, median %s (untrained: %s, median %s)", all, len(trials), rangeOf(trials, trained),
				number(medianOf(trials, trained)), rangeOf(trials, untrained), number(medianOf(trials, untrained)))},
		{"stands for 195 steps or more in half of the last 100 episodes of that training",
			fmt.Sprintf("%d of %d; medians %s, median %s", solved, len(trials), rangeOf(trials, learning),
				number(medianOf(trials, learning)))},
	}
}

// drawPoleLearner draws how five robots learn, with a frozen test every two minutes.
func drawPoleLearner(t *testing.T) {
	lesson := poleLesson(101, 5, 10*time.Minute)
	e := lesson.experiment(t)
	e.TestEvery, e.Plot = 2*time.Minute, true
	drawn(t, "polelearner.svg", []byte(plotOf(t, e, "polelearner.svg")))
}

// The same in short: one robot learns to keep the pole up for several times as long.
func TestPoleLearnerInShort(t *testing.T) {
	t.Parallel() // in virtual time
	lesson := poleLesson(1, 1, 3*time.Minute)
	one := lesson.experiment(t).trialsOf(t)[0]
	if before, after := poleSteps(t, one.Untrained), poleSteps(t, one.Trained); before > 20 || after < 100 {
		t.Errorf("the pole stood for %g steps, before the training for %g; want 100 and at most 20", after, before)
	}
}
