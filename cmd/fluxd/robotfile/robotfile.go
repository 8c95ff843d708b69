// Package robotfile chooses the robot file that a command uses: the robot's own, on the command line, or one that was sent to the
// robot (package trial). It also starts a robot again when its file changes.
//
//	run := &robotfile.Run{Own: "/etc/fluxd/robot.yaml", State: robotfile.State("")}
//	err := run.Choose(ctx, hardware.Options{Log: log})
//	running, watch := run.Accept(ctx, &opts) // opts.Started calls watch
//	err = run.After(ctx, daemon.Run(running, run.Config, opts), log)
//	if errors.Is(err, robotfile.ErrAgain) { ... }
package robotfile

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"fluxd/cmd/fluxd/daemon"
	"fluxd/cmd/fluxd/hardware"
	"fluxd/cmd/fluxd/logs"
	"fluxd/cmd/fluxd/machine"
	"fluxd/cmd/fluxd/trial"
	"fluxd/configs"
)

// ErrAgain ends a command that is to be started again, with the robot file that is chosen then.
var ErrAgain = errors.New("the robot starts again, with another robot file")

// State returns the folder that keeps sent files: the one that is given, that of systemd, or the working directory.
func State(given string) string {
	if given != "" {
		return given
	}
	first, _, _ := strings.Cut(os.Getenv("STATE_DIRECTORY"), ":")
	if first != "" {
		return first
	}
	return "."
}

// Store opens the store of sent files of a robot; nil for a robot file that cannot be read twice, such as a pipe.
func Store(state, own string) (*trial.Store, error) {
	if path, err := filepath.Abs(own); err != nil || strings.HasPrefix(path, "/dev/") || strings.HasPrefix(path, "/proc/") {
		return nil, nil
	}
	return trial.Open(state, own)
}

// A Run is a robot that may get another robot file while it runs. Set its first fields before Choose.
type Run struct {
	Own      string // the name of its own file
	State    string // see State
	Passed   string // what HandOver of the parent process has returned; "": there is no parent
	Changes  configs.Changes
	Overlays []string
	Length   time.Duration        // of a trial
	Apart    *syscall.SysProcAttr // for a process that no signal of the terminal reaches

	Config *configs.Robot // set by Choose, from then on

	store  *trial.Store // nil: the robot accepts no files
	choice trial.Choice
	ended  atomic.Bool // to be started again
}

// handed is what a parent process passes on to the robot's process.
type handed struct {
	Sum  string       `json:"sum"` // of the text of the file that runs
	News []trial.News `json:"news,omitempty"`
}

// Choose chooses and reads the robot file that runs. In a robot's process below a parent it is the one that the parent has
// chosen.
func (s *Run) Choose(ctx context.Context, opts hardware.Options) error {
	own, err := Await(ctx, func() (configs.File, error) { return configs.Read(s.Own) })
	if err != nil {
		return err
	}
	s.choice = trial.Choice{File: own}
	if s.store, err = Store(s.State, s.Own); err != nil {
		logs.Of(opts.Log, "trial").Error("the robot files that were sent cannot be used: the robot runs its own", "error", err)
	}
	if s.store == nil {
		return s.read(ctx)
	}
	if s.Passed != "" {
		var from handed
		var known bool
		if err := json.Unmarshal([]byte(s.Passed), &from); err != nil {
			return fmt.Errorf("what the parent process has passed on: %w", err)
		}
		if s.choice, known = s.store.Running(own, from.Sum); !known {
			return errors.New("the robot file has changed while fluxd was starting: start it again")
		}
		s.choice.News = from.News
		return s.read(ctx)
	}
	if err := s.store.Lock(); err != nil {
		return err
	}
	s.choice = s.store.Start(own)
	err = s.read(ctx)
	if s.choice.OnTrial && err != nil && ctx.Err() == nil {
		why, _, _ := strings.Cut(err.Error(), "\n")
		if err := s.store.Over("it has mistakes now: " + why); err != nil {
			logs.Of(opts.Log, "trial").Error("the end of a trial cannot be written", "error", err)
		}
		s.choice = s.store.Start(own)
		err = s.read(ctx)
	}
	if err == nil {
		s.halt(opts)
	}
	return err
}

// read reads the chosen file.
func (s *Run) read(ctx context.Context) (err error) {
	s.Config, err = Await(ctx, func() (*configs.Robot, error) { return Parse(s.choice.File, s.Changes) })
	return err
}

// halt brings the actuators of another file that may have run last to failsafe: they may be at other pins.
func (s *Run) halt(opts hardware.Options) {
	for _, f := range s.choice.Ran {
		if bytes.Equal(f.Text, s.choice.Text) {
			continue
		}
		config, err := f.Parse(s.Changes)
		if err == nil && config.Board.Kind != "sim" {
			err = hardware.Halt(config, opts)
		}
		if err != nil {
			logs.Of(opts.Log, "trial").Error("some actuators of the robot file that ran last may NOT be at failsafe",
				"file", f.Source, "error", err)
		}
	}
}

// Last reads the robot files that may have run last: the robot's own, or one that was sent to it. If one cannot be read, the
// log says so; without any it is an error.
func Last(ctx context.Context, state, name string, log *slog.Logger) (all []*configs.Robot, err error) {
	own, err := Await(ctx, func() (configs.File, error) { return configs.Read(name) })
	if err != nil {
		return nil, err
	}
	ran := []configs.File{own}
	if store, failed := Store(state, name); failed != nil {
		log.Error("the robot files that were sent cannot be used", "error", failed)
	} else if store != nil {
		ran = store.Last(own)
	}
	for _, f := range ran {
		config, failed := Parse(f, configs.Changes{})
		if failed != nil {
			err = errors.Join(err, failed)
			continue
		}
		all = append(all, config)
	}
	if all == nil {
		return nil, err
	}
	if err != nil {
		log.Error("a robot file that may have run last cannot be used", "error", err)
	}
	return all, nil
}

// HandOver returns what the robot's process needs, for its Passed.
func (s *Run) HandOver() string {
	text, err := json.Marshal(handed{trial.Sum(s.choice.Text), s.choice.News})
	if err != nil {
		panic(err) // impossible: they are texts
	}
	return string(text)
}

// Accept lets a robot accept files, and returns a context that ends when it must be started again.
func (s *Run) Accept(ctx context.Context, opts *daemon.RunOptions) (context.Context, func(*daemon.Robot)) {
	if s.store == nil {
		return ctx, func(*daemon.Robot) {}
	}
	ctx, end := context.WithCancel(ctx)
	keeper := &trial.Keeper{
		Store: s.store, Choice: s.choice, Config: s.Config, Check: s.check, Length: s.Length, Log: logs.Of(opts.Log, "trial"),
		Own: func() ([]byte, error) {
			f, err := configs.Read(s.Own)
			return f.Text, err
		},
		Again: func() {
			s.ended.Store(true)
			end()
		},
	}
	opts.Loader, opts.OnTrial = keeper, keeper.OnTrial
	return ctx, func(r *daemon.Robot) { go keeper.Watch(ctx, r) } // it ends with the context
}

// After returns the error with which the command ends, after a robot that ended with err. A robot that does not come up with a
// file on trial starts again without it, by itself.
func (s *Run) After(ctx context.Context, err error, log *slog.Logger) error {
	switch {
	case s.ended.Load():
		if err != nil {
			log.Error("the robot has ended", "error", err)
		}
		return ErrAgain
	case err == nil || s.store == nil || ctx.Err() != nil || !s.store.Tried():
		return err
	}
	if failed := s.store.Over("the robot has not come up with it: " + err.Error()); failed != nil {
		log.Error("the end of a trial cannot be written", "error", failed)
	}
	log.Error("the robot does not come up with the robot file on trial: it starts again with the file before", "error", err)
	return ErrAgain
}

// check finds the mistakes of a sent file in a process for that alone.
func (s *Run) check(ctx context.Context, text []byte) (found trial.Checked, err error) {
	exe, err := os.Executable()
	if err != nil {
		return found, err
	}
	question, err := json.Marshal(trial.Question{Text: text, Own: s.Own, Name: s.Config.Name, Places: trial.Places(s.Config),
		Folder: s.store.Folder(), Changes: s.Changes, Overlays: s.Overlays})
	if err != nil {
		return found, err
	}
	var answer, problems bytes.Buffer
	ended := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // the thread ends with the goroutine, and the robot's priority with it
		if err := machine.LeaveRealtime(); err != nil {
			ended <- err
			return
		}
		c := exec.CommandContext(ctx, exe, CheckSent)
		c.Stdin, c.Stdout, c.Stderr = bytes.NewReader(question), &answer, &problems
		c.SysProcAttr = s.Apart
		c.WaitDelay = time.Second
		ended <- c.Run()
	}()
	if err := <-ended; err != nil {
		if ctx.Err() != nil {
			return found, errors.New("it takes too long")
		}
		last := strings.TrimSpace(problems.String())
		return found, fmt.Errorf("%w: %s", err, last[:min(len(last), 500)])
	}
	return found, json.Unmarshal(answer.Bytes(), &found)
}

// CheckSent is the name of the command that checks a sent file: the program has to call Check then.
const CheckSent = "check-sent"

// Check answers the question of a robot that was sent a file. It belongs to a process for that alone.
func Check(ctx context.Context, question io.Reader, answer io.Writer) error {
	machine.EndFirst()
	text, err := io.ReadAll(question)
	if err != nil {
		return err
	}
	var q trial.Question
	if err := json.Unmarshal(text, &q); err != nil {
		return err
	}
	tuned, err := Overlays(ctx, q.Overlays)
	if err != nil {
		return err
	}
	found, err := trial.Check(q, func(f configs.File) (*configs.Robot, configs.Errors, error) {
		config, err := Parse(f, q.Changes)
		if err != nil {
			return nil, nil, err
		}
		warnings, err := daemon.Check(config, tuned...)
		return config, append(config.Warnings, warnings...), err
	})
	if err != nil {
		return err
	}
	return json.NewEncoder(answer).Encode(found)
}
