// Package machine is what a robot needs of the computer that it runs on: a priority and memory that stays, a timer exact to the microsecond,
// watchdogs, file locks, and figures of what the process and the computer do.
//
//	granted := machine.Grant(machine.Settings{LockMemory: true, Priority: 20})
//	alarm := machine.NewAlarm(clock)
//	defer alarm.Stop()
//	alarm.Wake(clock() + 250*time.Microsecond)
//	<-alarm.Rings
//	alarm.Rung()
//
// It knows nothing of robots. Where a system lacks something, the error or a false result says so, and the rest works.
package machine

import (
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
)

// Settings are what a process asks of the machine that it runs on, so that nothing holds up a reflex. The zero value asks for nothing.
type Settings struct {
	LockMemory  bool  // all memory of the process, present and future, stays in memory
	Priority    int   // 1 to 99: all threads run before those of the machine that have no such priority; 0: share the processors
	MemoryLimit int64 // bytes: garbage is collected only when the process comes near to so many; 0: whenever the heap has doubled
}

// Granted is what is in effect.
type Granted struct {
	Scheduler    string // Shared, or "fifo" and the priority
	MemoryLocked bool
	MemoryLimit  int64    // bytes; 0: none
	Refused      []string // what was asked for in vain, each with the remedy
}

// Shared is the scheduler of a process that shares the processors with all others.
const Shared = "shared"

// Grant asks this machine for settings. They hold for the whole process until it ends. What the machine refuses is no reason not to run.
func Grant(want Settings) Granted {
	is := machine{lockMemory: lockMemory, first: first, limitMemory: limitMemory}.grant(want)
	runtime.GOMAXPROCS(turns(runtime.GOMAXPROCS(0), os.Getenv("GOMAXPROCS") != "", is.Scheduler))
	return is
}

// machine does what is asked for. Its errors have the remedy.
type machine struct {
	// lockMemory also fetches what is not in memory yet of the program.
	lockMemory  func() error
	first       func(priority int) error
	limitMemory func(bytes int64) error
}

func (m machine) grant(want Settings) Granted {
	is := Granted{Scheduler: Shared}
	try := func(what string, err error) bool {
		if err != nil {
			is.Refused = append(is.Refused, what+": "+err.Error())
		}
		return err == nil
	}
	if want.MemoryLimit != 0 && try("memory_limit", m.limitMemory(want.MemoryLimit)) {
		is.MemoryLimit = want.MemoryLimit
	}
	if want.LockMemory {
		is.MemoryLocked = try("lock_memory", m.lockMemory())
	}
	if want.Priority != 0 && try("priority", m.first(want.Priority)) {
		is.Scheduler = fmt.Sprintf("fifo %d", want.Priority)
	}
	return is
}

// turns is how many goroutines may run at a time, where so many did. With one processor it is two: what computes for long, such as the check of a
// password, then competes with the loop by the kernel's rules, by which who was woken goes first, and not by Go's, by which it waits for 10 ms and
// more. With a realtime priority the kernel does not interrupt one thread for another of the same, and Go's rules are better.
func turns(now int, chosen bool, scheduler string) int {
	if now == 1 && !chosen && scheduler == Shared {
		return 2
	}
	return now
}

// limitMemory replaces the rule of Go's collector, to collect whenever the heap has doubled, by a limit: a robot makes so little
// garbage that it then collects once in many minutes. Near the limit the collector would work all the time.
func limitMemory(bytes int64) error {
	inUse := []metrics.Sample{{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
	metrics.Read(inUse)
	if now := int64(inUse[0].Value.Uint64() - inUse[1].Value.Uint64()); now > bytes/2 {
		const mebi = 1 << 20
		return fmt.Errorf("%d MiB are in use already: expected a limit of at least %d MiB", (now+mebi-1)/mebi, (2*now+mebi-1)/mebi)
	}
	debug.SetMemoryLimit(bytes)
	debug.SetGCPercent(-1)
	return nil
}
