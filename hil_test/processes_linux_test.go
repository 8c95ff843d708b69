package hil_test

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// process is fluxd as a user runs it: a parent process, and the robot in its child.
type process struct {
	*exec.Cmd
	file   string
	ended  chan error
	output *os.File // its stdout and stderr; a test may close it
	mutex  sync.Mutex
	log    bytes.Buffer
}

func (p *process) Write(text []byte) (int, error) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	return p.log.Write(text)
}

func (p *process) logged() string {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	return p.log.String()
}

func startProcess(t *testing.T, text string, environment ...string) *process {
	t.Helper()
	p := &process{file: filepath.Join(t.TempDir(), "robot.yaml"), ended: make(chan error, 1)}
	if err := os.WriteFile(p.file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	p.Cmd = exec.Command(under.daemon(t), "run", "--plain", "--arm", p.file)
	p.Env = append(os.Environ(), environment...)
	p.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // as a shell starts it
	output, written, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	p.output, p.Stdout, p.Stderr = output, written, written
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	written.Close()
	go func() {
		_, _ = io.Copy(p, output) // it returns when the parent and the child have ended
		p.ended <- p.Wait()
	}()
	t.Cleanup(func() {
		_ = syscall.Kill(p.robot(), syscall.SIGKILL)
		_ = p.Process.Kill()
		p.wait(t)
		if t.Failed() {
			t.Logf("%s", p.logged())
		}
	})
	return p
}

// wait waits for the end of the parent and returns its error. It may be called several times.
func (p *process) wait(t *testing.T) error {
	t.Helper()
	select {
	case err := <-p.ended:
		p.ended <- err
		return err
	case <-time.After(patience):
		t.Fatal("fluxd does not end")
		return nil
	}
}

// robot returns the id of the process that the robot runs in: the child, if there is one.
func (p *process) robot() int {
	files, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", p.Process.Pid))
	for _, file := range files {
		text, _ := os.ReadFile(file)
		if pid, err := strconv.Atoi(strings.TrimSpace(string(text))); err == nil {
			return pid
		}
	}
	return p.Process.Pid
}

// However fluxd ends, by a signal or by kill -9, the output goes low. The delay is measured from outside.
func TestEveryEndOfTheDaemon(t *testing.T) {
	c := begin(t)
	w := under.wire()
	c.needs(w != nil, "output that is seen from outside")
	c.needs(under.name() != "sim", "hardware that outlives the daemon")
	for _, one := range []struct {
		name string
		do   func(t *testing.T, p *process)
	}{
		{"SIGUSR1, an emergency stop", func(t *testing.T, p *process) { signal(t, p.Process.Pid, syscall.SIGUSR1) }},
		{"SIGTERM", func(t *testing.T, p *process) { signal(t, p.Process.Pid, syscall.SIGTERM) }},
		{"SIGTSTP, ctrl-Z at a terminal", func(t *testing.T, p *process) { signal(t, -p.Process.Pid, syscall.SIGTSTP) }},
		{"SIGQUIT, ctrl-\\ at a terminal", func(t *testing.T, p *process) { signal(t, -p.Process.Pid, syscall.SIGQUIT) }},
		{"SIGTERM when the log's reader is gone", func(t *testing.T, p *process) {
			p.output.Close()
			signal(t, p.Process.Pid, syscall.SIGTERM)
		}},
		{"kill -9 of the robot when the log's reader is gone", func(t *testing.T, p *process) {
			p.output.Close()
			signal(t, p.robot(), syscall.SIGKILL)
		}},
		{"kill -9 of the robot", func(t *testing.T, p *process) { signal(t, p.robot(), syscall.SIGKILL) }},
		{"kill -STOP of the robot", func(t *testing.T, p *process) { signal(t, p.robot(), syscall.SIGSTOP) }},
		{"kill -9 of its parent", func(t *testing.T, p *process) { signal(t, p.Process.Pid, syscall.SIGKILL) }},
		{"kill -9 of both, and fluxd halt", func(t *testing.T, p *process) {
			robot := p.robot()
			signal(t, p.Process.Pid, syscall.SIGSTOP) // so that it does not notice the end of the robot
			signal(t, robot, syscall.SIGKILL)
			signal(t, p.Process.Pid, syscall.SIGKILL)
			p.wait(t)
			halt(t, p.file)
		}},
	} {
		w.mark()
		p := startProcess(t, marching(w, ""))
		w.await(t, true)
		if p.robot() == p.Process.Pid {
			t.Fatal("the robot has no parent process")
		}
		w.mark()
		one.do(t, p)
		c.figure("%s %v", one.name, w.await(t, false).Round(10*time.Microsecond))
		if strings.Contains(one.name, "SIGUSR1") || strings.Contains(one.name, "SIGTSTP") { // the robot still runs, not suspended
			signal(t, p.Process.Pid, syscall.SIGTERM)
		}
		if err := p.wait(t); err != nil && strings.HasPrefix(one.name, "SIG") {
			t.Errorf("%s: %v", one.name, err)
		}
	}
}

func signal(t *testing.T, pid int, s syscall.Signal) {
	t.Helper()
	if err := syscall.Kill(pid, s); err != nil {
		t.Fatalf("signal %v to process %d: %v", s, pid, err)
	}
}

func halt(t *testing.T, file string) {
	t.Helper()
	if out, err := exec.Command(under.daemon(t), "halt", file).CombinedOutput(); err != nil {
		t.Errorf("fluxd halt: %v\n%s", err, out)
	}
}

// When the robot hangs, systemd receives nothing for WatchdogSec, kills it and runs ExecStopPost=fluxd halt. This test does what
// systemd would do.
func TestSystemdWatchdog(t *testing.T) {
	c := begin(t)
	w := under.wire()
	c.needs(w != nil, "output that is seen from outside")
	c.needs(under.name() != "sim", "hardware that outlives the daemon")
	address := filepath.Join(t.TempDir(), "notify")
	systemd, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: address, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer systemd.Close()
	const within = 2 * time.Second
	w.mark()
	p := startProcess(t, marching(w, ""), "NOTIFY_SOCKET="+address, fmt.Sprintf("WATCHDOG_USEC=%d", within.Microseconds()))
	receives := func(what string, within time.Duration) bool {
		buffer := make([]byte, 4096)
		for end := time.Now().Add(within); time.Now().Before(end); {
			if err := systemd.SetReadDeadline(end); err != nil {
				t.Fatal(err)
			}
			if n, err := systemd.Read(buffer); err == nil && strings.Contains(string(buffer[:n]), what) {
				return true
			}
		}
		return false
	}
	if !receives("READY=1", patience) {
		t.Fatalf("systemd received no READY=1:\n%s", p.logged())
	}
	w.await(t, true)
	for range 3 {
		if !receives("WATCHDOG=1", within) {
			t.Fatal("a running robot does not kick systemd's watchdog")
		}
	}
	signal(t, p.Process.Pid, syscall.SIGSTOP)
	w.mark()
	for receives("WATCHDOG=1", within) { // sent before the robot was suspended
	}
	signal(t, p.Process.Pid, syscall.SIGKILL)
	p.wait(t)
	halt(t, p.file)
	c.figure("%v after it hung, of which systemd waited %v", w.await(t, false).Round(time.Millisecond), within)
}

// When the robot hangs, or the whole machine, the hardware watchdog restarts the machine, which releases all pins.
func TestHardwareWatchdog(t *testing.T) {
	c := begin(t)
	restarts := under.watchdog()
	c.needs(restarts != nil, "watchdog that may restart it")
	w := under.wire()
	w.mark()
	p := startProcess(t, marching(w, "safety: {watchdog: /dev/watchdog}\n"))
	w.await(t, true)
	time.Sleep(4 * time.Second) // longer than the watchdog waits
	if n := restarts(); n != 0 {
		t.Fatalf("%d restarts while the robot runs", n)
	}
	signal(t, p.robot(), syscall.SIGSTOP)
	begun := time.Now()
	for restarts() == 0 {
		if time.Since(begun) > patience {
			t.Fatal("no restart")
		}
		time.Sleep(100 * time.Millisecond)
	}
	c.figure("restart %v after the robot hung", time.Since(begun).Round(100*time.Millisecond))
}
