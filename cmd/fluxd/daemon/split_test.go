package daemon

import (
	"log/slog"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"fluxd/sensors"
)

// Training plays its rows again and again, the test the others once; sensors and recorded commands stay together.
func TestSplitRecordings(t *testing.T) {
	const text = `recordings: {split: {train: 70%, order: ORDER, seed: 5}}` + labeller
	// Only the last three rows of ten disagree; d says what the robot answers, c what was recorded.
	files := fstest.MapFS{"run.csv": {Data: []byte("d,c\n" + strings.Repeat("0.5,stop\n2,(none)\n", 3) + "0.5,stop\n" +
		strings.Repeat("2,stop\n", 3))}}
	for _, c := range []struct {
		order    string
		part     sensors.Part
		length   time.Duration
		recorded time.Duration
		want     string
	}{
		{"chronological", sensors.Whole, time.Second, time.Second, "(7 of 10 "},
		{"chronological", sensors.Training, 700 * time.Millisecond, 0, "(7 of 7 "},
		{"chronological", sensors.Training, 1800 * time.Millisecond, 0, "(18 of 18 "},
		{"chronological", sensors.Test, time.Second, 300 * time.Millisecond, "(0 of 3 "},
		{"random", sensors.Training, 1400 * time.Millisecond, 0, "(8 of 14 "}, // all three that disagree, in both rounds
		{"random", sensors.Test, time.Second, 300 * time.Millisecond, "(3 of 3 "},
	} {
		replaced := strings.NewReplacer("50ms", "100ms", "ORDER", c.order).Replace(text)
		robot := parse(t, replaced, files)
		robot.Recordings.Part = c.part
		s := simulate(t, robot, c.length)
		var report strings.Builder
		if err := s.Comparison.Report(&report); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(report.String(), c.want) || s.Recorded() != c.recorded {
			t.Errorf("%s, %s: lasts %v, want %v; want %q in\n%s", c.order, c.part, s.Recorded(), c.recorded, c.want, &report)
		}
	}
}

func TestSplitRefuses(t *testing.T) {
	const rows = "d,c\n0.5,stop\n0.5,stop\n"
	for name, c := range map[string]struct{ text, table, says string }{
		"no split":     {labeller, rows, "split is missing"},
		"a single row": {`recordings: {split: {}}` + labeller, "d,c\n0.5,stop\n", "test.yaml:1:21: recordings.split: expected at least one row"},
	} {
		robot := parse(t, c.text, fstest.MapFS{"run.csv": {Data: []byte(c.table)}})
		robot.Recordings.Part = sensors.Training
		if _, err := NewSimulation(robot, 1, slog.New(slog.DiscardHandler)); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want an error with %q", name, err, c.says)
		}
		if robot.Recordings.Split == nil {
			continue
		}
		if _, err := Check(robot); err == nil || strings.Count(err.Error(), c.says) != 1 {
			t.Errorf("%s: check: %v, want an error with %q", name, err, c.says)
		}
	}
}
