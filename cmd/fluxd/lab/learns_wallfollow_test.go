package lab

import (
	"fmt"
	"math"
	"testing"
	"time"

	"fluxd/configs"
)

// The record has a row every 111.111 ms. 70 % of its rows are for training.
const wallRow, wallTraining, wallTest = 111_111 * time.Microsecond, 3819, 1637

// wallLesson plays the training rows a number of times.
func wallLesson(order string, rounds int) lesson {
	return lesson{robot: "wallfollow-learn", seed: 101, trials: 20, train: time.Duration(rounds) * wallTraining * wallRow,
		test: wallTest * wallRow, configuration: func(r *configs.Robot) { r.Recordings.Split.Order = order }}
}

func trainedAccuracy(one *Trial) float64   { return one.Trained.Comparison.Accuracy() }
func untrainedAccuracy(one *Trial) float64 { return one.Untrained.Comparison.Accuracy() }

// percent writes a share.
func percent(share float64) string { return fmt.Sprintf("%.1f %%", 100*share) }

// followsWall measures how often the robot names the recorded command of rows that it was not trained with. The rule by hand of
// wallfollow.yaml is right in 92.4 %.
func followsWall(t *testing.T) (all []figure) {
	const hand = 0.924
	for _, order := range []string{"chronological", "random"} {
		lesson := wallLesson(order, 4)
		trials := lesson.experiment(t).trialsOf(t)
		trained, untrained := medianOf(trials, trainedAccuracy), medianOf(trials, untrainedAccuracy)
		if trained <= hand {
			t.Errorf("%s: the median of %d trials is %s, which is not above the rule's %s", order, len(trials), percent(trained),
				percent(hand))
		}
		all = append(all, figure{
			fmt.Sprintf("names the recorded command, after four rounds of 70 %% of the record, on the other 30 %%; %s; %s", order,
				lesson.seeds()),
			fmt.Sprintf("median %s, range %s (untrained: %s)", percent(trained),
				rangeOf(trials, func(one *Trial) float64 { return math.Round(1000*trainedAccuracy(one)) / 10 }), percent(untrained))})
	}
	return all
}

// One round is enough to be right far more often than the most frequent command is, which is 40 %.
func TestWallFollowerLearns(t *testing.T) {
	lesson := wallLesson("chronological", 1)
	lesson.trials = 1
	one := lesson.experiment(t).trialsOf(t)[0]
	if trained, untrained := trainedAccuracy(one), untrainedAccuracy(one); trained < 0.88 || untrained > 0.5 {
		t.Errorf("accuracy %g, untrained %g: expected more than 0.88, and less than 0.5", trained, untrained)
	}
}
