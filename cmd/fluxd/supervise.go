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
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"

	"fluxd/cmd/fluxd/hardware"
	"fluxd/cmd/fluxd/machine"
	"fluxd/cmd/fluxd/robotfile"
	"fluxd/cmd/internal/usage"
	"fluxd/configs"
	"fluxd/configs/circuits"
	"fluxd/core"
)

// A process that is killed, or ended by the kernel because memory is short, cannot bring its actuators to failsafe, and the
// hardware continues with the last command. Therefore, on a real board, the robot runs in a child process. When the child is
// gone, its small parent brings the actuators to failsafe. When the parent is killed, the child notices and shuts down. If both
// are killed at the same moment, only systemd and the hardware watchdog can help, as they do when the whole machine hangs.

// supervised is the environment variable that is set in a child process.
const supervised = "FLUXD_SUPERVISED"

// The file descriptors that a child inherits besides the standard ones.
const (
	parentFile = 3 // a pipe that the child reads from; it reaches its end when the parent ends
	signsFile  = 4 // a pipe that the child writes signs of life to
)

// childError reports that the child did not shut down in order.
type childError struct {
	code int
	how  string
}

func (e *childError) Error() string { return "the robot's process ended: " + e.how }

// supervises reports whether this process must start the robot in a child process.
func supervises(mode string, config *configs.Robot) bool {
	if os.Getenv(supervised) != "" {
		return false // this is the child
	}
	underSystemd := os.Getenv("NOTIFY_SOCKET") != "" // the unit's ExecStopPost runs fluxd halt
	return mode == "yes" || mode == "auto" && config.Board.Kind != "sim" && !underSystemd && runtime.GOOS != "windows"
}

// supervise runs the present command line in a child process. It brings the actuators to failsafe unless the child shuts down in
// order.
func supervise(ctx context.Context, s *robotfile.Run, opts hardware.Options, cmd *cobra.Command, stops <-chan os.Signal) error {
	config := s.Config
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
	defer ours.Close() // the kernel closes it when this process is killed; the child waits for that
	child := exec.Command(exe, os.Args[1:]...)
	child.Stdin, child.Stdout, child.Stderr = os.Stdin, under(cmd.OutOrStdout()), cmd.ErrOrStderr()
	child.ExtraFiles = []*os.File{childsEnd, childsSigns}
	child.Env = append(os.Environ(), supervised+"="+s.HandOver())
	if err := child.Start(); err != nil {
		return fmt.Errorf("supervise: %w", err)
	}
	childsEnd.Close()
	childsSigns.Close()
	// Free the network: the parent needs only the actuators, and stays small.
	config.Written, config.Circuits, config.Network, config.Index = circuits.Network{}, nil, core.Description{}, nil
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
	if how.code == exitAgain {
		return robotfile.ErrAgain // it has ended in order
	}
	if !moved && how.code == exitFailure {
		return s.After(ctx, how, opts.Log) // the robot could not start: it has reported why, and has released its hardware
	}
	opts.Log.Error("the robot's process has died: bringing actuators to failsafe", "how", err)
	if err := hardware.Halt(config, opts); err != nil {
		opts.Log.Error("some actuators are NOT at failsafe: turn the power off", "error", err)
	} else {
		opts.Log.Info("actuators are at failsafe")
	}
	return s.After(ctx, how, opts.Log)
}

// missedSigns is how many signs of life a robot may miss before it counts as dead. The time is about that of WatchdogSec in
// deploy/fluxd.service.
const missedSigns = 4

// watcher receives the signs of life of a robot's process. A process that hangs, or is suspended by kill -STOP or a debugger,
// neither controls its actuators nor ends.
type watcher struct {
	moved  atomic.Bool   // the actuators may have moved
	closed chan struct{} // closed when the pipe of signs is closed: moved is final
	ended  chan struct{} // closed by end
}

// watch kills a robot's process in two cases: it stops sending signs of life after it has begun to move, or its shutdown takes
// longer than haltPatience. A shutdown begins when the process announces it, or when the context ends.
func watch(ctx context.Context, kill func() error, signs io.Reader, log *slog.Logger) *watcher {
	w := &watcher{closed: make(chan struct{}), ended: make(chan struct{})}
	received := make(chan machine.Sign)
	go func() {
		defer close(w.closed)
		for one := make([]byte, 1); ; {
			if n, _ := signs.Read(one); n == 0 {
				return
			}
			w.moved.Store(true)
			select {
			case received <- machine.Sign(one[0]):
			case <-w.ended:
			}
		}
	}()
	go func() {
		asked := ctx.Done()
		var check, late <-chan time.Time
		missed := 0
		for {
			select {
			case <-w.ended:
				return
			case s := <-received:
				missed = 0
				switch s {
				case machine.Moving:
					ticker := time.NewTicker(machine.SignEvery)
					defer ticker.Stop()
					check = ticker.C
				case machine.Ending:
					asked, check, late = nil, nil, time.After(haltPatience)
				}
			case <-asked:
				asked, late = nil, time.After(haltPatience)
			case <-check: // count ticks instead of time: while the whole machine is suspended, only one tick is missed
				if missed++; missed > missedSigns {
					log.Error("the robot's process gives no sign of life: killing it", "for", time.Duration(missed)*machine.SignEvery)
					_ = kill() // it may have ended already
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

// end is called when the child has ended. It reports whether its actuators may have moved.
func (w *watcher) end() bool {
	close(w.ended)
	select {
	case <-w.closed:
		return w.moved.Load()
	case <-time.After(time.Second):
		return true // another process still has the pipe open: assume the worst
	}
}

// haltPatience is how long a child may take to shut down.
const haltPatience = 10 * time.Second

// endWithParent returns a context that ends when the parent process ends, if there is one.
func endWithParent(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	if os.Getenv(supervised) == "" {
		return ctx, cancel
	}
	closeInChildren(parentFile)
	parent := os.NewFile(parentFile, "parent")
	go func() {
		_, _ = io.Copy(io.Discard, parent) // the parent writes nothing: this returns when the parent has ended
		cancel()
	}()
	return ctx, cancel
}

// signsToParent returns a function that sends signs of life to the parent, or nil if there is no parent. The function does not
// block: it drops signs that the parent does not read.
func signsToParent() func(machine.Sign) {
	if os.Getenv(supervised) == "" {
		return nil
	}
	closeInChildren(signsFile)
	parent := os.NewFile(signsFile, "parent")
	send := func(s machine.Sign) { _, _ = parent.Write([]byte{byte(s)}) } // endWithParent notices that the parent has ended
	queue := make(chan machine.Sign, 4)
	go func() {
		for s := range queue {
			send(s)
		}
	}()
	return func(s machine.Sign) {
		if s == machine.Moving { // sent before anything moves; it does not block, because the pipe is still empty
			send(s)
			return
		}
		select {
		case queue <- s:
		default:
		}
	}
}

func haltCommand(log func(io.Writer) *slog.Logger) *cobra.Command {
	var root, state string
	c := &cobra.Command{
		Use:   "halt ROBOT",
		Short: "Bring a robot's actuators to failsafe",
		Long: `Bring all actuators of a robot to failsafe, and do nothing else. If one of them
fails, halt still brings the others to failsafe.

Use it when fluxd has died and the robot still moves. systemd does so after each
end of fluxd (ExecStopPost). While fluxd runs, use fluxctl estop instead: fluxd
would go on moving the actuators.`,
		Example:           "  fluxd halt robot.yaml",
		Args:              usage.Args(1, 1),
		ValidArgsFunction: examples,
		RunE: func(cmd *cobra.Command, args []string) error {
			log := log(cmd.ErrOrStderr())
			all, err := robotfile.Last(cmd.Context(), robotfile.State(state), args[0], log)
			if err != nil {
				return err
			}
			surviveSignals(cmd.Context())
			var names []string
			for _, config := range all {
				err = errors.Join(err, hardware.Halt(config, hardware.Options{Root: root, Log: log}))
				for _, a := range config.Actuators {
					if !slices.Contains(names, a.Name) {
						names = append(names, a.Name)
					}
				}
			}
			if err != nil {
				return err
			}
			if names == nil {
				_, err = fmt.Fprintln(cmd.OutOrStdout(), "no actuators")
				return err
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s: at failsafe\n", strings.Join(names, ", "))
			return err
		},
	}
	stateFlag(c, &state)
	rootFlag(c, &root)
	return c
}

// rootFlag adds a hidden flag for tests, and for use in a chroot: where the hardware's files are.
func rootFlag(c *cobra.Command, root *string) {
	c.Flags().StringVar(root, "root", "/", "folder under which /dev, /sys and /proc are found")
	if err := c.Flags().MarkHidden("root"); err != nil {
		panic(err) // impossible: the flag was defined a line above
	}
}
