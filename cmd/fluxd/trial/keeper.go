package trial

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"fluxd/bridge/protocol"
	"fluxd/configs"
)

// Length is how long a robot file may run without being confirmed.
const Length = 10 * time.Minute

// warning is how long before the end of a trial it is reported again.
const warning = time.Minute

// answerTime is how long a robot waits before it starts again, so that the answer to the request leaves before.
const answerTime = 300 * time.Millisecond

// Robot is what a Keeper needs of the robot that runs.
type Robot interface {
	State() (state, by string) // "armed", "disarmed" or "stopped", and by whom
	Disarm(who string)
	Event(kind protocol.EventKind, text string)
}

// Checked is what a check of a sent file has found.
type Checked struct {
	Mistakes []protocol.Mistake `json:"mistakes,omitempty"`
	Warnings []string           `json:"warnings,omitempty"`
}

// A Keeper answers the verb load_robot, and ends a trial that nobody confirms. Set its exported fields before any other use. It
// may be used from any goroutine.
type Keeper struct {
	Store  *Store
	Choice Choice
	Own    func() ([]byte, error)                                  // the text of the robot's own file as it is now
	Config *configs.Robot                                          // that runs
	Check  func(ctx context.Context, text []byte) (Checked, error) // finds what would keep a file from running
	Again  func()                                                  // ends the robot in order, and starts it again; never waits
	Length time.Duration                                           // of a trial; 0: Length
	Log    *slog.Logger

	mutex sync.Mutex
	robot Robot         // nil until Watch
	since time.Time     // when the trial began, with its monotonic time
	ended chan struct{} // closed when the trial was confirmed
	tried bool          // the file is on trial
	over  bool          // the robot is about to start again
}

// length returns how long the trial takes.
func (k *Keeper) length() time.Duration {
	if k.Length > 0 {
		return k.Length
	}
	return Length
}

// OnTrial reports whether the robot file is on trial.
func (k *Keeper) OnTrial() bool {
	k.mutex.Lock()
	defer k.mutex.Unlock()
	return k.tried || k.robot == nil && k.Choice.OnTrial
}

// Watch reports how the file was chosen, and during a trial waits for its end, or for that of the context. It uses the monotonic
// clock: a machine without a battery may set its clock meanwhile.
func (k *Keeper) Watch(ctx context.Context, robot Robot) {
	k.mutex.Lock()
	k.robot, k.since, k.ended, k.tried = robot, time.Now(), make(chan struct{}), k.Choice.OnTrial
	for _, n := range k.Choice.News {
		k.report(n)
	}
	if k.tried {
		text := fmt.Sprintf("%s, sent by %s: the robot returns to the file before in %v, unless an operator confirms it",
			k.Choice.Sent.SHA256[:12], k.Choice.Sent.By, k.length())
		robot.Event(protocol.OnTrial, text)
		k.Log.Warn("the robot file is on trial: "+text, "confirm", "fluxctl load-robot --confirm")
	}
	k.mutex.Unlock()
	if !k.Choice.OnTrial {
		return
	}
	if early := k.length() - warning; early > 0 && k.wait(ctx, early) {
		k.mutex.Lock()
		text := fmt.Sprintf("%v are left: then the robot disarms, and returns to the file before", warning)
		robot.Event(protocol.OnTrial, text)
		k.Log.Warn("the robot file is still on trial: "+text, "confirm", "fluxctl load-robot --confirm")
		k.mutex.Unlock()
	}
	if k.wait(ctx, k.length()) {
		k.end(fmt.Sprintf("nobody has confirmed it within %v", k.length()))
	}
}

// wait waits until some time of the trial has passed. It returns false if the context or the trial ends before.
func (k *Keeper) wait(ctx context.Context, until time.Duration) bool {
	timer := time.NewTimer(until - time.Since(k.since))
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-k.ended:
	case <-ctx.Done():
	}
	return false
}

// end ends a trial that was not confirmed: the actuators go to failsafe, as at any stop, and then the robot starts again.
func (k *Keeper) end(why string) {
	k.mutex.Lock()
	defer k.mutex.Unlock()
	if !k.tried || k.over {
		return
	}
	k.over = true
	k.robot.Disarm("the end of the trial")
	k.robot.Event(protocol.OnTrial, "over: "+why+"; the robot starts again with the file before")
	if err := k.Store.Over(why); err != nil {
		k.Log.Error("the reason for the end of the trial cannot be written", "error", err)
	}
	k.Log.Warn("the trial is over: the robot starts again with the file before", "why", why)
	k.Again()
}

// report sends an event about the choice of the file, and logs it.
func (k *Keeper) report(n News) {
	switch n.Code {
	case protocol.RolledBack.Code():
		k.robot.Event(protocol.RolledBack, n.Text)
	case protocol.RobotFileEdited.Code():
		k.robot.Event(protocol.RobotFileEdited, n.Text)
	default:
		k.robot.Event(protocol.SaveFailed, n.Text)
	}
	k.Log.Warn(n.Text, "event", n.Code)
}

// LoadRobot implements bridge.Loader.
func (k *Keeper) LoadRobot(ctx context.Context, user string, r protocol.Request) (*protocol.RobotFile, error) {
	asked := 0
	for _, one := range []bool{r.File != "", r.Confirm, r.Back} {
		if one {
			asked++
		}
	}
	switch {
	case asked > 1:
		return nil, &protocol.Error{Code: protocol.Malformed, Message: "expected one of file, confirm and back"}
	case r.Restart && (r.Confirm || r.Back):
		return nil, &protocol.Error{Code: protocol.Malformed, Path: "restart", Message: "expected it with file, or alone"}
	}
	var checked Checked
	if r.File != "" {
		if err := k.mayLoad(r.File); err != nil {
			return nil, err
		}
		var err error
		if checked, err = k.Check(ctx, []byte(r.File)); err != nil { // it may take seconds: without the mutex
			return nil, fmt.Errorf("the robot file cannot be checked: %w", err)
		}
		if n := len(checked.Mistakes); n > 0 {
			text := "the robot file has a mistake"
			if n > 1 {
				text = fmt.Sprintf("the robot file has %d mistakes", n)
			}
			return nil, &protocol.Error{Code: protocol.InvalidFile, Message: text + ": nothing was changed",
				Mistakes: checked.Mistakes[:min(n, protocol.MaxMistakes)]}
		}
	}
	k.mutex.Lock()
	defer k.mutex.Unlock()
	var err error
	switch {
	case r.File != "":
		err = k.keep(user, r)
	case r.Confirm:
		err = k.confirm(user)
	case r.Back:
		err = k.back(user)
	case r.Restart:
		if err = k.atRest(); err == nil {
			k.again()
		}
	}
	if err != nil {
		return nil, err
	}
	state := k.state()
	if n := len(checked.Warnings); n > 0 {
		const most = 5
		text := strings.Join(checked.Warnings[:min(n, most)], "; ")
		if n > most {
			text += fmt.Sprintf("; and %d more", n-most)
		}
		return state, protocol.Warning(text)
	}
	return state, nil
}

func notAllowed(format string, args ...any) error {
	return &protocol.Error{Code: protocol.NotAllowed, Message: fmt.Sprintf(format, args...)}
}

// mayLoad refuses a file that cannot be kept now, whatever it contains.
func (k *Keeper) mayLoad(text string) error {
	k.mutex.Lock()
	defer k.mutex.Unlock()
	if err := k.atRest(); err != nil {
		return err
	}
	if k.tried {
		return notAllowed("a robot file is on trial: confirm it, or go back, before you send another one")
	}
	if Sum([]byte(text)) == Sum(k.Choice.Text) {
		return notAllowed("the robot runs this file already")
	}
	return nil
}

// atRest returns an error unless the robot is disarmed.
func (k *Keeper) atRest() error {
	if k.robot == nil || k.over {
		return &protocol.Error{Code: protocol.Busy, Message: "the robot is starting or ending: try again in a moment"}
	}
	switch state, by := k.robot.State(); state {
	case "armed":
		return notAllowed("the robot is armed: disarm it first")
	case "stopped":
		return notAllowed("the robot was stopped by %s: disarm it first, to say that you have seen it", by)
	}
	return nil
}

// keep keeps a file that was checked.
func (k *Keeper) keep(user string, r protocol.Request) error {
	if err := k.atRest(); err != nil { // it may have changed during the check
		return err
	}
	own, err := k.Own()
	if err != nil { // it was there at the start
		own = nil
		if k.Choice.Sent == nil {
			own = k.Choice.Text
		}
	}
	if err := k.Store.Keep([]byte(r.File), own, user, time.Now(), Keeps(k.Config)); err != nil {
		return fmt.Errorf("the robot file cannot be kept, and nothing was changed: %w", err)
	}
	when := "it is tried at the next start"
	if r.Restart {
		when = "it is tried now"
		k.again()
	}
	text := fmt.Sprintf("%s, sent by %s: %s", k.Store.record.Next.SHA256[:12], user, when)
	k.robot.Event(protocol.RobotFileKept, text)
	k.Log.Info("a robot file is kept: "+text, "folder", k.Store.folder)
	return nil
}

func (k *Keeper) confirm(user string) error {
	if !k.tried || k.over {
		return notAllowed("no robot file is on trial: there is nothing to confirm")
	}
	if err := k.Store.Confirm(); err != nil {
		return fmt.Errorf("it cannot be written that the robot file is good, so it stays on trial: %w", err)
	}
	k.tried = false
	close(k.ended)
	k.robot.Event(protocol.TrialConfirmed, fmt.Sprintf("%s, by %s", k.Choice.Sent.SHA256[:12], user))
	k.Log.Info("the robot file is confirmed", "by", user)
	return nil
}

func (k *Keeper) back(user string) error {
	if err := k.atRest(); err != nil {
		return err
	}
	why := user + " went back to the file before"
	switch r := k.Store.record; {
	case k.tried:
		if err := k.Store.Over(why); err != nil {
			return err
		}
	case r.Next != nil && !r.Trial:
		name := r.Next.SHA256[:12]
		if err := k.Store.Withdraw(); err != nil {
			return err
		}
		k.robot.Event(protocol.RobotFileKept, name+" was withdrawn by "+user)
		k.Log.Info("the robot file that waited was withdrawn", "by", user)
		return nil
	case r.Runs != nil && k.Choice.Sent != nil:
		if err := k.Store.Return(why); err != nil {
			return err
		}
	default:
		return notAllowed("the robot runs %s, and no other file waits: there is nothing to go back to", k.Store.own)
	}
	k.Log.Warn("the robot starts again with the file before", "by", user)
	k.again()
	return nil
}

// again starts the robot again, a moment later.
func (k *Keeper) again() {
	k.over = true
	time.AfterFunc(answerTime, k.Again)
}

// state returns which file runs.
func (k *Keeper) state() *protocol.RobotFile {
	r := k.Store.record
	s := &protocol.RobotFile{Own: k.Store.own, Runs: k.Choice.Sent, Trial: k.tried, Last: r.Last, Folder: k.Store.folder,
		Restart: k.over}
	if k.tried {
		s.Left = protocol.Seconds(max(0, k.length()-time.Since(k.since)))
	}
	if r.Next != nil && !r.Trial {
		s.Waits = &r.Next.SentFile
	}
	return s
}

// Keeps returns the absolute paths of the files of learnt weights and tuned values that a robot keeps.
func Keeps(c *configs.Robot) (all []string) {
	if c.Learnt != nil {
		all = append(all, absolute(c.Learnt.File))
	}
	if c.Tuning != nil {
		all = append(all, absolute(c.Tuning.File))
	}
	slices.Sort(all)
	return all
}
