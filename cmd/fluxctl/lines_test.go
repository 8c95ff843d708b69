package main

import (
	"encoding/json"
	"io"
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
		{"wacth", "fluxctl: unknown command \"wacth\" for \"fluxctl\", did you mean watch?\ntry: fluxctl --help\n"},
		{"set", "set: expected at least 1 argument, got none; usage: fluxctl set PATH=VALUE... | PATH VALUE\n" +
			"try: fluxctl set --help\n"},
		{"set a", `"a": expected path=value, such as`},
		{"set a=1 b", `"b": expected path=value, such as`},
		{"set =1", `"=1": expected path=value, such as`},
		{"set a=high", `expected a number with its unit as in the robot file, such as 5ms, got "high"`},
		{"set a=NaN", "expected a number"},
		{"set a=1e999", "expected a number"},
		{"set a=1 a=2", "a: given twice, expected once"},
		{"watch everything", `expected no arguments, got 1: "everything"`},
		{"get --broker localhost", `--broker "localhost": expected a URL with a port`},
		{"get --timeout 0s", "--timeout 0s: expected more than 0"},
		{"get --timeout 5", `--timeout "5": expected a time with its unit, such as 30s or 5ms`},
		{"set --if-rev last a=1", `--if-rev "last": expected a whole number from 0`},
		{"drive wheel", `expected 2 arguments, got 1: "wheel"; usage: fluxctl drive ACTUATOR VALUE`},
		{"drive wheel fast", `drive wheel: "fast": expected a number`},
		{"stimulate =3", `"=3": expected the name of a neuron`},
		{"stimulate eye eye=3", "eye: given twice"},
	}
	for _, test := range tests {
		code, out, problems := fluxctl(t, strings.Fields(test.args)...)
		if code != exitUsage || out != "" || !strings.Contains(problems, test.says) {
			t.Errorf("%s ended with %d and printed %q and %q, want %d and something with %q",
				test.args, code, out, problems, exitUsage, test.says)
		}
	}
}

func TestMissingRobots(t *testing.T) {
	url, end := openBroker(t)
	first := online(t, "r1", url)
	broker := "--broker=" + url
	expect := func(says string, args ...string) { // Close returns before the broker has published the status
		t.Helper()
		again(t, func(code int, problems string) bool { return code == exitAbsent && strings.Contains(problems, says) }, args...)
	}
	expect(`no robot "r3" at the broker`, broker, "--robot", "r3", "get")

	second := online(t, "r2", url)
	expect("choose with --robot; known robots: r1 (online), r2 (online)", broker, "get")
	second.Close()
	expect(`robot "r2" is offline`, broker, "--robot", "r2", "get")
	if code, _, problems := fluxctl(t, broker, "get"); code != exitOK {
		t.Errorf("with one robot online and one offline: ended with %d, %s", code, problems)
	}
	first.Close()
	expect("every robot is offline; known robots: r1 (offline), r2 (offline)", broker, "get")
	end()
	expect("is fluxd running?", broker, "get")
}

// Every page of help has an example, lists the common flags, and explains the command in lines of at most 80 columns.
func TestHelp(t *testing.T) {
	root := command(io.Discard)
	for _, c := range append(root.Commands(), root) {
		path := strings.TrimPrefix(strings.TrimPrefix(c.CommandPath(), "fluxctl"), " ")
		code, out, _ := fluxctl(t, strings.Fields(path+" --help")...)
		if code != exitOK {
			t.Errorf("%s --help ended with %d", path, code)
		}
		for _, part := range []string{"Examples:", "--broker", "FLUX_BROKER", "--robot", "--timeout", "--json"} {
			if !strings.Contains(out, part) {
				t.Errorf("%s --help does not mention %s", path, part)
			}
		}
		for line := range strings.Lines(c.Long + "\n" + c.Example) {
			if len(strings.TrimSuffix(line, "\n")) > 80 {
				t.Errorf("%s --help: longer than 80 columns: %s", path, line)
			}
		}
	}
}

func TestBrokerFromTheEnvironment(t *testing.T) {
	if testing.Short() {
		t.Skip("it waits in real time")
	}
	t.Setenv("FLUX_BROKER", online(t, "r1", "").URL())
	if code, _, problems := fluxctl(t, "get"); code != exitOK {
		t.Errorf("ended with %d: %s", code, problems)
	}
}

// With --json, every error of the command line is JSON, wherever the flag stands. No error contains a password.
func TestErrorsAsJSON(t *testing.T) {
	for _, args := range [][]string{
		{"get", "--nosuch", "--json"},
		{"--json", "nosuch"},
		{"nosuch", "--json"},
		{"get", "--timeout", "x", "--json"},
		{"set", "--if-rev", "-1", "a=1", "--json"},
		{"get", "--json", "--broker", "ssl://pat:se/cret#99%@localhost:8893"},
		{"get", "--json", "--broker", "pat:se/cret#99%@localhost:8893"},
	} {
		code, _, says := fluxctl(t, args...)
		var e shownError
		if code != exitUsage || json.Unmarshal([]byte(says), &e) != nil || e.Error.Code != "usage" || strings.Contains(says, "cret") {
			t.Errorf("%v: %d, %s", args, code, says)
		}
	}
	if _, _, says := fluxctl(t, "reward", "praise", "-1"); !strings.Contains(says, "write -- before a negative number") {
		t.Error(says)
	}
	long := append([]string{"--broker", online(t, "r1", "").URL(), "get"},
		slices.Repeat([]string{"network.neurons.eye_l.threshold"}, 3000)...)
	if code, _, says := fluxctl(t, long...); code != exitUsage || !strings.Contains(says, "expected at most 65536") {
		t.Errorf("a request that is too long: %d, %s", code, says)
	}
}

// The shell completes the robot's names, and none that the robot does not have.
func TestCompletion(t *testing.T) {
	b := online(t, "rover", "")
	for typed, want := range map[string]string{
		"get eye/":        "eye/leak\neye/threshold\n",
		"stimulate m":     "motor\n",
		"reward ":         "praise\n",
		"drive w":         "wheel\n",
		"sense s":         "sonar\n",
		"zero s":          "sonar\n",
		"set net.motor_l": "net.motor_l.refractory\nnet.motor_l.threshold\n",
		"reset x":         "",
	} {
		verb, prefix, _ := strings.Cut(typed, " ")
		for deadline := time.Now().Add(patience); ; { // completion waits only a second, which may be too short on a busy machine
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
