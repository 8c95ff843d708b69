package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"

	"fluxd/cmd/fluxd/hardware"
	"fluxd/cmd/fluxd/machine"
	"fluxd/configs"
	"fluxd/configs/circuits"
	"fluxd/core"
)

// A process that is killed, or that the kernel ends for want of memory, cannot bring its actuators to failsafe, and the hardware goes
// on with the last command. So on a real board the robot lives in a child process, and its small parent does it when the child is
// gone. When the parent is killed, the child notices and ends in order. Only when both are killed at the same moment nobody is left:
// against that, and against a machine that hangs, there are systemd and the hardware watchdog.

// supervised is the environment variable that tells a child that it is one.
const supervised = "FLUXD_SUPERVISED"

// The files that a child has beside the standard ones.
const (
	parentFile = 3 // to read from; its end is the end of the parent
	signsFile  = 4 // to write signs of life to
)

// childError is the end of a child that was not in order.
type childError struct {
	code int
	how  string
}

func (e *childError) Error() string { return "the robot's process ended: " + e.how }

// supervises says whether this process is to be the parent of the robot's.
func supervises(mode string, config *configs.Robot) (bool, error) {
	if os.Getenv(supervised) != "" {
		return false, nil // it is the child
	}
	switch mode {
	case "yes":
		return true, nil
	case "no":
		return false, nil
	case "auto":
		underSystemd := os.Getenv("NOTIFY_SOCKET") != "" // whose ExecStopPost does the same
		return config.Board.Kind != "sim" && !underSystemd && runtime.GOOS != "windows", nil
	}
	return false, fmt.Errorf("%w: --supervise %s: expected auto, yes or no", errUsage, mode)
}

// supervise runs this very command line in a child process, and brings the actuators to failsafe when that ends in any other way than
// in order.
func supervise(ctx context.Context, config *configs.Robot, opts hardware.Options, cmd *cobra.Command, stops <-chan os.Signal) error {
	exe, err := os.Executable()
	if err != nil {
		return fmt.Errorf("supervise: %w", err)
	}
	childsEnd, ours, err := os.Pipe()
	if err != nil {
		return fmt.Errorf("supervise: %w", err)
	}
	signs, childsSigns, err := os.Pipe()
	if err != nil {
		return fmt.Errorf("supervise: %w", err)
	}
	defer signs.Close()
	defer ours.Close() // closed by the kernel too, when this process is killed: that is what the child waits for
	child := exec.Command(exe, os.Args[1:]...)
	child.Stdin, child.Stdout, child.Stderr = os.Stdin, under(cmd.OutOrStdout()), cmd.ErrOrStderr()
	child.ExtraFiles = []*os.File{childsEnd, childsSigns}
	child.Env = append(os.Environ(), supervised+"=1")
	if err := child.Start(); err != nil {
		return fmt.Errorf("supervise: %w", err)
	}
	childsEnd.Close()
	childsSigns.Close()
	config.Written, config.Circuits, config.Network, config.Index = circuits.Network{}, nil, core.Description{}, nil // stay small: actuators are all that is needed here
	stopped := forward(ctx, child.Process, stops)
	w := watch(ctx, child.Process.Kill, signs, opts.Log)
	err = child.Wait()
	stopped()
	moved := w.end()
	if err == nil {
		return nil
	}
	how := &childError{code: exitFailure, how: err.Error()}
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() > 0 {
		how.code = exit.ExitCode()
	}
	if !moved && how.code == exitFailure {
		return how // it could not start, has said why, and has let go of all by itself
	}
	opts.Log.Error("the robot's process has died: bringing actuators to failsafe", "how", err)
	if err := hardware.Halt(config, opts); err != nil {
		opts.Log.Error("some actuators are NOT at failsafe: take the power off", "error", err)
	} else {
		opts.Log.Info("actuators are at failsafe")
	}
	return how
}

// missedSigns is how many signs of life a robot may miss before it counts as dead: that is about as long as WatchdogSec in deploy/fluxd.service.
const missedSigns = 4

// watcher follows the signs of life of a robot. A process that was suspended, by kill -STOP or a debugger, or that hangs as a whole, does nothing
// about its actuators, and does not end either.
type watcher struct {
	moved atomic.Bool   // the robot's actuators may have
	heard chan struct{} // closed when moved is decided: whoever could give a sign has ended
	ended chan struct{}
}

// watch kills a robot's process that gives no more signs of life after it has begun to move, or that takes too long to end in order, as it does by
// itself or is asked to by the end of the context.
func watch(ctx context.Context, kill func() error, signs io.Reader, log *slog.Logger) *watcher {
	w := &watcher{heard: make(chan struct{}), ended: make(chan struct{})}
	came := make(chan machine.Sign)
	go func() {
		defer close(w.heard)
		for one := make([]byte, 1); ; {
			if n, _ := signs.Read(one); n == 0 {
				return
			}
			w.moved.Store(true)
			select {
			case came <- machine.Sign(one[0]):
			case <-w.ended:
			}
		}
	}()
	go func() {
		asked := ctx.Done()
		var looks, late <-chan time.Time
		missed := 0
		for {
			select {
			case <-w.ended:
				return
			case s := <-came:
				missed = 0
				switch s {
				case machine.Moving:
					ticker := time.NewTicker(machine.SignEvery)
					defer ticker.Stop()
					looks = ticker.C
				case machine.Ending:
					asked, looks, late = nil, nil, time.After(haltPatience)
				}
			case <-asked:
				asked, late = nil, time.After(haltPatience)
			case <-looks: // counted, not timed: when the whole machine was suspended, one is missed and no more
				if missed++; missed > missedSigns {
					log.Error("the robot's process gives no sign of life: killing it", "for", time.Duration(missed)*machine.SignEvery)
					_ = kill() // it may have ended meanwhile
					return
				}
			case <-late:
				log.Error("the robot's process does not end: killing it", "after", haltPatience)
				_ = kill()
				return
			}
		}
	}()
	return w
}

// end is called when the child has ended. It returns whether its actuators may have moved.
func (w *watcher) end() bool {
	close(w.ended)
	select {
	case <-w.heard:
		return w.moved.Load()
	case <-time.After(time.Second):
		return true // somebody holds the pipe who should not: rather once too often
	}
}

// haltPatience is how long a child may take to end in order.
const haltPatience = 10 * time.Second

// orphaned returns a context that ends when the parent does, if there is one.
func orphaned(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	if os.Getenv(supervised) == "" {
		return ctx, cancel
	}
	keepFromChildren(parentFile)
	parent := os.NewFile(parentFile, "parent")
	go func() {
		_, _ = io.Copy(io.Discard, parent) // nothing is ever written: it ends when the other end is closed
		cancel()
	}()
	return ctx, cancel
}

// tellParent returns what tells the parent of the robot, nil if there is no parent. It does not wait: signs that the parent does not take are
// dropped.
func tellParent() func(machine.Sign) {
	if os.Getenv(supervised) == "" {
		return nil
	}
	keepFromChildren(signsFile)
	parent := os.NewFile(signsFile, "parent")
	tell := func(s machine.Sign) { _, _ = parent.Write([]byte{byte(s)}) } // a parent that has gone is noticed elsewhere
	later := make(chan machine.Sign, 4)
	go func() {
		for s := range later {
			tell(s)
		}
	}()
	return func(s machine.Sign) {
		if s == machine.Moving { // the parent must know before anything moves; it is the first, for which there is room
			tell(s)
			return
		}
		select {
		case later <- s:
		default:
		}
	}
}

func haltCommand(log func(io.Writer) *slog.Logger) *cobra.Command {
	var root string
	c := &cobra.Command{
		Use:   "halt ROBOT",
		Short: "Bring a robot's actuators to failsafe",
		Long: `Bring a robot's actuators to failsafe, and nothing else: for systemd's ExecStopPost, after a daemon that died in whatever way, and
for whoever finds a robot that moves and should not. Every actuator is tried, also when others fail.

It must not run beside a daemon that lives: that would go on commanding. Use fluxctl estop for that.`,
		Example:           "  fluxd halt robot.yaml",
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: examples,
		RunE: func(cmd *cobra.Command, args []string) error {
			config, err := load(cmd.Context(), args)
			if err != nil {
				return err
			}
			outlive(cmd.Context())
			return hardware.Halt(config, hardware.Options{Root: root, Log: log(cmd.ErrOrStderr())})
		},
	}
	rootFlag(c, &root)
	return c
}

// rootFlag lets tests, and whoever works in a change-rooted tree, say where the hardware is.
func rootFlag(c *cobra.Command, root *string) {
	c.Flags().StringVar(root, "root", "/", "folder under which /dev, /sys and /proc are found")
	if err := c.Flags().MarkHidden("root"); err != nil {
		panic(err) // it was defined a line above
	}
}
