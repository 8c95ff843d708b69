//go:build linux

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"fluxd/cmd/fluxd/machine"
)

// process is a daemon in a separate process.
type process struct {
	*exec.Cmd
	mutex sync.Mutex
	log   bytes.Buffer
	hint  string        // the first lines of its standard output
	ended chan struct{} // closed when it and all its children have ended, and with them its standard output
}

func (p *process) Write(text []byte) (int, error) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	return p.log.Write(text)
}

// logged returns the log so far.
func (p *process) logged() string {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	return p.log.String()
}

// startProcess starts a daemon and waits until it runs.
func startProcess(t *testing.T, args ...string) *process {
	t.Helper()
	return startProcessTo(t, nil, args...)
}

// startProcessTo is startProcess with a file for the log; nil: the log goes to logged.
func startProcessTo(t *testing.T, log *os.File, args ...string) *process {
	t.Helper()
	p := &process{Cmd: exec.Command(os.Args[0], args...), ended: make(chan struct{})}
	p.Env = append(os.Environ(), "FLUXD_BE_THE_DAEMON=1")
	p.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // as a shell starts it
	p.Stderr = p
	if log != nil {
		p.Stderr = log
	}
	read, written, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	p.Stdout = written
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	written.Close()
	t.Cleanup(func() {
		p.Process.Kill()
		p.Wait()
		select {
		case <-p.ended:
		case <-time.After(patience):
			t.Error("a child is left behind")
		}
	})
	hint := make([]byte, 1024)
	n, err := read.Read(hint) // the hint is printed when the robot runs
	if err != nil {
		t.Fatalf("%v\n%s", err, p.logged())
	}
	p.hint = string(hint[:n])
	go func() { io.Copy(io.Discard, read); close(p.ended) }()
	return p
}

func (p *process) awaits(t *testing.T, text string) {
	t.Helper()
	for deadline := time.Now().Add(patience); !strings.Contains(p.logged(), text); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain for %q in\n%s", text, p.logged())
		}
	}
}

// child returns the id of the process that the robot runs in.
func (p *process) child(t *testing.T) int {
	t.Helper()
	files, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", p.Process.Pid)) // of each thread
	if err != nil || len(files) == 0 {
		t.Fatalf("this kernel does not list the children of a process: %v", err)
	}
	for _, file := range files {
		if text, err := os.ReadFile(file); err == nil && len(text) > 0 {
			if pid, err := strconv.Atoi(strings.TrimSpace(string(text))); err == nil {
				return pid
			}
		}
	}
	t.Fatal("no child")
	return 0
}

const idleRobot = "robot: idle\nboard: {kind: sim, world: arena}\nnetwork: {neurons: {a: {}}}\nmqtt: {broker: none}\n"

func TestSignalIsAnEmergencyStop(t *testing.T) {
	for _, supervision := range []string{"no", "yes"} { // directly, and forwarded by the parent
		p := startProcess(t, "run", "--supervise", supervision, write(t, idleRobot))
		if err := p.Process.Signal(syscall.SIGUSR1); err != nil {
			t.Fatal(err)
		}
		p.awaits(t, `emergency stop: actuators are at failsafe" component=safety by="signal SIGUSR1"`)
	}
}

func TestChildShutsDownWhenItsParentIsKilled(t *testing.T) {
	p := startProcess(t, "run", "--supervise", "yes", write(t, idleRobot))
	if err := p.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	select {
	case <-p.ended: // and with it the child
	case <-time.After(patience):
		t.Fatal("the child is still alive")
	}
	_ = p.Wait() // it returns when the rest of the log has been read; its error is that the parent was killed
	if !strings.Contains(p.logged(), "stopped: actuators are at failsafe") {
		t.Errorf("the child did not shut down in order:\n%s", p.logged())
	}
}

func TestParentShutsDownWithItsChild(t *testing.T) {
	if testing.Short() {
		t.Skip("it starts processes")
	}
	p := startProcess(t, "run", "--supervise", "yes", write(t, idleRobot))
	if err := p.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := p.Wait(); err != nil || !strings.Contains(p.logged(), "stopped: actuators are at failsafe") {
		t.Errorf("%v\n%s", err, p.logged())
	}
}

// lampRobot lights a lamp on the first PWM channel of a real board, as long as it runs.
const lampRobot = `robot: lamp
board: {kind: linux}
network: {neurons: {beat: {pacemaker: 5ms}}}
actuators:
  lamp: {device: dimmer, pwm: pwmchip0/0, linear: true, decode: {kind: count, neuron: beat, full: 100 Hz, window: 100ms}}
mqtt: {broker: none}
`

// fakeBoard makes a root folder whose /sys has one PWM channel, and returns a function that reads its duty cycle.
func fakeBoard(t *testing.T) (root string, duty func() string) {
	t.Helper()
	root = t.TempDir()
	channel := filepath.Join(root, "sys/class/pwm/pwmchip0/pwm0")
	if err := os.MkdirAll(channel, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"period", "duty_cycle", "enable"} {
		if err := os.WriteFile(filepath.Join(channel, name), []byte("0\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return root, func() string {
		text, err := os.ReadFile(filepath.Join(channel, "duty_cycle"))
		if err != nil {
			t.Fatal(err)
		}
		first, _, _ := strings.Cut(string(text), "\n")
		return first
	}
}

// waitFor waits until a condition holds. What it waits for is a text such as "the lamp to light".
func waitFor(t *testing.T, what string, condition func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !condition(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

// The README promises that actuators go to failsafe after kill -9. The lamp's files stay as the dead process left them, as
// hardware would, until another process writes them.
func TestKilledRobotIsBroughtToFailsafe(t *testing.T) {
	root, duty := fakeBoard(t)
	p := startProcess(t, "run", "--arm", "--root", root, write(t, lampRobot)) // on a real board, with a parent process by default
	waitFor(t, "the lamp to light", func() bool { return duty() != "0" })
	killed := time.Now()
	if err := syscall.Kill(p.child(t), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "the lamp to go dark", func() bool { return duty() == "0" })
	t.Logf("dark %v after kill -9", time.Since(killed))
	p.awaits(t, "actuators are at failsafe")
	err := p.Wait()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != exitFailure || !strings.Contains(p.logged(), "signal: killed") {
		t.Errorf("%v\n%s", err, p.logged())
	}
}

func TestRobotWhoseParentIsKilledGoesToFailsafe(t *testing.T) {
	root, duty := fakeBoard(t)
	p := startProcess(t, "run", "--arm", "--root", root, write(t, lampRobot))
	waitFor(t, "the lamp to light", func() bool { return duty() != "0" })
	if err := p.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "the lamp to go dark", func() bool { return duty() == "0" })
}

// A suspended process, by kill -STOP or a debugger, or one that hangs as a whole, neither controls its actuators nor ends.
func TestSuspendedRobotIsBroughtToFailsafe(t *testing.T) {
	if testing.Short() {
		t.Skip("it starts processes")
	}
	root, duty := fakeBoard(t)
	robot := strings.Replace(lampRobot, "network:", "safety: {stall: 10s}\nnetwork:", 1)
	p := startProcess(t, "run", "--arm", "--root", root, write(t, robot))
	waitFor(t, "the lamp to light", func() bool { return duty() != "0" })
	if err := syscall.Kill(p.child(t), syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "the lamp to go dark", func() bool { return duty() == "0" })
	if err := p.Wait(); p.ProcessState.ExitCode() != exitFailure || !strings.Contains(p.logged(), "no sign of life") {
		t.Errorf("%v\n%s", err, p.logged())
	}
}

func TestSignsOfLife(t *testing.T) {
	var ask func() // asks the robot to end
	for name, test := range map[string]struct {
		live   func(sign func(machine.Sign))
		killed time.Duration // after the start; 0: never
		moved  bool
	}{
		"a slow start": {func(func(machine.Sign)) { time.Sleep(time.Minute) }, 0, false},
		"a long life with pauses": {func(sign func(machine.Sign)) {
			sign(machine.Moving)
			for range 100 {
				time.Sleep(3 * machine.SignEvery)
				sign(machine.Alive)
			}
		}, 0, true},
		"silence": {func(sign func(machine.Sign)) {
			sign(machine.Moving)
			sign(machine.Alive)
			time.Sleep(time.Minute)
		}, (missedSigns + 1) * machine.SignEvery, true},
		"a slow shutdown": {func(sign func(machine.Sign)) {
			sign(machine.Moving)
			sign(machine.Ending)
			time.Sleep(haltPatience - 1)
		}, 0, true},
		"a start that does not end when asked to": {func(func(machine.Sign)) {
			ask()
			time.Sleep(time.Minute)
		}, haltPatience, false},
		"a shutdown that hangs": {func(sign func(machine.Sign)) {
			sign(machine.Moving)
			sign(machine.Ending)
			time.Sleep(time.Minute)
		}, haltPatience, true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				start, killed := time.Now(), time.Duration(0)
				read, write := io.Pipe()
				var ctx context.Context
				ctx, ask = context.WithCancel(t.Context())
				defer ask()
				w := watch(ctx, func() error { killed = time.Since(start); return nil }, read, slog.New(slog.DiscardHandler))
				test.live(func(s machine.Sign) {
					if _, err := write.Write([]byte{byte(s)}); err != nil {
						t.Error(err)
					}
					synctest.Wait()
				})
				synctest.Wait()
				write.Close()
				if moved := w.end(); moved != test.moved || killed != test.killed {
					t.Errorf("killed after %v, moved %v; want %v, %v", killed, moved, test.killed, test.moved)
				}
			})
		})
	}
}

// A terminal sends its signals to the robot and to its parent at the same time, so neither could help the other. The lamp of a
// robot that was ended or suspended would stay lit, as it would with hardware.
func TestKeysOfATerminal(t *testing.T) {
	if testing.Short() {
		t.Skip("it starts processes")
	}
	for _, key := range []struct {
		name   string
		signal syscall.Signal
		ends   bool
		says   string
	}{
		{"ctrl-C", syscall.SIGINT, true, "stopped: actuators are at failsafe"},
		{`ctrl-\`, syscall.SIGQUIT, true, "stopped: actuators are at failsafe"},
		{"ctrl-Z", syscall.SIGTSTP, false, `emergency stop: actuators are at failsafe" component=safety by=ctrl-Z`},
		{"the terminal is closed", syscall.SIGHUP, true, "stopped: actuators are at failsafe"},
	} {
		t.Run(key.name, func(t *testing.T) {
			root, duty := fakeBoard(t)
			p := startProcess(t, "run", "--arm", "--root", root, write(t, lampRobot))
			waitFor(t, "the lamp to light", func() bool { return duty() != "0" })
			if err := syscall.Kill(-p.Process.Pid, key.signal); err != nil {
				t.Fatal(err)
			}
			waitFor(t, "the lamp to go dark", func() bool { return duty() == "0" })
			p.awaits(t, key.says)
			if !key.ends {
				if err := p.Process.Signal(syscall.SIGTERM); err != nil { // a suspended process would not receive it
					t.Fatal(err)
				}
			}
			if err := p.Wait(); err != nil {
				t.Errorf("%v\n%s", err, p.logged())
			}
		})
	}
}

// nohup fluxd run robot.yaml: closing the terminal does not end the robot.
func TestRobotUnderNohup(t *testing.T) {
	signal.Ignore(syscall.SIGHUP)
	defer signal.Notify(hangups, syscall.SIGHUP)
	p := startProcess(t, "run", "--supervise", "yes", write(t, idleRobot))
	for name, pid := range map[string]int{"parent": p.Process.Pid, "robot": p.child(t)} {
		status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
		if err != nil {
			t.Fatal(err)
		}
		_, ignored, _ := strings.Cut(string(status), "SigIgn:")
		mask, err := strconv.ParseUint(strings.Fields(ignored)[0], 16, 64)
		if err != nil || mask&1 == 0 { // bit 0 is signal 1, SIGHUP
			t.Errorf("the %s does not ignore SIGHUP: mask %x, %v", name, mask, err)
		}
	}
}

// fluxd run robot.yaml 2>&1 | tee log: when tee ends, the robot runs on, and its parent still brings it to failsafe.
func TestRobotOutlivesTheReaderOfItsLog(t *testing.T) {
	if testing.Short() {
		t.Skip("it starts processes")
	}
	for name, test := range map[string]struct {
		end  func(t *testing.T, p *process)
		code int
	}{
		"and shuts down in order": {func(t *testing.T, p *process) {
			if err := p.Process.Signal(syscall.SIGTERM); err != nil {
				t.Fatal(err)
			}
		}, 0},
		"and is brought to failsafe": {func(t *testing.T, p *process) {
			if err := syscall.Kill(p.child(t), syscall.SIGKILL); err != nil {
				t.Fatal(err)
			}
		}, exitFailure},
	} {
		t.Run(name, func(t *testing.T) {
			root, duty := fakeBoard(t)
			log, written, err := os.Pipe()
			if err != nil {
				t.Fatal(err)
			}
			p := startProcessTo(t, written, "run", "--arm", "--root", root, write(t, lampRobot))
			written.Close()
			waitFor(t, "the lamp to light", func() bool { return duty() != "0" })
			log.Close()
			test.end(t, p)
			if err := p.Wait(); p.ProcessState.ExitCode() != test.code || duty() != "0" {
				t.Errorf("%v, want exit code %d; duty %s", err, test.code, duty())
			}
		})
	}
}

// A second daemon for the same motor is refused: an emergency stop would stop only one of them.
func TestSecondDaemonForTheSameMotor(t *testing.T) {
	if testing.Short() {
		t.Skip("it starts processes")
	}
	root, duty := fakeBoard(t)
	first := startProcess(t, "run", "--arm", "--root", root, write(t, lampRobot))
	waitFor(t, "the lamp to light", func() bool { return duty() != "0" })
	second := exec.Command(os.Args[0], "run", "--arm", "--root", root, write(t, lampRobot))
	second.Env = append(os.Environ(), "FLUXD_BE_THE_DAEMON=1")
	output, err := second.CombinedOutput()
	refused := strings.Contains(string(output), "another fluxd commands it")
	if second.ProcessState.ExitCode() != exitFailure || !refused || duty() == "0" {
		t.Errorf("%v, duty %s: %s", err, duty(), output)
	}
	if err := first.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	<-first.ended
	startProcess(t, "run", "--root", root, write(t, lampRobot)) // possible now that the first has ended
}

// On a real board nothing moves until the robot is armed.
func TestRealBoardStartsDisarmed(t *testing.T) {
	root, duty := fakeBoard(t)
	p := startProcess(t, "run", "--root", root, write(t, lampRobot))
	p.awaits(t, "disarmed: actuators stay at failsafe")
	if got := duty(); got != "0" {
		t.Errorf("duty %s", got)
	}
}

// The hint at the start says how to arm a robot that starts disarmed, with the address of its broker.
func TestHintSaysHowToArm(t *testing.T) {
	robot := strings.Replace(lampRobot, "mqtt: {broker: none}", "mqtt: {broker: 'tcp://127.0.0.1:1'}", 1)
	for _, arm := range []bool{false, true} {
		root, _ := fakeBoard(t)
		p := startProcess(t, "run", "--supervise", "no", "--root", root, fmt.Sprintf("--arm=%v", arm), write(t, robot))
		if says := strings.Contains(p.hint, " --broker tcp://127.0.0.1:1 arm "); says == arm {
			t.Errorf("--arm=%v: %s", arm, p.hint)
		}
	}
}

// A robot that cannot start reports it in one line, without the advice to turn the power off.
func TestRobotThatCannotStart(t *testing.T) {
	p := exec.Command(os.Args[0], "run", "--root", t.TempDir(), write(t, lampRobot))
	p.Env = append(os.Environ(), "FLUXD_BE_THE_DAEMON=1")
	output, err := p.CombinedOutput()
	oneLine := strings.Count(string(output), "\n") == 1 && strings.Contains(string(output), "actuator lamp: ")
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != exitFailure || !oneLine {
		t.Errorf("%v: %s", err, output)
	}
}

// fluxd halt brings all actuators to failsafe that it can reach, even if one fails.
func TestHaltBringsEveryActuatorToFailsafe(t *testing.T) {
	root, duty := fakeBoard(t)
	channel := filepath.Join(root, "sys/class/pwm/pwmchip0/pwm0")
	// The channel is as a daemon that has died left it.
	for name, text := range map[string]string{"period": "1000000\n", "duty_cycle": "700000\n", "enable": "1\n"} {
		if err := os.WriteFile(filepath.Join(channel, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	robot := strings.Replace(lampRobot, "actuators:", `actuators:
  gone: {device: dimmer, pwm: pwmchip7/0, decode: {kind: count, neuron: beat, window: 100ms}}`, 1)
	code, printed, errs := fluxd("halt", "--root", root, write(t, robot))
	if code != exitFailure || printed != "" || !strings.Contains(errs, "actuator gone: ") || duty() != "0" {
		t.Errorf("exit %d, duty %s: %s", code, duty(), errs)
	}
	code, printed, errs = fluxd("halt", "--root", root, write(t, lampRobot))
	if code != 0 || duty() != "0" || printed != "lamp: at failsafe\n" {
		t.Errorf("exit %d, duty %s, printed %q: %s", code, duty(), printed, errs)
	}
}
