//go:build browser

package browser_test

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"fluxd/bridge/broker"
)

// A robot is a process of fluxd. It keeps its addresses when it is started again.
type robot struct {
	t      testing.TB
	name   string
	file   string
	broker string // its address for clients
	own    bool   // the broker is the robot's own
	page   string // the address of its dashboard

	arguments []string // of fluxd run, behind the file

	process *exec.Cmd
	ended   chan struct{}
	output  *output
}

// output collects what a process writes.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// freeAddress returns an address on loopback that nobody listens at.
func freeAddress(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// A place is where a robot has its broker and its page.
type place struct {
	name        string   // of the kind of broker
	mqtt        string   // of the robot file, between the braces
	broker      string   // the address for clients
	dashboard   string   // more of the robot file, between the braces
	arguments   []string // of fluxd run
	startBroker func(t testing.TB) *mosquittoProcess
}

// places returns the two kinds of broker that a page can talk to: the robot's own, and an external one, here Mosquitto.
func places(t testing.TB) []place {
	t.Helper()
	own, other := freeAddress(t), freeAddress(t)
	return []place{
		{name: "embedded", mqtt: "listen: '" + own + "'", broker: "tcp://" + own},
		{name: "mosquitto", mqtt: "broker: 'tcp://" + other + "'", broker: "tcp://" + other,
			startBroker: func(t testing.TB) *mosquittoProcess { return startMosquitto(t, other) }},
	}
}

// each runs a test at each kind of broker, with the same robot.
func each(t *testing.T, text string, test func(t *testing.T, r *robot)) {
	for _, at := range places(t) {
		t.Run(at.name, func(t *testing.T) {
			if at.startBroker != nil {
				at.startBroker(t)
			}
			test(t, start(t, text, at))
		})
	}
}

// A mosquittoProcess is an external broker.
type mosquittoProcess struct {
	*os.Process
	kill func()
}

// startMosquitto starts a broker at an address, and waits until it listens. Settings say who may come in; without any, all may.
func startMosquitto(t testing.TB, address string, settings ...string) *mosquittoProcess {
	t.Helper()
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "mosquitto.conf")
	if len(settings) == 0 {
		settings = []string{"allow_anonymous true"}
	}
	settings = append([]string{"listener " + port + " 127.0.0.1", "set_tcp_nodelay true", "log_type error"}, settings...)
	if err := os.WriteFile(file, []byte(strings.Join(settings, "\n")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c := exec.Command(*mosquitto, "-c", file)
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	kill := sync.OnceFunc(func() { _ = c.Process.Kill(); _ = c.Wait() })
	t.Cleanup(kill)
	eventually(t, "Mosquitto to listen", func() bool {
		socket, err := net.Dial("tcp", address)
		if err == nil {
			_ = socket.Close()
		}
		return err == nil
	})
	return &mosquittoProcess{c.Process, kill}
}

// start starts a robot, and waits until its page is served.
func start(t testing.TB, text string, at place) *robot {
	t.Helper()
	r := describe(t, text, at)
	r.begin()
	return r
}

// begin starts the robot for the length of the test.
func (r *robot) begin() {
	r.t.Helper()
	r.start()
	r.t.Cleanup(func() {
		r.kill()
		if r.t.Failed() {
			r.t.Logf("fluxd wrote:\n%s", r.output)
		}
	})
}

// describe writes the file of a robot at a place. It replaces the lines for mqtt and dashboard.
func describe(t testing.TB, text string, at place) *robot {
	t.Helper()
	page := freeAddress(t)
	var lines []string
	name := ""
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "mqtt:") || strings.HasPrefix(line, "dashboard:") {
			continue
		}
		if found, is := strings.CutPrefix(line, "robot:"); is {
			name = strings.TrimSpace(found)
		}
		lines = append(lines, strings.TrimRight(line, "\n"))
	}
	dashboard, scheme := "listen: '"+page+"'", "http"
	if at.dashboard != "" {
		dashboard += ", " + at.dashboard
	}
	if strings.Contains(at.dashboard, "tls:") {
		scheme = "https"
	}
	lines = append(lines, "mqtt: {"+at.mqtt+"}", "dashboard: {"+dashboard+"}", "")
	r := &robot{t: t, name: name, file: filepath.Join(t.TempDir(), name+".yaml"), broker: at.broker,
		own: at.startBroker == nil, page: scheme + "://" + page + "/", arguments: at.arguments}
	if err := os.WriteFile(r.file, []byte(strings.Join(lines, "\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	return r
}

// visitor asks for pages, and takes every certificate.
var visitor = &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}

// start starts the process, and waits until it serves its page.
func (r *robot) start() {
	r.t.Helper()
	r.output = &output{}
	r.process = exec.Command(*fluxd, append([]string{"run", r.file, "--plain"}, r.arguments...)...)
	r.process.Dir = filepath.Dir(r.file)
	r.process.Stdout, r.process.Stderr = r.output, r.output
	if err := r.process.Start(); err != nil {
		r.t.Fatal(err)
	}
	process, ended := r.process, make(chan struct{})
	r.ended = ended
	go func() { _ = process.Wait(); close(ended) }()
	eventually(r.t, "the page of "+r.name, func() bool {
		select {
		case <-r.ended:
			r.t.Fatalf("fluxd ended:\n%s", r.output)
		default:
		}
		answer, err := visitor.Get(r.page)
		if err != nil {
			return false
		}
		_ = answer.Body.Close()
		return answer.StatusCode == http.StatusOK
	})
}

// kill kills the robot's processes, as a power failure does, and waits for their end.
func (r *robot) kill() {
	all := descendants(r.process.Process.Pid)
	_ = r.process.Process.Kill()
	<-r.ended
	for _, id := range all {
		if p, err := os.FindProcess(id); err == nil {
			_ = p.Kill()
		}
	}
	if r.own { // while the old broker dies, it has the port, and the next one would take another
		eventually(r.t, "the port of the broker to be free", func() bool {
			socket, err := net.Listen("tcp", strings.TrimPrefix(r.broker, "tcp://"))
			if err == nil {
				_ = socket.Close()
			}
			return err == nil
		})
	}
}

// killBroker kills the process of the robot's own broker, and waits until the robot has started another.
func (r *robot) killBroker() {
	r.t.Helper()
	old := r.brokerProcess()
	p, err := os.FindProcess(old)
	if err != nil || old == 0 {
		r.t.Fatalf("the broker has process %d: %v", old, err)
	}
	if err := p.Kill(); err != nil {
		r.t.Fatal(err)
	}
	eventually(r.t, "the broker to be started again", func() bool { now := r.brokerProcess(); return now != 0 && now != old })
}

// brokerProcess returns the process of the robot's own broker, or 0.
func (r *robot) brokerProcess() int {
	for _, id := range descendants(r.process.Process.Pid) {
		line, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", id))
		if err == nil && strings.HasSuffix(string(line), "\x00"+broker.Command+"\x00") {
			return id
		}
	}
	return 0
}

// descendants returns the processes that a process has started, and those that they have.
func descendants(of int) []int {
	tasks, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", of))
	var all []int
	for _, file := range tasks {
		text, _ := os.ReadFile(file)
		for _, word := range strings.Fields(string(text)) {
			if id, err := strconv.Atoi(word); err == nil {
				all = append(append(all, id), descendants(id)...)
			}
		}
	}
	return all
}

// example returns the file of one of the robots that come with fluxd.
func example(t testing.TB, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "configs", "robots", name+".yaml"))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// lightseeker returns the file of the demo robot.
func lightseeker(t testing.TB) string {
	t.Helper()
	return example(t, "lightseeker")
}
