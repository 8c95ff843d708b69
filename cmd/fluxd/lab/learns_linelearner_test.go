package lab

import (
	"bytes"
	"fmt"
	"io"
	"testing"
	"time"
)

// followed measures how linelearner follows the line after it has learnt, against the robot that has not.
func followed(t *testing.T) (all []figure) {
	for _, c := range []struct {
		train time.Duration
		laps  int  // so many trained robots of twenty drive a lap, at least
		drawn bool // the curve of docs/learning
	}{{5 * time.Minute, 18, true}, {10 * time.Minute, 20, false}} {
		l := lesson{robot: "linelearner", seed: 5001, trials: 20, train: c.train, episode: 30 * time.Second, test: 3 * time.Minute}
		e := l.experiment(t)
		if c.drawn {
			e.TestEvery, e.Plot, e.PlotScore = time.Minute, true, "laps"
		}
		trials := e.trialsOf(t)
		if c.drawn {
			report, curve := NewReport(e), &bytes.Buffer{}
			for _, one := range trials {
				if err := report.Add(io.Discard, one); err != nil {
					t.Fatal(err)
				}
			}
			if err := report.Plot(curve, "linelearner.svg"); err != nil {
				t.Fatal(err)
			}
			drawn(t, "linelearner.svg", curve.Bytes())
		}
		trained := count(trials, func(one *Trial) bool { return reached(one.Trained) })
		untrained := count(trials, func(one *Trial) bool { return reached(one.Untrained) })
		faithful := count(trials, func(one *Trial) bool { return one.Trained.value("on_line") >= 0.99 })
		laps := func(one *Trial) float64 { return one.Trained.value("laps") }
		if trained < c.laps || untrained > 6 || faithful < c.laps || medianOf(trials, laps) < 2.4 {
			t.Errorf("after %v: %d of 20 drive a lap, untrained %d; %d stay on the line; %g laps", c.train, trained, untrained, faithful,
				medianOf(trials, laps))
		}
		all = append(all, figure{
			fmt.Sprintf("drives a lap in a frozen test of 3 minutes after %g minutes of training, seeds from 5001 on", c.train.Minutes()),
			fmt.Sprintf("%d of 20 (untrained: %d); %d of 20 stay on the line for 99 %% of the time; %.1f laps in the median", trained,
				untrained, faithful, medianOf(trials, laps)),
		})
	}
	return all
}
