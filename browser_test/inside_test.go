//go:build browser

package browser_test

import (
	"context"
	"os"
	"testing"
	"time"

	"fluxd/cmd/fluxd/daemon"
	"fluxd/configs"

	"periph.io/x/conn/v3/gpio"
)

// An insider is a robot that runs in the process of the test, so that the test can measure at its pins.
type insider struct {
	*daemon.Robot
	robot
}

// inside starts a robot in this process, and waits until its page is served.
func inside(t *testing.T, text string, at place) *insider {
	t.Helper()
	r := &insider{robot: *describe(t, text, at)}
	read, err := os.ReadFile(r.file)
	if err != nil {
		t.Fatal(err)
	}
	config, err := configs.Parse(r.file, read, nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	started, ended := make(chan *daemon.Robot, 1), make(chan error, 1)
	go func() {
		ended <- daemon.Run(ctx, config, daemon.RunOptions{Version: "test", Seed: 1, Started: func(r *daemon.Robot) { started <- r }})
	}()
	t.Cleanup(func() {
		cancel()
		select {
		case err := <-ended:
			if err != nil {
				t.Error(err)
			}
		case <-time.After(*patience):
			t.Error("the robot does not stop")
		}
	})
	select {
	case r.Robot = <-started:
	case err := <-ended:
		ended <- nil
		t.Fatalf("the robot ended at once: %v", err)
	case <-time.After(*patience):
		t.Fatal("the robot does not start")
	}
	return r
}

// duty returns the duty cycle at a pin of the simulated board.
func (r *insider) duty(name string) gpio.Duty {
	r.t.Helper()
	pin, err := r.Simulated().Line(name)
	if err != nil {
		r.t.Fatal(err)
	}
	duty, _ := pin.PWMState()
	return duty
}
