package main

import (
	"bytes"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"fluxd/cmd/fluxctl/pairs"
)

const diskFull = "cannot be written: write /dev/stdout: no space left"

// fluxctl reports output that it cannot write: otherwise a recording would look complete. A closed pipe is no error.
func TestOutputThatCannotBeWritten(t *testing.T) {
	broker := "--broker=" + online(t, "r1", "").URL()
	for failing, want := range map[error]int{syscall.ENOSPC: exitOutput, syscall.EPIPE: exitOK} {
		for _, command := range [][]string{{"get"}, {"watch"}} {
			var problems bytes.Buffer
			code := run(t.Context(), append(command, broker, patiently), brokenWriter{failing}, &problems)
			if code != want || failing == syscall.ENOSPC && !strings.Contains(problems.String(), diskFull) {
				t.Errorf("%v, %v: ended with %d: %s", command, failing, code, &problems)
			}
		}
	}
}

// Every command reports output that it cannot write, with --json and without, and so does every page of help. A new command needs
// a line here.
func TestLostOutputIsReported(t *testing.T) {
	broker := "--broker=" + online(t, "r1", "").URL()
	passwords := filepath.Join(t.TempDir(), "passwords")
	lines := map[string]string{
		"get": "get", "set": "set refractory=5ms", "reset": "reset",
		"reward": "reward praise 1", "stimulate": "stimulate eye", "load": "load", "save": "save",
		"watch": "watch", "spikes": "spikes", "list": "list",
		"load-robot": "load-robot --show",
		"arm":        "arm", "disarm": "disarm", "estop": "estop", "drive": "drive wheel --for 1.5s -- -0.3",
		"sense": "sense sonar 12cm", "zero": "zero sonar",
		"network": "network", "world": "world", "place": "place lamp[0] 1.2 0.4",
		"passwd": "passwd " + passwords + " ann --json", "pair": "pair --forget gone",
		"completion": "completion bash", "help": "help get",
	}
	broken := func(args ...string) (int, string) {
		var problems bytes.Buffer
		code := run(t.Context(), args, brokenWriter{syscall.ENOSPC}, &problems)
		return code, problems.String()
	}
	root := command(io.Discard)
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd("get")
	for _, c := range root.Commands() {
		if code, problems := broken(c.Name(), "--help"); code != exitOutput || !strings.Contains(problems, diskFull) {
			t.Errorf("%s --help: ended with %d: %s", c.Name(), code, problems)
		}
		line, known := lines[c.Name()]
		if !known {
			t.Errorf("%s: no line in this test", c.Name())
			continue
		}
		switch c.Name() {
		case "load", "load-robot": // the robot refuses it, which matters more than the output
			code, problems := broken(append([]string{broker, patiently}, strings.Fields(line)...)...)
			if code != exitRefused || strings.Contains(problems, "was done") {
				t.Errorf("%s: ended with %d: %s", line, code, problems)
			}
			continue
		case "arm": // this robot can be armed only after a disarm
			if code, _, problems := fluxctl(t, broker, "disarm"); code != exitOK {
				t.Fatal(problems)
			}
		case "pair":
			name, _ := certificate(t)
			ca, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			one := pairs.Robot{Addresses: []string{"127.0.0.1:1"}, CA: string(ca)}
			if err := pairs.Save(home(t), map[string]pairs.Robot{"gone": one}); err != nil {
				t.Fatal(err)
			}
		case "passwd":
			file, err := os.Create(filepath.Join(t.TempDir(), "secret"))
			if err != nil {
				t.Fatal(err)
			}
			defer file.Close()
			if _, err := file.WriteString("a secret\n"); err != nil {
				t.Fatal(err)
			}
			if _, err := file.Seek(0, io.SeekStart); err != nil {
				t.Fatal(err)
			}
			stdin := os.Stdin
			os.Stdin = file
			defer func() { os.Stdin = stdin }()
		case "help", "completion":
			if code, problems := broken(strings.Fields(line)...); code != exitOutput || !strings.Contains(problems, diskFull) {
				t.Errorf("%s: ended with %d: %s", line, code, problems)
			}
			continue
		}
		for _, json := range []string{"--json", "--json=false"} {
			if (c.Name() == "passwd" || c.Name() == "pair") && json != "--json" {
				continue // passwd prints nothing, and the robot is forgotten
			}
			if c.Name() == "save" && json != "--json" {
				continue // the robot of these tests saves only once
			}
			code, problems := broken(append([]string{broker, patiently, json}, strings.Fields(line)...)...)
			if code != exitOutput || !strings.Contains(problems, diskFull) {
				t.Errorf("%s %s: ended with %d: %s", json, line, code, problems)
			}
		}
	}
}

// brokenWriter fails like a file: each time with a new error value of the same kind.
type brokenWriter struct{ error }

func (w brokenWriter) Write([]byte) (int, error) {
	return 0, &fs.PathError{Op: "write", Path: "/dev/stdout", Err: w.error}
}
