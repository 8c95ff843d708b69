package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
)

// logOf runs fluxd with its log in a file, which may be the journal, and returns the lines of the log.
func logOf(t *testing.T, inJournal bool, args ...string) []string {
	t.Helper()
	file, err := os.Create(filepath.Join(t.TempDir(), "log"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		t.Fatal(err)
	}
	is := info.Sys().(*syscall.Stat_t)
	daemon := exec.Command(os.Args[0], args...)
	daemon.Env = append(os.Environ(), "FLUXD_BE_THE_DAEMON=1", "LOCK=open-sesame")
	if inJournal {
		daemon.Env = append(daemon.Env, fmt.Sprintf("JOURNAL_STREAM=%d:%d", is.Dev, is.Ino))
	}
	daemon.Stderr = file
	_ = daemon.Run() // the exit code belongs to other tests
	text, err := os.ReadFile(file.Name())
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(text), "sesame") {
		t.Errorf("a password is in the log:\n%s", text)
	}
	return strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
}

// Every line of a robot's log names its component, in each format, and none a password.
func TestLogOfARobot(t *testing.T) {
	if testing.Short() {
		t.Skip("runs robots for seconds")
	}
	file := write(t, `robot: logging
board: {kind: sim, world: table}
sensors:
  eye: {device: bh1750, bus: I2C1, address: 0x23, every: 10ms, encode: {kind: rate, range: [0 lx, 100 lx], max: 500 Hz, to: a}}
network: {neurons: {a: {}}}
actuators: {lamp: {device: servo, pwm: GPIO12, decode: {kind: count, neuron: a, full: 60 Hz, window: 200ms}}}
mqtt: {broker: 'tcp://127.0.0.1:1', user: ann, password_env: LOCK}
dashboard: {listen: none}
metrics: {listen: '127.0.0.1:0'}
`)
	if code, _, errs := fluxd("check", file); code != 0 {
		t.Fatal(errs)
	}
	run := []string{"run", file, "--plain", "--for", "1s", "--log", "debug"}
	expect := func(how string, lines []string, component *regexp.Regexp) {
		t.Helper()
		seen := map[string]bool{}
		for _, line := range lines {
			m := component.FindStringSubmatch(line)
			if m == nil {
				t.Errorf("%s: a line without a component: %s", how, line)
				continue
			}
			seen[m[1]] = true
		}
		for _, name := range []string{"robot", "safety", "bridge", "metrics"} {
			if !seen[name] {
				t.Errorf("%s: no line of component %s in:\n%s", how, name, strings.Join(lines, "\n"))
			}
		}
	}
	expect("text", logOf(t, false, run...), regexp.MustCompile(`^time=\S+ level=[A-Z]+ msg=.* component=([a-z]+)`))
	expect("journal", logOf(t, true, run...), regexp.MustCompile(`^<[3467]>([a-z]+): `))
	asJSON := append(run, "--log-format", "json")
	expect("JSON", logOf(t, false, asJSON...), regexp.MustCompile(`^\{"time":.*"component":"([a-z]+)"`))
	lines := logOf(t, true, asJSON...)
	expect("JSON in the journal", lines, regexp.MustCompile(`^<[3467]>\{"time":.*"component":"([a-z]+)"`))
	for _, line := range lines {
		if !json.Valid([]byte(line[3:])) {
			t.Errorf("no JSON: %s", line)
		}
	}
	for i, line := range logOf(t, true, "run", file+".not-there") {
		if i > 0 || !strings.HasPrefix(line, "<3>") {
			t.Errorf("an error in the journal: %s", line)
		}
	}
	if code, _, errs := fluxd("run", "--log-format", "xml"); code != exitConfig ||
		!strings.Contains(errs, `fluxd: --log-format "xml": expected text or json; see`) {
		t.Errorf("exit %d: %s", code, errs)
	}
}
