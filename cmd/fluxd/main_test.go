package main

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
)

// patience bounds every wait of these tests: it is what a broken robot takes to fail, not how long a good one takes.
const patience = 2 * time.Minute

// hangups takes what the tests are told when their terminal is closed. What a process takes, its children do not ignore, also when the tests
// run under nohup.
var hangups = make(chan os.Signal, 1)

// TestMain lets the test binary be the daemon: a test that needs a real process starts itself with this variable set.
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
	if code != 0 || !strings.Contains(out, "lightseeker") || !strings.Contains(out, "wallfollow") {
		t.Errorf("exit %d:\n%s", code, out)
	}
}

func TestEveryCommandHasHelpWithAnExample(t *testing.T) {
	for _, command := range []string{"run", "halt", "sim", "check", "pins", "probe", "schema", "bench"} {
		code, out, _ := fluxd(command, "--help")
		if code != 0 || !strings.Contains(out, "Examples:") || !strings.Contains(out, "Usage:") {
			t.Errorf("%s: exit %d:\n%s", command, code, out)
		}
	}
}

func TestBrokenConfigurationExits2WithEveryErrorByLine(t *testing.T) {
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
		for _, want := range []string{":4:", "every", "range", "motr", ":7:", "treshold", "did you mean threshold?", "did you mean motor?"} {
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
		{[]string{"frobnicate"}, exitConfig, "frobnicate"},
		{[]string{"run", "--frobnicate"}, exitConfig, "frobnicate"},
		{[]string{"run", "nosuchrobot"}, exitConfig, "lightseeker"},
		{[]string{"sim", "--trials", "0"}, exitConfig, "--trials 0"},
		{[]string{"sim", "--trials", "1.5"}, exitConfig, "fluxd: --trials \"1.5\": expected a whole number; see"},
		{[]string{"sim", "--seed", "-1"}, exitConfig, "fluxd: --seed \"-1\": expected a whole number of at least 0, below 2^64; see"},
		{[]string{"run", "--for", "5"}, exitConfig, "fluxd: --for \"5\": expected a time with its unit, such as 30s or 5ms; see"},
		{[]string{"run", "--plain=maybe"}, exitConfig, "fluxd: --plain \"maybe\": expected true or false; see"},
		{[]string{"run", "--log", "loud"}, exitConfig, "fluxd: --log \"loud\": expected debug, info, warn or error; see"},
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

// A network as JSON is refused by line and field, whether the format, a name or the engine finds fault.
func TestBrokenNetworkIsRefusedByLine(t *testing.T) {
	neuron := `  {"name": "a", "threshold": 100, "leak": 1000, "floor": 0, "refractory_us": 0}`
	for text, says := range map[string]string{
		"{\"format\": \"flux-network/1\",\n\"neurons\": [\n" + neuron + ",\n" + neuron + "], \"synapses\": []}":                                                                          ":4:12: neurons[1].name: ",
		"{\"format\": \"flux-network/1\",\n\"neurons\": [\n" + neuron + "],\n\"synapses\": [\n{\"from\": \"a\",\n\"to\": \"b\", \"kind\": \"direct\", \"weight\": 1, \"delay_us\": 1}]}": `:6:7: synapses[0].to: no neuron is named "b"`,
		"{\"format\": \"flux-network/1\",\n\"neurons\": [\n" + neuron + "],\n\"synapses\": [\n\n{\"from\": \"a\", \"to\": \"a\", \"kind\": \"direct\", \"weight\": 1}]}":                 ":6:1: synapses[0].delay_us: 0 us: expected 1 us to",
		"{\"format\": \"flux-network/1\",\n\"neurons\": [\n" + strings.Replace(neuron, "100", "1e-9", 1) + "], \"synapses\": []}":                                                        ":3:30: neurons[0].threshold: 1e-09 units leak out",
		"{\"format\": \"flux-network/2\",\n\"neurons\": [], \"synapses\": []}":                                                                                                           ":1:12: format: ",
		"{\"format\": \"flux-network/1\",\n\"neurons\": [{\"naem\": 1}]}":                                                                                                                "naem",
		"{\"format\": \"flux-network/1\",\n\"neurons\": [{\"name\": 1}]}":                                                                                                                ":2:",
		"{\"format\":": ":1:11: not JSON: it ends too early",
	} {
		file := filepath.Join(t.TempDir(), "net.json")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		code, out, errs := fluxd("play", file, "--until", "1s")
		if code != exitConfig || out != "" || !strings.Contains(errs, says) {
			t.Errorf("%s\nexit %d, %s%s\nwant %q", text, code, out, errs, says)
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

// A real process, a real signal: the robot stops, says that its actuators are at failsafe, and exits 0.
func TestSignalsStopTheDaemonCleanly(t *testing.T) {
	if testing.Short() {
		t.Skip("it starts processes")
	}
	for _, signal := range []os.Signal{os.Interrupt, syscall.SIGTERM, syscall.SIGHUP} {
		t.Run(signal.String(), func(t *testing.T) {
			config := write(t, "robot: idle\nboard: {kind: sim, world: arena}\nnetwork: {neurons: {a: {}}}\nmqtt: {broker: embedded, listen: '127.0.0.1:0'}\n")
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
			if _, err := stdout.Read(make([]byte, 1024)); err != nil { // it says what to type: it runs
				t.Fatalf("%v\n%s", err, errs.String())
			}
			if err := daemon.Process.Signal(signal); err != nil {
				t.Fatal(err)
			}
			if err := daemon.Wait(); err != nil {
				t.Errorf("%v\n%s", err, errs.String())
			}
			if !strings.Contains(errs.String(), "actuators are at failsafe") {
				t.Errorf("no word of failsafe:\n%s", errs.String())
			}
		})
	}
}

// A real process asks the machine that it runs on, which may grant or refuse: either way the robot runs, and the log says what is
// in effect and, for what is not, the remedy.
func TestRealtimeIsGrantedOrRefusedAndTheRobotRuns(t *testing.T) {
	config := write(t, "robot: tight\nboard: {kind: sim}\nnetwork: {neurons: {a: {}}}\nmqtt: {broker: none}\nrealtime: {lock_memory: true, priority: 1, memory_limit: 4 GiB}\n")
	daemon := exec.Command(os.Args[0], "run", config, "--for", "50ms")
	daemon.Env = append(os.Environ(), "FLUXD_BE_THE_DAEMON=1")
	said, err := daemon.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, said)
	}
	for _, setting := range []struct{ granted, refused, remedy string }{
		{`scheduler="fifo 1"`, "priority: ", "LimitRTPRIO=1"},
		{"memory_locked=true", "lock_memory: ", "LimitMEMLOCK=infinity"},
		{"memory_limit=4294967296", "memory_limit: ", "expected a limit of at least"},
	} {
		text := string(said)
		if refused := strings.Contains(text, setting.refused); refused == strings.Contains(text, setting.granted) {
			t.Errorf("%s: expected to read either that or %q:\n%s", setting.granted, setting.refused, text)
		} else if refused && runtime.GOOS == "linux" && !strings.Contains(text, setting.remedy) {
			t.Errorf("no remedy %s:\n%s", setting.remedy, text)
		}
	}
}

// A network that nothing drives is silent, and says why on stderr; its table is whole all the same.
func TestPlayOfASilentNetworkSaysSo(t *testing.T) {
	const robot = "robot: r\nboard: {kind: sim}\nnetwork: {neurons: {a: {}, b: {}}}\nmqtt: {broker: none}\n"
	input := filepath.Join(t.TempDir(), "spikes.csv")
	if err := os.WriteFile(input, []byte("time_us,neuron,weight\n5,a,1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args []string
		says string
	}{
		{[]string{write(t, robot)}, "no neuron spiked in 1s: nothing drives it: --input"},
		{[]string{write(t, robot), "--input", input}, "no neuron spiked in 1s: what "},
		{[]string{write(t, strings.Replace(robot, "a: {}", "a: {pacemaker: 100ms}", 1))}, ""},
	} {
		code, out, errs := fluxd(append([]string{"play", "--until", "1s"}, c.args...)...)
		if code != 0 || !strings.HasPrefix(out, "time_us,neuron\n") || !strings.Contains(errs, c.says) || c.says == "" && errs != "" {
			t.Errorf("%v: exit %d, %q, %q; expected %q", c.args, code, out, errs, c.says)
		}
	}
}
