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

// Realtime settings that the machine refuses are logged once, with the remedy, and shown in the health. The robot runs.
func TestRobotRunsOnAMachineThatRefusesRealTime(t *testing.T) {
	refused := []string{"lock_memory: no memory; set LimitMEMLOCK", "priority: no priority; set LimitRTPRIO"}
	refuse := func(machine.Settings) machine.Granted {
		return machine.Granted{Scheduler: machine.Shared, Refused: refused}
	}
	config := lightseekerAt(t, "mqtt: {broker: none}")
	config.Realtime = configs.Realtime{LockMemory: true, Priority: 50, MemoryLimit: 64 << 20}
	var log bytes.Buffer
	l, err := newRobot(config, RunOptions{Log: slog.New(slog.NewTextHandler(&log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	l.requestRealtime(refuse)
	want := protocol.Realtime{Scheduler: protocol.Shared, Refused: refused}
	if is := l.Health().Realtime; !reflect.DeepEqual(is, want) {
		t.Errorf("in effect is %+v, want %+v", is, want)
	}
	text := log.String()
	if strings.Count(text, "level=WARN") != 1 || !strings.Contains(text, "LimitRTPRIO") || !strings.Contains(text, "LimitMEMLOCK") {
		t.Errorf("log: %s", text)
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
