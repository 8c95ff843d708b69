//go:build linux

package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

const patience = 30 * time.Second

// process is a daemon in a process of its own.
type process struct {
	*exec.Cmd
	mutex sync.Mutex
	log   bytes.Buffer
	ended chan struct{} // closed when it and all its children have ended: they hold its standard output
}

func (p *process) Write(text []byte) (int, error) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	return p.log.Write(text)
}

func (p *process) told() string {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	return p.log.String()
}

// startProcess starts a daemon and waits until it runs.
func startProcess(t *testing.T, args ...string) *process {
	t.Helper()
	p := &process{Cmd: exec.Command(os.Args[0], args...), ended: make(chan struct{})}
	p.Env = append(os.Environ(), "FLUXD_BE_THE_DAEMON=1")
	p.Stderr = p
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
	if _, err := read.Read(make([]byte, 1024)); err != nil { // it says what to type: it runs
		t.Fatalf("%v\n%s", err, p.told())
	}
	go func() { io.Copy(io.Discard, read); close(p.ended) }()
	return p
}

func (p *process) awaits(t *testing.T, text string) {
	t.Helper()
	for deadline := time.Now().Add(patience); !strings.Contains(p.told(), text); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain for %q in\n%s", text, p.told())
		}
	}
}

// child returns the process that the robot lives in.
func (p *process) child(t *testing.T) int {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", p.Process.Pid, p.Process.Pid))
	if err != nil {
		t.Skipf("this kernel does not tell who is whose child: %v", err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		t.Fatalf("children: %q", text)
	}
	return pid
}

const idleRobot = "robot: idle\nboard: {kind: sim, world: arena}\nnetwork: {neurons: {a: {}}}\nmqtt: {broker: none}\n"

func TestSignalIsAnEmergencyStop(t *testing.T) {
	for _, supervision := range []string{"no", "yes"} { // alone, and by way of the parent
		p := startProcess(t, "run", "--supervise", supervision, write(t, idleRobot))
		if err := p.Process.Signal(syscall.SIGUSR1); err != nil {
			t.Fatal(err)
		}
		p.awaits(t, "emergency stop: actuators are at failsafe")
	}
}

func TestChildEndsInOrderWhenItsParentIsKilled(t *testing.T) {
	p := startProcess(t, "run", "--supervise", "yes", write(t, idleRobot))
	if err := p.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	select {
	case <-p.ended: // and with it the child
	case <-time.After(patience):
		t.Fatal("the child lives on")
	}
	if !strings.Contains(p.told(), "stopped: actuators are at failsafe") {
		t.Errorf("the child did not end in order:\n%s", p.told())
	}
}

func TestParentEndsInOrderWithItsChild(t *testing.T) {
	p := startProcess(t, "run", "--supervise", "yes", write(t, idleRobot))
	if err := p.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := p.Wait(); err != nil || !strings.Contains(p.told(), "stopped: actuators are at failsafe") {
		t.Errorf("%v\n%s", err, p.told())
	}
}
