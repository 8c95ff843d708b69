package daemon

import (
	"flag"
	"os"
	"strconv"
	"testing"

	"fluxd/bridge/broker"
)

// outside is what else this program may be, beside the robot's own broker: what troubles a robot shall not be in its process.
var outside = func() bool { return false }

// TestMain is the tests, or a process that they start.
func TestMain(m *testing.M) {
	if len(os.Args) == 2 && os.Args[1] == broker.Command {
		os.Exit(broker.Serve(os.Stdin, os.Stdout, os.Stderr))
	}
	if !outside() {
		// Whole robots are drawn here, each of which takes some hundredths of a second. make long asks for more of them.
		if err := flag.Set("rapid.checks", "20"); err != nil {
			panic(err)
		}
		busWait *= 4 // the end of a robot waits for 2 s
		os.Exit(m.Run())
	}
}

// inRealTime leaves a test out where the processor is an emulated one, which is too slow for it, and where time is short.
func inRealTime(t testing.TB) {
	t.Helper()
	if os.Getenv("EMULATED") != "" || testing.Short() {
		t.Skip("in real time")
	}
}

// checks returns how many cases a property test draws: the flag -rapid.checks, a fifth of it with -short.
func checks(t testing.TB) int {
	t.Helper()
	n, err := strconv.Atoi(flag.Lookup("rapid.checks").Value.String())
	if err != nil {
		t.Fatal(err)
	}
	if testing.Short() {
		n /= 5
	}
	return n
}
