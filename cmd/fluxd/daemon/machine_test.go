package daemon

import (
	"bytes"
	"context"
	"errors"
	"fluxd/bridge/protocol"
	"log/slog"
	"reflect"
	"strings"
	"testing"

	"fluxd/configs"
)

// generous grants everything and notes what it was asked for.
func generous(asked *[]any) machine {
	return machine{
		lockMemory:  func() error { *asked = append(*asked, "lock"); return nil },
		first:       func(priority int) error { *asked = append(*asked, priority); return nil },
		limitMemory: func(bytes int64) error { *asked = append(*asked, bytes); return nil },
	}
}

func TestMachineIsAskedForNothingByDefault(t *testing.T) {
	var asked []any
	is := generous(&asked).grant(lightseekerAt(t, "mqtt: {broker: none}").Realtime)
	if want := (protocol.Realtime{Scheduler: protocol.Shared}); asked != nil || !reflect.DeepEqual(is, want) {
		t.Errorf("asked for %v, in effect is %+v, want %+v", asked, is, want)
	}
}

func TestMachineGrantsWhatIsAskedFor(t *testing.T) {
	config := lightseekerAt(t, "mqtt: {broker: none}\nrealtime: {lock_memory: true, priority: 50, memory_limit: 64 MiB}")
	var asked []any
	is := generous(&asked).grant(config.Realtime)
	if want := (protocol.Realtime{Scheduler: "fifo 50", MemoryLocked: true, MemoryLimit: 64 << 20}); !reflect.DeepEqual(is, want) {
		t.Errorf("in effect is %+v, want %+v", is, want)
	}
	if want := []any{int64(64 << 20), "lock", 50}; !reflect.DeepEqual(asked, want) {
		t.Errorf("asked for %v, want %v", asked, want)
	}
}

// What the machine refuses is told once, with the remedy, and shows in the health; the robot runs.
func TestRobotRunsOnAMachineThatRefusesRealTime(t *testing.T) {
	stingy := machine{
		lockMemory:  func() error { return errors.New("no memory; set LimitMEMLOCK") },
		first:       func(int) error { return errors.New("no priority; set LimitRTPRIO") },
		limitMemory: func(int64) error { return errors.New("too little") },
	}
	config := lightseekerAt(t, "mqtt: {broker: none}")
	config.Realtime = configs.Realtime{LockMemory: true, Priority: 50, MemoryLimit: 64 << 20}
	var told bytes.Buffer
	l, err := newRobot(config, RunOptions{Log: slog.New(slog.NewTextHandler(&told, nil))})
	if err != nil {
		t.Fatal(err)
	}
	l.settle(stingy)
	want := protocol.Realtime{Scheduler: protocol.Shared, Refused: []string{
		"memory_limit: too little", "lock_memory: no memory; set LimitMEMLOCK", "priority: no priority; set LimitRTPRIO"}}
	if is := l.Health().Realtime; !reflect.DeepEqual(is, want) {
		t.Errorf("in effect is %+v, want %+v", is, want)
	}
	if text := told.String(); strings.Count(text, "level=WARN") != 1 || !strings.Contains(text, "LimitRTPRIO") || !strings.Contains(text, "LimitMEMLOCK") {
		t.Errorf("told: %s", text)
	}
	l.obey()
	ctx, cancel := context.WithCancel(t.Context())
	wait := l.launch(ctx)
	looped := make(chan struct{})
	go func() { l.loop(ctx); close(looped) }()
	eventually(t, "the wheels to turn", func() bool { return l.outputs[0].guard.Applied() != 0 })
	cancel()
	<-looped
	if err := errors.Join(wait(), l.halt()); err != nil {
		t.Error(err)
	}
}

func TestMemoryLimitBelowWhatIsInUseIsRefused(t *testing.T) {
	if err := limitMemory(1); err == nil || !strings.Contains(err.Error(), "expected a limit of at least") {
		t.Errorf("%v", err)
	}
}

func TestTurns(t *testing.T) {
	for _, c := range []struct {
		now       int
		chosen    bool
		scheduler string
		want      int
	}{{1, false, protocol.Shared, 2}, {1, true, protocol.Shared, 1}, {1, false, "fifo 10", 1}, {2, false, protocol.Shared, 2}, {4, false, "fifo 10", 4}} {
		if got := turns(c.now, c.chosen, c.scheduler); got != c.want {
			t.Errorf("%+v: %d", c, got)
		}
	}
}
