package machine

import (
	"errors"
	"reflect"
	"strings"
	"testing"
)

// generous grants all requests and records them.
func generous(asked *[]any) machine {
	return machine{
		lockMemory:  func() error { *asked = append(*asked, "lock"); return nil },
		setPriority: func(priority int) error { *asked = append(*asked, priority); return nil },
		limitMemory: func(bytes int64) error { *asked = append(*asked, bytes); return nil },
	}
}

func TestGrantRequestsNothingByDefault(t *testing.T) {
	var asked []any
	is := generous(&asked).grant(Settings{})
	if want := (Granted{Scheduler: Shared}); asked != nil || !reflect.DeepEqual(is, want) {
		t.Errorf("asked for %v, in effect is %+v, want %+v", asked, is, want)
	}
}

func TestGrant(t *testing.T) {
	var asked []any
	is := generous(&asked).grant(Settings{LockMemory: true, Priority: 50, MemoryLimit: 64 << 20})
	if want := (Granted{Scheduler: "fifo 50", MemoryLocked: true, MemoryLimit: 64 << 20}); !reflect.DeepEqual(is, want) {
		t.Errorf("in effect is %+v, want %+v", is, want)
	}
	if want := []any{int64(64 << 20), "lock", 50}; !reflect.DeepEqual(asked, want) {
		t.Errorf("asked for %v, want %v", asked, want)
	}
}

func TestRefusedRequestsHaveARemedy(t *testing.T) {
	stingy := machine{
		lockMemory:  func() error { return errors.New("no memory; set LimitMEMLOCK") },
		setPriority: func(int) error { return errors.New("no priority; set LimitRTPRIO") },
		limitMemory: func(int64) error { return errors.New("too little") },
	}
	want := Granted{Scheduler: Shared, Refused: []string{
		"memory_limit: too little", "lock_memory: no memory; set LimitMEMLOCK", "priority: no priority; set LimitRTPRIO"}}
	if is := stingy.grant(Settings{LockMemory: true, Priority: 50, MemoryLimit: 64 << 20}); !reflect.DeepEqual(is, want) {
		t.Errorf("in effect is %+v, want %+v", is, want)
	}
}

func TestMemoryLimitBelowUseIsRefused(t *testing.T) {
	if err := limitMemory(1); err == nil || !strings.Contains(err.Error(), "expected a limit of at least") {
		t.Errorf("%v", err)
	}
}

func TestParallelism(t *testing.T) {
	for _, c := range []struct {
		now       int
		chosen    bool
		scheduler string
		want      int
	}{{1, false, Shared, 2}, {1, true, Shared, 1}, {1, false, "fifo 10", 1}, {2, false, Shared, 2}, {4, false, "fifo 10", 4}} {
		if got := parallelism(c.now, c.chosen, c.scheduler); got != c.want {
			t.Errorf("%+v: %d", c, got)
		}
	}
}
