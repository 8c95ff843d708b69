//go:build linux

package main

import (
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"

	"fluxd/bridge/protocol"
	"fluxd/cmd/fluxd/robotfile"
	"fluxd/configs"
)

// A remote is a robot that keeps its files in a folder of the test, and an operator at its broker.
type remote struct {
	t              *testing.T
	folder, listen string
	file           string // the robot's own
	robot          *process
	asked          int
}

// tried is a robot file with a threshold, by which the files differ, and a broker.
func tried(threshold int, mqtt string) string {
	return fmt.Sprintf("robot: tried\nboard: {kind: sim}\nnetwork: {neurons: {a: {threshold: %d}}}\n"+
		"tuning: {file: tuned.yaml, persist: true}\nmqtt: %s\ndashboard: {listen: none}\n", threshold, mqtt)
}

func newRemote(t *testing.T) *remote {
	t.Helper()
	if testing.Short() {
		t.Skip("it starts processes")
	}
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer free.Close()
	r := &remote{t: t, folder: t.TempDir(), listen: free.Addr().String()}
	t.Chdir(r.folder) // where the robot keeps what was tuned
	t.Setenv("STATE_DIRECTORY", "")
	r.file = filepath.Join(t.TempDir(), "robot.yaml")
	if err := os.WriteFile(r.file, []byte(r.text(100)), 0o400); err != nil { // as /etc is for the service
		t.Fatal(err)
	}
	return r
}

func (r *remote) text(threshold int) string { return tried(threshold, "{listen: '"+r.listen+"'}") }

func (r *remote) start(args ...string) {
	r.t.Helper()
	waitFor(r.t, "the port that a killed broker had", func() bool { // the robot would take another one
		free, err := net.Listen("tcp", r.listen)
		if err == nil {
			free.Close()
		}
		return err == nil
	})
	r.robot = startProcess(r.t, append([]string{"run", "--plain", r.file}, args...)...)
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if _, ok := r.once("get", protocol.Request{}, 5*time.Second); ok {
			return
		}
	}
	r.t.Fatalf("the robot does not answer at %s\n%s", r.listen, r.robot.logged())
}

// ask sends a request until the robot answers: it may be starting.
func (r *remote) ask(verb string, request protocol.Request) protocol.Response {
	r.t.Helper()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if answer, ok := r.once(verb, request, 10*time.Second); ok {
			return answer
		}
	}
	r.t.Fatalf("%s is not answered\n%s", verb, r.robot.logged())
	return protocol.Response{}
}

// once sends a request, and waits for its answer for a while.
func (r *remote) once(verb string, request protocol.Request, wait time.Duration) (answer protocol.Response, ok bool) {
	topics := protocol.Topics("tried")
	answers := make(chan protocol.Response, 1)
	client := paho.NewClient(paho.NewClientOptions().AddBroker("tcp://" + r.listen).SetClientID("operator").SetAutoReconnect(false))
	if !client.Connect().WaitTimeout(patience) || !client.IsConnected() {
		return answer, false
	}
	defer client.Disconnect(0)
	r.asked++
	request.ID, request.Time, request.TTL = fmt.Sprint(os.Getpid(), " ", r.asked), time.Now().UnixMilli(), 30_000
	client.Subscribe(topics.Response(verb), 0, func(_ paho.Client, m paho.Message) {
		var a protocol.Response
		if json.Unmarshal(m.Payload(), &a) == nil && a.ID == request.ID {
			answers <- a
		}
	}).WaitTimeout(patience)
	payload, err := json.Marshal(request)
	if err != nil {
		r.t.Fatal(err)
	}
	client.Publish(topics.Request(verb), 0, false, payload)
	select {
	case answer = <-answers:
		return answer, true
	case <-time.After(wait): // it was not subscribed yet
		return answer, false
	}
}

// does sends a request that the robot must carry out.
func (r *remote) does(verb string, request protocol.Request) protocol.Response {
	r.t.Helper()
	a := r.ask(verb, request)
	if a.Error != nil {
		r.t.Fatalf("%s: %v %v\n%s", verb, a.Error, a.Error.Mistakes, r.robot.logged())
	}
	return a
}

// awaits waits until a robot runs with the threshold of its file, on trial or not.
func (r *remote) awaits(threshold float64, onTrial bool) {
	r.t.Helper()
	waitFor(r.t, fmt.Sprintf("the robot with threshold %v, on trial %v", threshold, onTrial), func() bool {
		a, ok := r.once("load_robot", protocol.Request{}, time.Second)
		if !ok || a.Robot == nil || a.Robot.Trial != onTrial || a.Robot.Restart {
			return false
		}
		get, ok := r.once("get", protocol.Request{}, time.Second)
		return ok && get.Values["network.neurons.a.threshold"].V == threshold
	})
}

// sends disarms the robot, sends it a file, and has it started again.
func (r *remote) sends(text string) {
	r.t.Helper()
	r.does("disarm", protocol.Request{})
	r.does("load_robot", protocol.Request{File: text, Restart: true})
}

func (r *remote) stop() {
	r.t.Helper()
	if err := r.robot.Process.Signal(syscall.SIGTERM); err != nil {
		r.t.Fatal(err)
	}
	if err := r.robot.Wait(); err != nil {
		r.t.Errorf("%v\n%s", err, r.robot.logged())
	}
}

// A new robot file is sent, tried in a new process image, and confirmed; then it is there at every start. The robot's own file is
// not touched.
func TestARobotFileFromAfar(t *testing.T) {
	for _, supervise := range []string{"no", "yes"} {
		r := newRemote(t)
		r.start("--supervise", supervise)
		if a := r.ask("load_robot", protocol.Request{File: r.text(50)}); a.Error == nil || a.Error.Code != protocol.NotAllowed {
			t.Errorf("an armed robot accepts a file: %+v", a)
		}
		r.does("disarm", protocol.Request{})
		a := r.ask("load_robot", protocol.Request{File: strings.Replace(r.text(50), "threshold", "treshold", 1)})
		if a.Error == nil || a.Error.Code != protocol.InvalidFile || len(a.Error.Mistakes) != 1 || a.Error.Mistakes[0].Line != 3 ||
			!strings.Contains(a.Error.Mistakes[0].Message, "threshold") {
			t.Errorf("a mistake: %+v", a.Error)
		}
		a = r.ask("load_robot", protocol.Request{File: strings.Replace(r.text(50), "tried", "other", 1)})
		if a.Error == nil || len(a.Error.Mistakes) != 1 || a.Error.Mistakes[0].Path != "robot" {
			t.Errorf("another name: %+v", a.Error)
		}
		r.sends(r.text(50))
		r.awaits(50, true)
		if h := r.ask("arm", protocol.Request{}); h.Error != nil { // somebody is there
			t.Error(h.Error)
		}
		r.robot.awaits(t, "with a robot file on trial")
		r.does("load_robot", protocol.Request{Confirm: true})
		r.stop()
		r.start()
		r.awaits(50, false)
		r.does("disarm", protocol.Request{})
		r.does("load_robot", protocol.Request{Back: true})
		r.awaits(100, false)
		r.stop()
		if text, err := os.ReadFile(r.file); err != nil || string(text) != r.text(100) {
			t.Errorf("the robot's own file: %q, %v", text, err)
		}
	}
}

// Nobody confirms: after the time of the trial the robot is back, with what was tuned before.
func TestARobotComesBackByItself(t *testing.T) {
	for name, mqtt := range map[string]string{
		"reachable": "", "unreachable": "{broker: 'tcp://127.0.0.1:9'}", "alone": "{broker: none}",
	} {
		for _, supervise := range []string{"no", "yes"} {
			t.Run(name+", supervised "+supervise, func(t *testing.T) {
				r := newRemote(t)
				r.start("--supervise", supervise, "--trial", "3s")
				r.does("set", protocol.Request{Set: map[string]float64{"network.neurons.a.threshold": 70}})
				text := r.text(50)
				if mqtt != "" {
					text = tried(50, mqtt)
				}
				r.sends(text)
				r.robot.awaits(t, "nobody has confirmed it within 3s")
				r.robot.awaits(t, "event=rolled_back")
				r.awaits(70, false)
				r.stop()
			})
		}
	}
}

// The robot is killed, or its process dies at the start: the next start has the file from before.
func TestARobotThatDiesOnTrial(t *testing.T) {
	for _, supervise := range []string{"no", "yes"} {
		r := newRemote(t)
		r.start("--supervise", supervise)
		r.sends(r.text(50))
		r.awaits(50, true)
		victim := r.robot.Process.Pid
		if supervise == "yes" {
			victim = r.robot.child(t)
		}
		if err := syscall.Kill(victim, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		if supervise == "no" { // its parent starts it again, nobody else does
			_ = r.robot.Wait()
			select {
			case <-r.robot.ended:
			case <-time.After(patience):
				t.Fatal("the robot is still alive")
			}
			r.start()
		}
		r.robot.awaits(t, "event=rolled_back")
		r.awaits(100, false)
		r.stop()
	}
}

// A file whose robot cannot start, because of something that only the start shows: here a watchdog that is not there.
func TestARobotThatDoesNotComeUp(t *testing.T) {
	for _, supervise := range []string{"no", "yes"} {
		r := newRemote(t)
		r.start("--supervise", supervise)
		r.sends(r.text(50) + "safety: {watchdog: /dev/watchdog987654}\n")
		r.robot.awaits(t, "the robot does not come up with the robot file on trial")
		r.robot.awaits(t, "event=rolled_back")
		r.awaits(100, false)
		r.stop()
	}
}

// A start after a change of the robot's own file runs that, and fluxd check says what runs.
func TestTheOwnFileIsEdited(t *testing.T) {
	r := newRemote(t)
	r.start()
	r.sends(r.text(50))
	r.awaits(50, true)
	r.does("load_robot", protocol.Request{Confirm: true})
	r.stop()
	if code, out, errs := fluxd("check", r.file); code != 0 || !strings.Contains(out, "runs instead of this one") {
		t.Errorf("check: %d\n%s%s", code, out, errs)
	}
	if _, out, errs := fluxd("doctor", r.file); !strings.Contains(out, "runs instead of this one") {
		t.Errorf("doctor: %s%s", out, errs)
	}
	if err := os.Remove(r.file); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(r.file, []byte(r.text(30)), 0o400); err != nil {
		t.Fatal(err)
	}
	if code, out, errs := fluxd("check", r.file); code != 0 || strings.Contains(out, "instead") {
		t.Errorf("check of the edited file: %d\n%s%s", code, out, errs)
	}
	if _, out, errs := fluxd("doctor", r.file); strings.Contains(out, "instead") {
		t.Errorf("doctor with the edited file: %s%s", out, errs)
	}
	r.start()
	r.robot.awaits(t, "event=robot_file_edited")
	r.awaits(30, false)
	r.stop()
}

// A folder that cannot be written: the file is refused, and nothing is kept.
func TestAStateDirectoryThatCannotBeWritten(t *testing.T) {
	r := newRemote(t)
	blocked := filepath.Join(r.folder, "blocked")
	if err := os.WriteFile(blocked, nil, 0o600); err != nil { // a file: root is refused, too
		t.Fatal(err)
	}
	r.start("--state", blocked)
	r.does("disarm", protocol.Request{})
	a := r.ask("load_robot", protocol.Request{File: r.text(50), Restart: true})
	if a.Error == nil || !strings.Contains(a.Error.Message, "cannot be kept, and nothing was changed") {
		t.Errorf("%+v", a)
	}
	r.awaits(100, false)
	r.stop()
}

// systemd starts the robot again, which its unit says: the robot ends with an exit code, and does not do it itself.
func TestSystemdStartsTheRobotAgain(t *testing.T) {
	r := newRemote(t)
	socket, err := net.ListenPacket("unixgram", filepath.Join(r.folder, "notify"))
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	t.Setenv("NOTIFY_SOCKET", socket.LocalAddr().String())
	t.Setenv("STATE_DIRECTORY", r.folder+":/nonexistent")
	r.start()
	r.sends(r.text(50))
	if err := r.robot.Wait(); err == nil || r.robot.ProcessState.ExitCode() != exitAgain {
		t.Fatalf("%v\n%s", err, r.robot.logged())
	}
	r.start()
	r.awaits(50, true)
	if code, out, errs := fluxd("halt", r.file); code != 0 || !strings.Contains(out, "no actuators") { // ExecStopPost
		t.Errorf("halt: %d\n%s%s", code, out, errs)
	}
	if code, _, errs := fluxd("run", r.file); code != exitFailure || !strings.Contains(errs, "another fluxd uses this file") {
		t.Errorf("a second robot: %d\n%s", code, errs)
	}
	r.stop()
}

// After a robot that died on trial, halt brings the actuators of both files to failsafe: either may have run last.
func TestHaltKnowsWhichFileRan(t *testing.T) {
	own := write(t, "robot: r\nboard: {kind: sim}\nnetwork: {neurons: {a: {}}}\nactuators:\n"+
		"  old: {device: relay, pin: GPIO5, decode: {kind: count, neuron: a, full: 10 Hz, window: 100ms}}\n")
	text, err := os.ReadFile(own)
	if err != nil {
		t.Fatal(err)
	}
	state := t.TempDir()
	store, err := robotfile.Store(state, own)
	if err != nil {
		t.Fatal(err)
	}
	if err := store.Keep([]byte(strings.Replace(string(text), "old:", "new:", 1)), text, "ann", time.Now(), nil); err != nil {
		t.Fatal(err)
	}
	if code, out, errs := fluxd("halt", "--state", state, own); code != 0 || out != "old: at failsafe\n" {
		t.Errorf("before the trial: %d, %s%s", code, out, errs)
	}
	if c := store.Start(configs.File{Source: own, Text: text}); !c.OnTrial {
		t.Fatalf("%+v", c)
	}
	if code, out, errs := fluxd("halt", "--state", state, own); code != 0 || out != "new, old: at failsafe\n" {
		t.Errorf("during the trial: %d, %s%s", code, out, errs)
	}
	if err := store.Confirm(); err != nil {
		t.Fatal(err)
	}
	if code, out, errs := fluxd("halt", "--state", state, own); code != 0 || out != "new: at failsafe\n" {
		t.Errorf("afterwards: %d, %s%s", code, out, errs)
	}
}

// An actuator that only the file on trial has moves on when the robot is killed, with nobody there to stop it: the next start,
// without that actuator in its file, brings it to failsafe all the same.
func TestAnActuatorOfTheTrialIsBroughtToFailsafe(t *testing.T) {
	r := newRemote(t)
	root, duty := fakeBoard(t)
	text := fmt.Sprintf("robot: tried\nboard: {kind: linux}\nnetwork: {neurons: {beat: {pacemaker: 5ms}}}\nmqtt: {listen: '%s'}\n",
		r.listen)
	if err := os.Remove(r.file); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(r.file, []byte(text), 0o400); err != nil {
		t.Fatal(err)
	}
	r.start("--root", root, "--supervise", "no", "--arm")
	r.sends(text + "actuators:\n  lamp: {device: dimmer, pwm: pwmchip0/0, linear: true, " +
		"decode: {kind: count, neuron: beat, full: 100 Hz, window: 100ms}}\n")
	r.robot.awaits(t, "disarmed, since the robot file is on trial") // whatever --arm says
	waitFor(t, "the robot to be armed", func() bool {
		a, ok := r.once("arm", protocol.Request{}, time.Second)
		return ok && a.Error == nil
	})
	waitFor(t, "the lamp to light", func() bool { return duty() != "0" })
	if err := r.robot.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = r.robot.Wait()
	if duty() == "0" {
		t.Fatal("the lamp is dark: nothing was to bring it to failsafe")
	}
	r.start("--root", root, "--supervise", "no")
	r.robot.awaits(t, "event=rolled_back")
	if got := duty(); got != "0" {
		t.Errorf("the lamp of the file on trial still burns: %s", got)
	}
	r.stop()
}

// A sent file must accept what else is on the command line: tuned values, for a neuron that it does not have any more.
func TestASentFileAndAnOverlay(t *testing.T) {
	r := newRemote(t)
	overlay := filepath.Join(r.folder, "overlay.yaml")
	text := "robot: tried\nrevision: 1\ntuned:\n  network.neurons.a.threshold: 70\n"
	if err := os.WriteFile(overlay, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	r.start("--overlay", overlay)
	r.does("disarm", protocol.Request{})
	a := r.ask("load_robot", protocol.Request{File: strings.Replace(r.text(50), "{a: ", "{b: ", 1)})
	if a.Error == nil || len(a.Error.Mistakes) != 1 || a.Error.Mistakes[0].Line != 0 ||
		!strings.Contains(a.Error.Mistakes[0].Message, "overlay.yaml:4") {
		t.Errorf("%+v", a.Error)
	}
	r.sends(r.text(50))
	r.awaits(70, true)
	r.stop()
}
