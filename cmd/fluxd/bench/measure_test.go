package bench

import (
	"context"
	"errors"
	"fluxd/bridge/broker"
	"os"
	"runtime"
	"testing"
	"time"
)

// TestMain runs the tests, or the broker that one of them starts.
func TestMain(m *testing.M) {
	if len(os.Args) == 2 && os.Args[1] == broker.Command {
		os.Exit(broker.Serve(os.Stdin, os.Stdout, os.Stderr))
	}
	os.Exit(m.Run())
}

// patience is when a test gives up: a busy machine is slow, not wrong.
const patience = 2 * time.Minute

// Every edge is answered on both ways, and each answer is counted. The times depend on the machine, so they are not tested.
func TestMeasureReflexInRealTime(t *testing.T) {
	const samples = 20
	r, err := measureReflex(t.Context(), samples)
	if err != nil {
		t.Fatal(err)
	}
	if r.Daemon.TotalCount() != samples || r.Bare.TotalCount() != samples {
		t.Errorf("%d samples of the daemon and %d of the bare channel, want %d", r.Daemon.TotalCount(), r.Bare.TotalCount(), samples)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := measureReflex(ended, samples); !errors.Is(err, context.Canceled) {
		t.Errorf("in a context that has ended: %v", err)
	}
}

func TestMeasureStartInRealTime(t *testing.T) {
	type measurement func(context.Context) (time.Duration, error)
	for name, measure := range map[string]measurement{"alone": measureStart, "with broker": measureStartWithBroker} {
		if took, err := measure(t.Context()); err != nil || took <= 0 {
			t.Errorf("%s: %v, %v", name, took, err)
		}
	}
}

func TestMeasureIdleInRealTime(t *testing.T) {
	i, err := measureIdle(t.Context(), time.Millisecond)
	if err != nil || i.Over < time.Millisecond {
		t.Errorf("%+v, %v", i, err)
	}
	if i.SwitchesKnown != (runtime.GOOS == "linux") {
		t.Errorf("context switches known: %v on %s", i.SwitchesKnown, runtime.GOOS)
	}
}
