package daemon

import (
	"fluxd/bridge/protocol"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"strings"

	"fluxd/configs"
)

// machine is what a robot asks of the machine that it runs on, so that nothing holds up a reflex. All of it is of the whole process
// and lasts until that ends. The error of what the machine does not grant has the remedy.
type machine struct {
	// lockMemory keeps all memory of the process, present and future, from being paged out, and fetches what is not there yet of
	// its program.
	lockMemory func() error
	// first puts all threads of the process, present and future, before all others of the machine that have no such priority, 1 to 99.
	first func(priority int) error
	// limitMemory has garbage collected only when the process comes near to so many bytes.
	limitMemory func(bytes int64) error
}

// thisMachine is the one that the process runs on.
var thisMachine = machine{lockMemory: lockMemory, first: first, limitMemory: limitMemory}

// grant asks for what a configuration wants, and returns what is in effect. What is refused is in it too; it is no reason not to run.
func (m machine) grant(want configs.Realtime) protocol.Realtime {
	is := protocol.Realtime{Scheduler: protocol.Shared}
	try := func(what string, err error) bool {
		if err != nil {
			is.Refused = append(is.Refused, what+": "+err.Error())
		}
		return err == nil
	}
	if want.MemoryLimit != 0 && try("memory_limit", m.limitMemory(int64(want.MemoryLimit))) {
		is.MemoryLimit = int64(want.MemoryLimit)
	}
	if want.LockMemory {
		is.MemoryLocked = try("lock_memory", m.lockMemory())
	}
	if want.Priority != 0 && try("priority", m.first(want.Priority)) {
		is.Scheduler = fmt.Sprintf("fifo %d", want.Priority)
	}
	return is
}

// settle brings the machine into the state that the configuration asks for, and tells once what it refuses.
func (l *Robot) settle(m machine) {
	l.granted = m.grant(l.config.Realtime)
	runtime.GOMAXPROCS(turns(runtime.GOMAXPROCS(0), os.Getenv("GOMAXPROCS") != "", l.granted.Scheduler))
	if l.granted.Refused != nil {
		l.log.Warn("the robot runs without all of its realtime settings", "refused", strings.Join(l.granted.Refused, "; "))
	}
}

// turns is how many goroutines may run at a time, where so many did. With one processor it is two: what computes for long, such as the check of a
// password, then competes with the loop by the kernel's rules, by which who was woken goes first, and not by Go's, by which it waits for 10 ms and
// more. With a realtime priority the kernel does not interrupt one thread for another of the same, and Go's rules are better.
func turns(now int, chosen bool, scheduler string) int {
	if now == 1 && !chosen && scheduler == protocol.Shared {
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
