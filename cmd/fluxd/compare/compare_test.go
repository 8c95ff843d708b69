package compare_test

import (
	"bytes"
	"errors"
	"log/slog"
	"os"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"fluxd/cmd/fluxd/compare"
	"fluxd/cmd/fluxd/hardware"
	"fluxd/configs"
)

const robot = `robot: r
board: {kind: sim}
network: {neurons: {near: {}, clear: {}}}
actuators:
  command: {device: label, decode: {kind: winner-take-all, window: 100ms, choices: {near: stop, clear: go}}}
compare: {actuator: command, file: run.csv, column: word, rate: 10 Hz}
mqtt: {broker: none}
`

func comparison(t *testing.T, text, table string) (*compare.Comparison, error) {
	t.Helper()
	config, err := configs.Parse("test.yaml", []byte(text), fstest.MapFS{"run.csv": {Data: []byte(table)}})
	if err != nil {
		return nil, err
	}
	body := hardware.New(config, hardware.Options{Log: slog.New(slog.DiscardHandler)}, func() time.Duration { return 0 })
	return compare.New(config, body)
}

// Each row is compared at its end, and the table counts recorded against given labels.
func TestComparison(t *testing.T) {
	c, err := comparison(t, robot, "t,word\n0,stop\n1,go\n2,turn\n3,stop\n")
	if err != nil {
		t.Fatal(err)
	}
	if c.Length() != 400*time.Millisecond {
		t.Errorf("it lasts %s, want 400 ms", c.Length())
	}
	var out strings.Builder
	if err := c.Report(&out); err != nil || !strings.Contains(out.String(), "nothing was compared") {
		t.Errorf("before anything is compared: %q, %v", out.String(), err)
	}
	for i, given := range []string{"stop", "stop", "", "spin"} {
		at, due := c.Due()
		if want := time.Duration(i+1)*100*time.Millisecond - time.Microsecond; at != want || !due {
			t.Errorf("row %d is due at %s, %t, want %s", i, at, due, want)
		}
		c.Record(given)
	}
	if at, due := c.Due(); due {
		t.Errorf("after the last row one is due at %s", at)
	}
	out.Reset()
	if err := c.Report(&out); err != nil {
		t.Fatal(err)
	}
	const want = `accuracy 25.0 % (1 of 4 recorded commands)

  recorded \ given  stop  go  turn  (none)  spin  recall
              stop     1   0     0       0     1  50.0 %
                go     1   0     0       0     0   0.0 %
              turn     0   0     0       1     0   0.0 %
`
	if out.String() != want {
		t.Errorf("got\n%swant\n%s", out.String(), want)
	}
}

// A report that cannot be written is an error.
func TestReportFails(t *testing.T) {
	c, err := comparison(t, robot, "word\nstop\n")
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Report(full{}); !errors.Is(err, os.ErrClosed) {
		t.Errorf("nothing was compared: %v", err)
	}
	c.Record("stop")
	if err := c.Report(full{}); !errors.Is(err, os.ErrClosed) {
		t.Errorf("after a comparison: %v", err)
	}
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, os.ErrClosed }

// New refuses with the place in the file.
func TestNewRefuses(t *testing.T) {
	good := "t,word\n0,stop\n1,go\n"
	for name, c := range map[string]struct{ text, table, says string }{
		"no such column": {strings.Replace(robot, "column: word", "column: wort", 1), good, "test.yaml:6"},
		"no such file":   {strings.Replace(robot, "run.csv", "ran.csv", 1), good, "ran.csv"},
		"no time column": {strings.Replace(robot, "rate: 10 Hz", "time: {column: when, unit: s}", 1), good, "when"},
		"time goes back": {strings.Replace(robot, "rate: 10 Hz", "time: {column: t, unit: s}", 1), "t,word\n1,stop\n0,go\n",
			"test.yaml:6"},
	} {
		if _, err := comparison(t, c.text, c.table); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want an error with %q", name, err, c.says)
		}
	}
	var out bytes.Buffer
	c, err := comparison(t, strings.Replace(robot, "rate: 10 Hz", "time: {column: t, unit: s}", 1), good)
	if err != nil {
		t.Fatal(err)
	}
	for _, due := c.Due(); due; _, due = c.Due() {
		c.Record("stop")
	}
	if err := c.Report(&out); err != nil || !strings.Contains(out.String(), "50.0 % (1 of 2") {
		t.Errorf("with a column of times: %s, %v", out.String(), err)
	}
}
