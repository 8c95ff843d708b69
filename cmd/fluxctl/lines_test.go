package main

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"
)

func TestWrongCalls(t *testing.T) {
	tests := []struct {
		args string
		says string
	}{
		{"dance", "unknown command"},
		{"get --loud", "unknown flag"},
		{"set", "requires at least 1 arg"},
		{"set a", "expected path=value"},
		{"set a=1 b", "expected path=value"},
		{"set =1", "expected path=value"},
		{"set a=high", `expected a number, with its unit as the robot file writes it, such as 5ms, got "high"`},
		{"set a=NaN", "expected a number"},
		{"set a=1e999", "expected a number"},
		{"set a=1 a=2", "given twice"},
		{"watch everything", "unknown command"},
		{"get --broker localhost", "expected a URL with a port"},
		{"get --timeout 0s", "expected more than 0"},
	}
	for _, test := range tests {
		code, out, problems := fluxctl(t, strings.Fields(test.args)...)
		if code != exitUsage || out != "" || !strings.Contains(problems, test.says) {
			t.Errorf("%s ended with %d and printed %q and %q, want %d and something with %q", test.args, code, out, problems, exitUsage, test.says)
		}
	}
}

func TestWhoIsMissing(t *testing.T) {
	url, end := openBroker(t)
	first := online(t, "r1", url)
	broker := "--broker=" + url
	expect := func(says string, args ...string) { // who leaves does not wait until everybody knows
		t.Helper()
		again(t, func(code int, problems string) bool { return code == exitAbsent && strings.Contains(problems, says) }, args...)
	}
	expect(`no robot "r3" at the broker`, broker, "--robot", "r3", "get")

	second := online(t, "r2", url)
	expect("choose with --robot; there are: r1 (online), r2 (online)", broker, "get")
	second.Close()
	expect(`robot "r2" is offline`, broker, "--robot", "r2", "get")
	if code, _, problems := fluxctl(t, broker, "get"); code != exitOK {
		t.Errorf("with one robot online and one offline: ended with %d, %s", code, problems)
	}
	first.Close()
	expect("every robot is offline; there are: r1 (offline), r2 (offline)", broker, "get")
	end()
	expect("is fluxd running?", broker, "get")
}

func TestHelp(t *testing.T) {
	for _, command := range []string{"", "get", "set", "watch"} {
		code, out, _ := fluxctl(t, strings.Fields(command+" --help")...)
		if code != exitOK {
			t.Errorf("%s --help ended with %d", command, code)
		}
		for _, part := range []string{"Examples:", "--broker", "FLUX_BROKER", "--robot", "--timeout", "--json"} {
			if !strings.Contains(out, part) {
				t.Errorf("%s --help does not say %s", command, part)
			}
		}
	}
}

func TestTheBrokerOfTheEnvironment(t *testing.T) {
	if testing.Short() {
		t.Skip("it waits in real time")
	}
	t.Setenv("FLUX_BROKER", online(t, "r1", "").URL())
	if code, _, problems := fluxctl(t, "get"); code != exitOK {
		t.Errorf("ended with %d: %s", code, problems)
	}
}

// With --json errors are JSON, whatever is wrong with the line and wherever the flag stands; a password is in none.
func TestErrorsOfLines(t *testing.T) {
	for _, args := range [][]string{{"get", "--nosuch", "--json"}, {"--json", "nosuch"}, {"nosuch", "--json"}, {"get", "--timeout", "x", "--json"}, {"set", "--if-rev", "-1", "a=1", "--json"},
		{"get", "--json", "--broker", "ssl://pat:se/cret#99%@localhost:8893"}, {"get", "--json", "--broker", "pat:se/cret#99%@localhost:8893"}} {
		code, _, says := fluxctl(t, args...)
		var e shownError
		if code != exitUsage || json.Unmarshal([]byte(says), &e) != nil || e.Error.Code != "usage" || strings.Contains(says, "cret") {
			t.Errorf("%v: %d, %s", args, code, says)
		}
	}
	if _, _, says := fluxctl(t, "reward", "praise", "-1"); !strings.Contains(says, "stands behind --") {
		t.Error(says)
	}
	broker := "--broker=" + online(t, "r1", "").URL()
	if code, _, says := fluxctl(t, append([]string{broker, "get"}, slices.Repeat([]string{"network.neurons.eye_l.threshold"}, 3000)...)...); code != exitUsage || !strings.Contains(says, "expected at most 65536") {
		t.Errorf("a request that is too long: %d, %s", code, says)
	}
}

// The shell completes the names of the robot that is there, and none without one.
func TestCompletion(t *testing.T) {
	b := online(t, "rover", "")
	for typed, want := range map[string]string{"get eye/": "eye/leak\neye/threshold\n", "stimulate m": "motor\n", "reward ": "praise\n", "drive w": "wheel\n", "sense s": "sonar\n", "zero s": "sonar\n", "set net.motor_l": "net.motor_l.refractory\nnet.motor_l.threshold\n", "reset x": ""} {
		verb, prefix, _ := strings.Cut(typed, " ")
		for deadline := time.Now().Add(patience); ; { // a shell is not kept waiting for long: a busy machine may be too late
			_, out, _ := fluxctl(t, cobra.ShellCompRequestCmd, "--broker", b.URL(), verb, prefix)
			names, _, _ := strings.Cut(out, ":")
			if names == want {
				break
			}
			if time.Now().After(deadline) {
				t.Fatalf("%s: %q, want %q", typed, names, want)
			}
		}
	}
}
