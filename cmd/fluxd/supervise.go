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

	"fluxd/cmd/fluxd/daemon"
	"fluxd/configs"

	"github.com/spf13/cobra"
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
	movingFile = 4 // a byte written to it says that from now on actuators may move
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
func supervise(ctx context.Context, config *configs.Robot, opts daemon.BoardOptions, cmd *cobra.Command, stops <-chan os.Signal) error {
	exe, err := os.Executable()
	if err != nil {
		return fmt.Errorf("supervise: %w", err)
	}
	childsEnd, ours, err := os.Pipe()
	if err != nil {
		return fmt.Errorf("supervise: %w", err)
	}
	moving, childsWord, err := os.Pipe()
	if err != nil {
		return fmt.Errorf("supervise: %w", err)
	}
	defer moving.Close()
	defer ours.Close() // closed by the kernel too, when this process is killed: that is what the child waits for
	child := exec.Command(exe, os.Args[1:]...)
	child.Stdin, child.Stdout, child.Stderr = os.Stdin, cmd.OutOrStdout(), cmd.ErrOrStderr()
	child.ExtraFiles = []*os.File{childsEnd, childsWord}
	child.Env = append(os.Environ(), supervised+"=1")
	if err := child.Start(); err != nil {
		return fmt.Errorf("supervise: %w", err)
	}
	childsEnd.Close()
	childsWord.Close()
	config.Network, config.Flat, config.Circuits = configs.Network{}, nil, nil // stay small: actuators are all that is needed here
	stopped := forward(ctx, child.Process, stops)
	err = child.Wait()
	stopped()
	if err == nil {
		return nil
	}
	how := &childError{code: exitFailure, how: err.Error()}
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() > 0 {
		how.code = exit.ExitCode()
	}
	moved, _ := moving.Read(make([]byte, 1)) // it has ended: this does not wait
	if moved == 0 && how.code == exitFailure {
		return how // it could not start, has said why, and has let go of all by itself
	}
	opts.Log.Error("the robot's process has died: bringing actuators to failsafe", "how", err)
	if err := daemon.Halt(config, opts); err != nil {
		opts.Log.Error("some actuators are NOT at failsafe: take the power off", "error", err)
	} else {
		opts.Log.Info("actuators are at failsafe")
	}
	return how
}

// orphaned returns a context that ends when the parent does, if there is one.
func orphaned(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	if os.Getenv(supervised) == "" {
		return ctx, cancel
	}
	parent := os.NewFile(parentFile, "parent")
	go func() {
		_, _ = io.Copy(io.Discard, parent) // nothing is ever written: it ends when the other end is closed
		cancel()
	}()
	return ctx, cancel
}

// tellMoving tells the parent, if there is one, that from now on actuators may move.
func tellMoving() {
	if os.Getenv(supervised) == "" {
		return
	}
	parent := os.NewFile(movingFile, "parent")
	_, _ = parent.Write([]byte{1}) // a parent that has gone is noticed elsewhere
	parent.Close()
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
			config, err := load(args)
			if err != nil {
				return err
			}
			outlive(cmd.Context())
			return daemon.Halt(config, daemon.BoardOptions{Root: root, Log: log(cmd.ErrOrStderr())})
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
