package trial

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"fluxd/bridge/protocol"
	"fluxd/configs"
)

// fakeRobot is a robot without a body.
type fakeRobot struct {
	mutex  sync.Mutex
	state  string
	events []string
}

func (r *fakeRobot) State() (state, by string) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	return r.state, "ben"
}

func (r *fakeRobot) is() string {
	state, _ := r.State()
	return state
}

func (r *fakeRobot) becomes(state string) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	r.state = state
}

func (r *fakeRobot) Disarm(who string) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	r.state = "disarmed"
	r.events = append(r.events, "disarmed by "+who)
}

func (r *fakeRobot) Event(kind protocol.EventKind, text string) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	r.events = append(r.events, kind.Code()+": "+text)
}

func (r *fakeRobot) says() string {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	return strings.Join(r.events, "\n")
}

// stage is a machine on which a robot is started again and again.
type stage struct {
	t      *testing.T
	disk   *memory
	own    configs.File
	check  func(ctx context.Context, text []byte) (Checked, error)
	keeper *Keeper
	robot  *fakeRobot
	agains int
	end    func()
}

// start starts the robot, after it has ended.
func (p *stage) start() Choice {
	if p.end != nil {
		p.end()
	}
	store := opened(p.t, p.disk)
	p.robot = &fakeRobot{state: "disarmed"}
	ctx, end := context.WithCancel(p.t.Context())
	p.end = end
	p.keeper = &Keeper{Store: store, Choice: store.Start(p.own),
		Config: &configs.Robot{Name: "own", Tuning: &configs.Tuning{File: tunedName}},
		Own:    func() ([]byte, error) { return p.own.Text, nil },
		Check:  p.check, Again: func() { p.agains++ }, Log: slog.New(slog.DiscardHandler)}
	go p.keeper.Watch(ctx, p.robot)
	synctest.Wait()
	return p.keeper.Choice
}

// asks sends a request, and compares the error.
func (p *stage) asks(r protocol.Request, refused string) *protocol.RobotFile {
	p.t.Helper()
	f, err := p.keeper.LoadRobot(p.t.Context(), "ann", r)
	var warning protocol.Warning
	if errors.As(err, &warning) {
		err = nil
	}
	if refused == "" && err != nil || refused != "" && (err == nil || !strings.Contains(err.Error(), refused)) {
		p.t.Errorf("%+v: %v; expected %q", r, err, refused)
	}
	return f
}

func newStage(t *testing.T) *stage {
	return &stage{t: t, disk: &memory{files: map[string]string{tunedName: "old"}}, own: ownFile,
		check: func(context.Context, []byte) (Checked, error) { return Checked{}, nil }}
}

// Ten minutes without a confirmation: the robot is reminded of it a minute before, then disarms, also if it was armed, and starts
// again with the file before.
func TestNobodyConfirms(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newStage(t)
		p.start()
		p.asks(protocol.Request{File: "robot: A"}, "")
		p.start()
		f := p.asks(protocol.Request{}, "")
		if !f.Trial || f.Runs == nil || f.Runs.By != "ann" || f.Left != protocol.Seconds(Length) || !p.keeper.OnTrial() {
			t.Fatalf("%+v", f)
		}
		p.robot.becomes("armed")
		time.Sleep(Length - warning - time.Second)
		if said := p.robot.says(); strings.Count(said, "on_trial") != 1 {
			t.Errorf("before the last minute: %s", said)
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if said := p.robot.says(); strings.Count(said, "on_trial") != 2 || !strings.Contains(said, "1m0s are left") {
			t.Errorf("in the last minute: %s", said)
		}
		time.Sleep(warning - 2*time.Second)
		synctest.Wait()
		if p.agains != 0 || p.robot.is() != "armed" {
			t.Error("the trial is over too early")
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if p.agains != 1 || p.robot.is() != "disarmed" || !strings.Contains(p.robot.says(), "disarmed by the end of the trial") {
			t.Errorf("started again %d times; %s", p.agains, p.robot.says())
		}
		p.asks(protocol.Request{Confirm: true}, "nothing to confirm")
		if c := p.start(); c.OnTrial || string(c.Text) != "robot: own" {
			t.Errorf("runs %q", c.Text)
		}
		if said := p.robot.says(); !strings.Contains(said, "rolled_back") ||
			!strings.Contains(said, "nobody has confirmed it within 10m0s") {
			t.Errorf("afterwards: %s", said)
		}
		p.end()
	})
}

// A file that is confirmed runs for good.
func TestSomebodyConfirms(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newStage(t)
		p.start()
		p.asks(protocol.Request{Confirm: true}, "nothing to confirm")
		p.asks(protocol.Request{Back: true}, "nothing to go back to")
		f := p.asks(protocol.Request{File: "robot: A", Restart: true}, "")
		if f.Waits == nil || !f.Restart {
			t.Errorf("%+v", f)
		}
		p.asks(protocol.Request{File: "robot: B"}, "starting or ending")
		time.Sleep(time.Second)
		synctest.Wait()
		if p.agains != 1 {
			t.Errorf("started again %d times", p.agains)
		}
		p.start()
		p.asks(protocol.Request{File: "robot: B"}, "on trial: confirm it, or go back")
		time.Sleep(Length - time.Second)
		p.robot.becomes("armed") // somebody tries it
		p.disk.full = true
		p.asks(protocol.Request{Confirm: true}, "it stays on trial")
		p.disk.full = false
		if f := p.asks(protocol.Request{Confirm: true}, ""); f.Trial {
			t.Errorf("%+v", f)
		}
		time.Sleep(2 * Length)
		synctest.Wait()
		if p.agains != 1 || p.robot.is() != "armed" || p.keeper.OnTrial() {
			t.Error("a confirmed file is still on trial")
		}
		if c := p.start(); string(c.Text) != "robot: A" || c.OnTrial {
			t.Errorf("runs %q", c.Text)
		}
		p.asks(protocol.Request{File: "robot: A"}, "runs this file already")
		p.asks(protocol.Request{Back: true}, "")
		time.Sleep(time.Second)
		if c := p.start(); string(c.Text) != "robot: own" {
			t.Errorf("after going back it runs %q", c.Text)
		}
		p.end()
	})
}

// A file is accepted only while the robot is disarmed, also at the end of the check, and only without mistakes.
func TestRefusedFiles(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newStage(t)
		p.start()
		for state, refused := range map[string]string{"armed": "disarm it first", "stopped": "stopped by ben"} {
			p.robot.becomes(state)
			for _, r := range []protocol.Request{{File: "robot: A"}, {Restart: true}, {Back: true}} {
				p.asks(r, refused)
			}
			p.asks(protocol.Request{}, "")
		}
		p.robot.becomes("disarmed")
		p.asks(protocol.Request{File: "robot: A", Confirm: true}, "expected one of")
		p.asks(protocol.Request{Confirm: true, Restart: true}, "expected it with file, or alone")
		p.keeper.Check = func(context.Context, []byte) (Checked, error) {
			p.robot.becomes("armed")
			return Checked{}, nil
		}
		p.asks(protocol.Request{File: "robot: A"}, "the robot is armed")
		p.robot.becomes("disarmed")
		p.keeper.Check = func(context.Context, []byte) (Checked, error) { return Checked{}, errors.New("killed") }
		p.asks(protocol.Request{File: "robot: A"}, "cannot be checked: killed")
		p.keeper.Check = func(context.Context, []byte) (c Checked, err error) {
			for i := range protocol.MaxMistakes + 1 {
				c.Mistakes = append(c.Mistakes, protocol.Mistake{Line: i})
			}
			return c, nil
		}
		_, err := p.keeper.LoadRobot(t.Context(), "ann", protocol.Request{File: "robot: A"})
		var refusal *protocol.Error
		if !errors.As(err, &refusal) || refusal.Code != protocol.InvalidFile || len(refusal.Mistakes) != protocol.MaxMistakes ||
			!strings.Contains(refusal.Message, fmt.Sprint(protocol.MaxMistakes+1)) {
			t.Errorf("%+v", err)
		}
		p.keeper.Check = p.check
		p.disk.full = true
		p.asks(protocol.Request{File: "robot: A"}, "no space left")
		p.disk.full = false
		if len(p.disk.files) != 1 {
			t.Errorf("something was kept: %q", p.disk.files)
		}
		if c := p.start(); c.OnTrial {
			t.Error("on trial")
		}
		p.end()
	})
}

// A file that waits can be replaced, and withdrawn.
func TestAFileThatWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newStage(t)
		p.start()
		p.asks(protocol.Request{File: "robot: A"}, "")
		f := p.asks(protocol.Request{File: "robot: B"}, "")
		if f.Waits == nil || f.Waits.SHA256 != Sum([]byte("robot: B")) {
			t.Errorf("%+v", f)
		}
		p.asks(protocol.Request{Back: true}, "")
		if c := p.start(); string(c.Text) != "robot: own" || p.agains != 0 {
			t.Errorf("runs %q", c.Text)
		}
		p.asks(protocol.Request{File: "robot: A"}, "")
		p.start()
		p.asks(protocol.Request{Back: true}, "")
		time.Sleep(time.Second)
		synctest.Wait()
		if c := p.start(); string(c.Text) != "robot: own" || p.agains != 1 || !strings.Contains(p.robot.says(), "ann went back") {
			t.Errorf("runs %q; %s", c.Text, p.robot.says())
		}
		p.end()
	})
}

// Before the robot runs, requests are refused: nobody knows its state yet.
func TestRequestsBeforeTheRobotRuns(t *testing.T) {
	p := newStage(t)
	store := opened(t, p.disk)
	k := &Keeper{Store: store, Choice: store.Start(p.own), Check: p.check}
	if _, err := k.LoadRobot(t.Context(), "ann", protocol.Request{File: "robot: A"}); err == nil ||
		!strings.Contains(err.Error(), "starting or ending") {
		t.Error(err)
	}
}
