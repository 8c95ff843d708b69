package daemon

import (
	"flag"
	"os"
	"strconv"
	"testing"

	"fluxd/bridge/broker"
)

// outside runs this program as another process than the tests, if it was started as such: a process that makes trouble for a
// robot must not be the robot's own. It returns false otherwise.
var outside = func() bool { return false }

// TestMain runs the tests, or the process that a test has started.
func TestMain(m *testing.M) {
	if len(os.Args) == 2 && os.Args[1] == broker.Command {
		os.Exit(broker.Serve(os.Stdin, os.Stdout, os.Stderr))
	}
	if !outside() {
		// Property tests draw whole robots here, and each takes some hundredths of a second. make long draws more.
		if err := flag.Set("rapid.checks", "20"); err != nil {
			panic(err)
		}
		busWait *= 4 // still less than haltWait
		os.Exit(m.Run())
	}
}

// inRealTime skips a test on emulated processors, which are too slow for it, and with -short.
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
