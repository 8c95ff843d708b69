package daemon

import (
	"bytes"
	"context"
	"errors"
	"fluxd/bridge/protocol"
	"fluxd/cmd/fluxd/machine"
	"fluxd/configs"
	"log/slog"
	"reflect"
	"strings"
	"testing"
)

// What the machine refuses is told once, with the remedy, and shows in the health; the robot runs.
func TestRobotRunsOnAMachineThatRefusesRealTime(t *testing.T) {
	stingy := func(machine.Settings) machine.Granted {
		return machine.Granted{Scheduler: machine.Shared, Refused: []string{"lock_memory: no memory; set LimitMEMLOCK", "priority: no priority; set LimitRTPRIO"}}
	}
	config := lightseekerAt(t, "mqtt: {broker: none}")
	config.Realtime = configs.Realtime{LockMemory: true, Priority: 50, MemoryLimit: 64 << 20}
	var told bytes.Buffer
	l, err := newRobot(config, RunOptions{Log: slog.New(slog.NewTextHandler(&told, nil))})
	if err != nil {
		t.Fatal(err)
	}
	l.requestRealtime(stingy)
	want := protocol.Realtime{Scheduler: protocol.Shared, Refused: []string{"lock_memory: no memory; set LimitMEMLOCK", "priority: no priority; set LimitRTPRIO"}}
	if is := l.Health().Realtime; !reflect.DeepEqual(is, want) {
		t.Errorf("in effect is %+v, want %+v", is, want)
	}
	if text := told.String(); strings.Count(text, "level=WARN") != 1 || !strings.Contains(text, "LimitRTPRIO") || !strings.Contains(text, "LimitMEMLOCK") {
		t.Errorf("told: %s", text)
	}
	l.safety.ArmSilently()
	ctx, cancel := context.WithCancel(t.Context())
	wait := l.launch(ctx)
	looped := make(chan struct{})
	go func() { l.loop(ctx); close(looped) }()
	eventually(t, "the wheels to turn", func() bool { return l.outputs[0].Guard.Applied() != 0 })
	cancel()
	<-looped
	if err := errors.Join(wait(), l.halt()); err != nil {
		t.Error(err)
	}
}
