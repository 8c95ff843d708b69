// Package machine asks the computer for what a robot's control loop needs: real-time priority, locked memory, a timer exact to
// the microsecond, watchdogs and file locks. It also measures the process and the computer: latencies, processor time, context
// switches, temperature.
//
//	granted := machine.Grant(machine.Settings{LockMemory: true, Priority: 20})
//	alarm := machine.NewAlarm(clock)
//	defer alarm.Stop()
//	alarm.Wake(clock() + 250*time.Microsecond)
//	<-alarm.Rings
//	alarm.Rung()
//
// It knows nothing about robots. Where an operating system lacks a feature, an error or a false result says so, and the rest
// works.
package machine

import (
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
)

// Settings are what a process requests from the machine, so that nothing delays a reflex. The zero value requests nothing.
type Settings struct {
	LockMemory bool // keep all memory of the process, present and future, in RAM

	// Priority is the real-time priority (SCHED_FIFO) of all threads, 1 to 99. They run before all threads of the machine that have
	// no real-time priority. 0: share the processors.
	Priority int

	// MemoryLimit, in bytes, delays garbage collection until the process uses nearly that much. 0: collect when the heap has
	// doubled.
	MemoryLimit int64
}

// Granted are the settings in effect.
type Granted struct {
	Scheduler    string // Shared, or "fifo" and the priority
	MemoryLocked bool
	MemoryLimit  int64    // bytes; 0: none
	Refused      []string // the refused requests, each with its remedy
}

// Shared is the scheduler of a process that shares the processors with all others.
const Shared = "shared"

// Grant requests settings from this machine. They hold for the whole process until it ends. The robot runs even if some are
// refused.
func Grant(want Settings) Granted {
	is := machine{lockMemory: lockMemory, setPriority: setPriority, limitMemory: limitMemory}.grant(want)
	runtime.GOMAXPROCS(parallelism(runtime.GOMAXPROCS(0), os.Getenv("GOMAXPROCS") != "", is.Scheduler))
	return is
}

// machine carries out requests. Its errors contain the remedy.
type machine struct {
	lockMemory  func() error // also reads those parts of the program into memory that are still on the disk
	setPriority func(priority int) error
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
	if want.Priority != 0 && try("priority", m.setPriority(want.Priority)) {
		is.Scheduler = fmt.Sprintf("fifo %d", want.Priority)
	}
	return is
}

// parallelism returns how many goroutines may run at the same time (GOMAXPROCS). It keeps the present number, except for one
// processor without real-time priority: there it returns 2.
//
// With 2, a long computation, such as the check of a password, has its own thread. The kernel lets the control loop interrupt it
// as soon as the loop wakes. With 1, Go's scheduler decides, and the loop would wait for 10 ms and more. With real-time priority
// the kernel does not interrupt a thread for another one of equal priority, and Go's scheduler is the better choice.
func parallelism(now int, chosen bool, scheduler string) int {
	if now == 1 && !chosen && scheduler == Shared {
		return 2
	}
	return now
}

// limitMemory makes Go collect garbage near a limit instead of each time that the heap has doubled. A robot makes so little
// garbage that it then collects once in many minutes. It refuses a limit below twice the memory in use, because near the limit
// the collector would run all the time.
func limitMemory(bytes int64) error {
	inUse := []metrics.Sample{{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
	metrics.Read(inUse)
	if now := int64(inUse[0].Value.Uint64() - inUse[1].Value.Uint64()); now > bytes/2 {
		const mebi = 1 << 20
		return fmt.Errorf("%d MiB are already in use: expected a limit of at least %d MiB", (now+mebi-1)/mebi, (2*now+mebi-1)/mebi)
	}
	debug.SetMemoryLimit(bytes)
	debug.SetGCPercent(-1)
	return nil
}
