package main

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
	"unicode/utf8"
)

// patience bounds every wait of these tests. It is the time that a broken robot takes to fail, not the time that a good one
// takes.
const patience = 2 * time.Minute

// hangups receives SIGHUP, the signal of a closed terminal. A process that catches a signal does not pass on to its children that
// it is ignored, so the daemons of these tests react to SIGHUP even when the tests run under nohup.
var hangups = make(chan os.Signal, 1)

// TestMain runs the tests, or the daemon: a test that needs a real process starts the test binary with this variable set.
func TestMain(m *testing.M) {
	if os.Getenv("FLUXD_BE_THE_DAEMON") != "" {
		main()
		return
	}
	signal.Notify(hangups, syscall.SIGHUP)
	os.Exit(m.Run())
}

func fluxd(args ...string) (code int, stdout, stderr string) {
	var out, errs bytes.Buffer
	code = execute(context.Background(), args, &out, &errs)
	return code, out.String(), errs.String()
}

func write(t *testing.T, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "robot.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestListNamesTheExamples(t *testing.T) {
	code, out, _ := fluxd("run", "--list")
	if code != 0 || !strings.Contains(out, "lightseeker") || !strings.Contains(out, "wallfollow") ||
		!strings.Contains(out, "hexapod") {
		t.Errorf("exit %d:\n%s", code, out)
	}
}

// Every page of help has an example, and explains the command in lines of at most 80 columns.
func TestHelp(t *testing.T) {
	root := commands(func(io.Writer) *slog.Logger { return slog.New(slog.DiscardHandler) })
	for _, c := range append(root.Commands(), root) {
		if c.Hidden {
			continue
		}
		args := append(strings.Fields(c.CommandPath())[1:], "--help")
		code, out, _ := fluxd(args...)
		if code != 0 || !strings.Contains(out, "Examples:") || !strings.Contains(out, "Usage:") {
			t.Errorf("%s: exit %d:\n%s", c.CommandPath(), code, out)
		}
		for line := range strings.Lines(c.Long + "\n" + c.Example) {
			if utf8.RuneCountInString(strings.TrimSuffix(line, "\n")) > 80 {
				t.Errorf("%s --help: longer than 80 columns: %s", c.CommandPath(), line)
			}
		}
	}
}

func TestMistakesInARobotFileAreListedByLine(t *testing.T) {
	file := write(t, `robot: broken
board: {kind: sim}
sensors:
  eye: {device: bh1750, bus: I2C1, address: 0x23, every: 20, encode: {kind: rate, range: [0 m, 10 m], max: 9 Hz, to: motr}}
network:
  neurons:
    motor: {treshold: 100}
mqtt: {broker: none}
`)
	for _, command := range []string{"run", "check", "sim"} {
		code, out, errs := fluxd(command, file)
		if code != exitConfig || out != "" {
			t.Errorf("%s: exit %d, wrote %q", command, code, out)
		}
		for _, want := range []string{
			":4:", "every", "range", "motr", ":7:", "treshold", "did you mean threshold?", "did you mean motor?",
		} {
			if !strings.Contains(errs, want) {
				t.Errorf("%s: no %q in\n%s", command, want, errs)
			}
		}
	}
}

func TestExitCodes(t *testing.T) {
	for _, c := range []struct {
		args []string
		code int
		says string
	}{
		{[]string{"frobnicate"}, exitConfig, `unknown command "frobnicate" for "fluxd"; see fluxd --help`},
		{[]string{"run", "--frobnicate"}, exitConfig, "unknown flag: --frobnicate; see fluxd run --help"},
		{[]string{"chek"}, exitConfig, `unknown command "chek" for "fluxd", did you mean check?; see fluxd --help`},
		{[]string{"check"}, exitConfig, "fluxd: check: expected 1 argument, got none; usage: fluxd check ROBOT; see fluxd check"},
		{[]string{"run", "a", "b"}, exitConfig, `expected at most 1 argument, got 2: "a" "b"; usage: fluxd run [ROBOT]`},
		{[]string{"run", "--supervise", "maybe"}, exitConfig, `--supervise "maybe": expected auto, yes or no`},
		{[]string{"play", "lightseeker"}, exitConfig, "--until 0s: expected a time in whole microseconds, such as 2s"},
		{[]string{"plot", "lightseeker"}, exitConfig, "--until 0s: expected a time of at least 1us, such as 200ms"},
		{[]string{"run", "nosuchrobot"}, exitConfig, "lightseeker"},
		{[]string{"sim", "--trials", "0"}, exitConfig, "--trials 0"},
		{[]string{"sim", "--trials", "1.5"}, exitConfig, `fluxd: --trials "1.5": expected a whole number; see fluxd sim --help`},
		{[]string{"sim", "--seed", "-1"}, exitConfig, `fluxd: --seed "-1": expected a whole number from 0 to 2^64 - 1; see`},
		{[]string{"run", "--for", "5"}, exitConfig, `fluxd: --for "5": expected a time with its unit, such as 30s or 5ms; see`},
		{[]string{"run", "--plain=maybe"}, exitConfig, `fluxd: --plain "maybe": expected true or false; see`},
		{[]string{"run", "--log", "loud"}, exitConfig, `fluxd: --log "loud": expected debug, info, warn or error; see`},
		{[]string{"sim", "--for", "-1s"}, exitConfig, "--for -1s"},
		{[]string{"sim", "lightseeker", "--for", "1s"}, 0, "took"},
		{[]string{"check", "wallfollow"}, 0, ""},
		{[]string{"schema"}, 0, ""},
	} {
		if code, _, errs := fluxd(c.args...); code != c.code || !strings.Contains(errs, c.says) {
			t.Errorf("%v: exit %d, want %d; %s", c.args, code, c.code, errs)
		}
	}
}

// Mistakes in a network as JSON are reported with line and field, whether the format, a name or the engine finds them.
func TestBrokenNetworkIsRefusedByLine(t *testing.T) {
	const (
		head   = `{"format": "flux-network/1",` + "\n"
		neuron = `  {"name": "a", "threshold": 100, "leak": 1000, "floor": 0, "refractory_us": 0}`
		begin  = head + `"neurons": [` + "\n" + neuron
	)
	const link = `"synapses": [` + "\n" + `{"from": "a",` + "\n"
	for _, c := range []struct{ text, says string }{
		{begin + ",\n" + neuron + `], "synapses": []}`, ":4:12: neurons[1].name: "},
		{begin + "],\n" + link + `"to": "b", "kind": "direct", "weight": 1, "delay_us": 1}]}`,
			`:6:7: synapses[0].to: no neuron is named "b"`},
		{begin + "],\n" + link + `"to": "a", "kind": "direct", "weight": 1}]}`, ":5:1: synapses[0].delay_us: 0 us: expected 1 us to"},
		{strings.Replace(begin, "100", "1e-9", 1) + `], "synapses": []}`, ":3:30: neurons[0].threshold: 1e-09 units leak out"},
		{strings.Replace(head, "/1", "/2", 1) + `"neurons": [], "synapses": []}`, ":1:12: format: "},
		{head + `"neurons": [{"naem": 1}]}`, "naem"},
		{head + `"neurons": [{"name": 1}]}`, ":2:"},
		{`{"format":`, ":1:11: not JSON: it ends too early"},
	} {
		file := filepath.Join(t.TempDir(), "net.json")
		if err := os.WriteFile(file, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		code, out, errs := fluxd("play", file, "--until", "1s")
		if code != exitConfig || out != "" || !strings.Contains(errs, c.says) {
			t.Errorf("%s\nexit %d, %s%s\nwant %q", c.text, code, out, errs, c.says)
		}
	}
}

func TestSimWritesWallClockFiguresToStderrOnly(t *testing.T) {
	_, first, errs := fluxd("sim", "lightseeker", "--for", "5s", "--seed", "3")
	_, second, _ := fluxd("sim", "lightseeker", "--for", "5s", "--seed", "3")
	if first != second || !strings.Contains(errs, "took") {
		t.Errorf("%q\n%q\n%q", first, second, errs)
	}
}

// The help says which seed a trial uses.
func TestSimTrialsUseSuccessiveSeeds(t *testing.T) {
	code, out, errs := fluxd("sim", "lightseeker", "--for", "1s", "--seed", "5", "--trials", "2")
	if code != 0 || !strings.HasPrefix(out, "trial 1 (seed 5): ") || !strings.Contains(out, "\ntrial 2 (seed 6): ") {
		t.Errorf("exit %d: %s%s", code, out, errs)
	}
	if _, help, _ := fluxd("sim", "--help"); !strings.Contains(help, "trial k uses seed + k - 1") {
		t.Errorf("the help says otherwise:\n%s", help)
	}
}

// After a real signal to a real process, the robot stops, logs that its actuators are at failsafe, and exits with 0.
func TestSignalsStopTheDaemonCleanly(t *testing.T) {
	if testing.Short() {
		t.Skip("it starts processes")
	}
	for _, signal := range []os.Signal{os.Interrupt, syscall.SIGTERM, syscall.SIGHUP} {
		t.Run(signal.String(), func(t *testing.T) {
			config := write(t, `robot: idle
board: {kind: sim, world: arena}
network: {neurons: {a: {}}}
mqtt: {broker: embedded, listen: '127.0.0.1:0'}
`)
			daemon := exec.Command(os.Args[0], "run", config)
			daemon.Env = append(os.Environ(), "FLUXD_BE_THE_DAEMON=1")
			var errs bytes.Buffer
			daemon.Stderr = &errs
			stdout, err := daemon.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := daemon.Start(); err != nil {
				t.Fatal(err)
			}
			kill := time.AfterFunc(patience, func() { daemon.Process.Kill() })
			defer kill.Stop()
			if _, err := stdout.Read(make([]byte, 1024)); err != nil { // the hint is printed when the robot runs
				t.Fatalf("%v\n%s", err, errs.String())
			}
			if err := daemon.Process.Signal(signal); err != nil {
				t.Fatal(err)
			}
			if err := daemon.Wait(); err != nil {
				t.Errorf("%v\n%s", err, errs.String())
			}
			if !strings.Contains(errs.String(), "actuators are at failsafe") {
				t.Errorf("failsafe is not logged:\n%s", errs.String())
			}
		})
	}
}

// This machine may grant or refuse real-time settings. Either way the robot runs, and the log has the settings in effect, and the
// remedy for each refused one.
func TestRobotRunsWithAndWithoutRealtime(t *testing.T) {
	config := write(t, `robot: tight
board: {kind: sim}
network: {neurons: {a: {}}}
mqtt: {broker: none}
realtime: {lock_memory: true, priority: 1, memory_limit: 4 GiB}
`)
	daemon := exec.Command(os.Args[0], "run", config, "--for", "50ms")
	daemon.Env = append(os.Environ(), "FLUXD_BE_THE_DAEMON=1")
	output, err := daemon.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
	for _, setting := range []struct{ granted, refused, remedy string }{
		{`scheduler="fifo 1"`, "priority: ", "LimitRTPRIO=1"},
		{"memory_locked=true", "lock_memory: ", "LimitMEMLOCK=infinity"},
		{"memory_limit=4294967296", "memory_limit: ", "expected a limit of at least"},
	} {
		text := string(output)
		if refused := strings.Contains(text, setting.refused); refused == strings.Contains(text, setting.granted) {
			t.Errorf("expected either %s or %q:\n%s", setting.granted, setting.refused, text)
		} else if refused && runtime.GOOS == "linux" && !strings.Contains(text, setting.remedy) {
			t.Errorf("no remedy %s:\n%s", setting.remedy, text)
		}
	}
}

// When no neuron spikes, fluxd play explains it on stderr. Its output is still a complete table.
func TestPlayExplainsASilentNetwork(t *testing.T) {
	const robot = "robot: r\nboard: {kind: sim}\nnetwork: {neurons: {a: {}, b: {}}}\nmqtt: {broker: none}\n"
	input := filepath.Join(t.TempDir(), "spikes.csv")
	if err := os.WriteFile(input, []byte("time_us,neuron,weight\n5,a,1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args []string
		says string
	}{
		{[]string{write(t, robot)}, "no neuron spiked in 1s: the network has no input"},
		{[]string{write(t, robot), "--input", input}, "no neuron spiked in 1s: the spikes in "},
		{[]string{write(t, strings.Replace(robot, "a: {}", "a: {pacemaker: 100ms}", 1))}, ""},
	} {
		code, out, errs := fluxd(append([]string{"play", "--until", "1s"}, c.args...)...)
		if code != 0 || !strings.HasPrefix(out, "time_us,neuron\n") || !strings.Contains(errs, c.says) || c.says == "" && errs != "" {
			t.Errorf("%v: exit %d, %q, %q; expected %q", c.args, code, out, errs, c.says)
		}
	}
}
