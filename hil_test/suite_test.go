// Package hil_test runs whole robots on whatever stands for hardware: the simulated board, emulated machines with a real kernel and real
// drivers, a Raspberry Pi with loop-back wires. The cases are the same everywhere; what a rig cannot do it says, and the report shows.
//
//	go test ./hil_test                      the simulated board
//	go test ./hil_test -rig=pi3b            an emulated Raspberry Pi 3B: the kernel's drivers of the real chip
//	go test ./hil_test -rig=edges           an emulated machine whose GPIO lines are driven from outside
//	go test ./hil_test -rig=faults          an emulated machine with wires, every device on I2C, and whatever can go wrong with them
//	go test ./hil_test -rig=pi              on a Raspberry Pi with two wires; from a desktop with -host=pi@raspberrypi
//
// Several rigs are separated by commas. docs/hil.md shows the wires, and tells how a rig or a case is added.
package hil_test

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"fluxd/boards/sim"
	"fluxd/cmd/fluxd/daemon"
	"fluxd/configs"
)

var (
	rigNames  = flag.String("rig", "sim", "what stands for hardware: sim, pi3b, edges, faults or pi; several separated by commas")
	host      = flag.String("host", "", "the Raspberry Pi of -rig=pi, as ssh knows it; without it, this machine is one")
	long      = flag.Bool("long", false, "with the soak")
	soakTime  = flag.Duration("soak", 10*time.Minute, "length of the soak of -long")
	junitFile = flag.String("junit", "", "file for the report as JUnit XML")
	guest     = flag.String("guest", "", "this is the suite inside a machine, of this rig: it tells the harness its results")
	program   = flag.String("fluxd", "", "the daemon's binary; without it, it is built where it is needed")
)

// patience bounds every wait: it is what a broken rig takes to fail.
const patience = 30 * time.Second

// A rig is what stands for hardware. Each part that it has not is nil; the case that needs it says so in the report.
type rig interface {
	name() string
	// board is the robot file's board.
	board() string
	// started is called with each robot of this process, before it is armed or moves.
	started(r *daemon.Robot)
	// thermometer is one on I2C whose temperature is set from outside.
	thermometer() *thermometer
	// pwm is a pin that does PWM, and what is seen of it from outside the daemon.
	pwm() *pwmProbe
	// wire is an actuator's line that is seen from outside, and perhaps an input that is driven from there.
	wire() *wire
	// pins are two lines that are driven and seen from outside, whatever the robot makes of them.
	pins() *pins
	// bus is I2C with devices that are plugged in, and that fail on request.
	bus() *bus
	// daemon is the fluxd binary for robots in a process of their own: hardware that outlives a process.
	daemon(t *testing.T) (binary string)
	// missing says which of the rig's wires are not there; nil for a rig without wires that can be cut.
	missing() func(cut bool) error
	// watchdog counts how often the machine's own watchdog would have restarted it.
	watchdog() func() int
}

type thermometer struct {
	sensor string               // device, bus and address, as in a robot file
	set    func(celsius int)    // from outside
	unplug func(unplugged bool) // nil where it cannot be
}

type pwmProbe struct {
	pin       string
	read      func() (frequency, duty float64) // Hz, 0 to 1
	tolerance float64                          // of the reading, relative
}

type wire struct {
	input    string                                           // "" where none is driven
	actuator string                                           // device and pin of something that is on or off, as in a robot file
	drive    func(high bool)                                  // the input; the time starts here
	mark     func()                                           // the time starts here
	seen     func(high bool) (after time.Duration, err error) // waits until the actuator's line has the level
}

type pins struct {
	one, two string
	drive    func(pin string, high bool)
	watch    func(pin string, told func(high bool))
	weigh    func(counts uint32) (clock, data string) // an HX711; nil without
	release  func()
}

type bus struct {
	name    string
	board   string // the robot file's, with every device of the file on the bus
	devices func() *sim.Board
	early   bool                 // devices are attached before a robot starts
	clock   func() time.Duration // the devices'
}

// under is the rig that the cases run on.
var under rig

func TestMain(m *testing.M) {
	flag.Parse()
	os.Exit(run(m))
}

func run(m *testing.M) (code int) {
	if testing.Short() {
		fmt.Println("left out: hardware takes its time")
		return 0
	}
	if *guest != "" {
		if under, code = newGuest(*guest); code == 0 {
			code = m.Run()
		}
		tell("done %d", code)
		return code
	}
	if *long && limit() < *soakTime+5*time.Minute {
		fmt.Fprintf(os.Stderr, "-long takes %v and more, for each rig: expected a longer -timeout than %v\n", *soakTime, limit())
		return 2
	}
	for _, name := range strings.Split(*rigNames, ",") {
		failed := 0
		switch {
		case name == "sim":
			under = newSim()
			failed = m.Run()
		case name == "pi" && *host == "":
			if under, failed = newPi(); failed == 0 {
				failed = m.Run()
			}
		case name == "pi":
			failed = elsewhere(name, remote)
		default:
			failed = elsewhere(name, emulated)
		}
		code = max(code, failed)
	}
	if err := report.print(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return code
}

// limit is how long go test lets this run.
func limit() time.Duration {
	f := flag.Lookup("test.timeout")
	if d, err := time.ParseDuration(f.Value.String()); err == nil && d > 0 {
		return d
	}
	return 1 << 62
}

// elsewhere runs the suite on another machine.
func elsewhere(name string, there func(name string, add func(result)) error) int {
	if err := there(name, report.add); err != nil {
		fmt.Fprintf(os.Stderr, "rig %s: %v\n", name, err)
		report.add(result{Rig: name, Case: "the machine", Verdict: failed, Figures: err.Error()})
		return 1
	}
	if report.failures(name) > 0 {
		return 1
	}
	return 0
}

// tell sends the harness a line that it does not answer.
func tell(format string, args ...any) { fmt.Printf("\n@tell "+format+"\n", args...) }

// begun is a case under way; the figures that are added to it stand in the report.
type begun struct {
	t       *testing.T
	figures []string
	cannot  string
}

func begin(t *testing.T) *begun {
	t.Helper()
	c, start := &begun{t: t}, time.Now()
	t.Cleanup(func() {
		verdict, figures := passed, strings.Join(c.figures, ", ")
		switch {
		case c.cannot != "":
			verdict, figures = cannot, c.cannot
		case t.Failed():
			verdict = failed
		}
		one := result{Rig: under.name(), Case: strings.TrimPrefix(t.Name(), "Test"), Verdict: verdict, Figures: figures, took: time.Since(start)}
		report.add(one)
		if *guest != "" {
			tell("case %s", one.line())
		}
	})
	return c
}

func (c *begun) figure(format string, args ...any) {
	c.figures = append(c.figures, fmt.Sprintf(format, args...))
}

// mayLack are the cases that a rig is known not to be able to do. Whatever else cannot be done is a failure: nothing passes by being skipped.
var mayLack = map[string]string{
	"sim":    "ClockJumps EveryActuatorOnTheBus EveryEndOfTheDaemon SystemdWatchdog HardwareWatchdog MissingWires WhateverAnswers",
	"pi3b":   "BusFaults EverySensorOnTheBus EveryActuatorOnTheBus EverySensorOnPins HardwareWatchdog Reflex EdgeStorm UnpluggedAndReplugged MissingWires",
	"edges":  "BusFaults EverySensorOnTheBus EveryActuatorOnTheBus EverySensorOnPins HardwareWatchdog HeatTurnsTheFan HeatSwitchesTheRelay PWM StopsReachThePWM UnpluggedAndReplugged MissingWires WhateverAnswers",
	"faults": "",
	"pi":     "ClockJumps BusFaults EverySensorOnTheBus EveryActuatorOnTheBus EverySensorOnPins HardwareWatchdog HeatTurnsTheFan HeatSwitchesTheRelay StopsReachThePWM UnpluggedAndReplugged MissingWires WhateverAnswers",
}

// needs ends a case that the rig cannot do.
func (c *begun) needs(has bool, what string) {
	c.t.Helper()
	if has {
		return
	}
	if name := strings.TrimPrefix(c.t.Name(), "Test"); !slices.Contains(strings.Fields(mayLack[under.name()]), name) {
		c.t.Fatalf("the rig has no %s, and it should", what)
	}
	c.cannot = "the rig has no " + what
	c.t.Skip(c.cannot)
}

func parse(t *testing.T, text string) *configs.Robot {
	t.Helper()
	config, err := configs.Parse("robot.yaml", []byte(text), nil)
	if err != nil {
		t.Fatal(err)
	}
	return config
}

// start runs a robot in this process until the test ends, or stop is called.
func start(t *testing.T, text string) (robot *daemon.Robot, stop func()) {
	t.Helper()
	config := parse(t, text)
	ctx, cancel := context.WithCancel(context.Background())
	started, ended := make(chan *daemon.Robot, 1), make(chan error, 1)
	log := slog.New(slog.NewTextHandler(t.Output(), nil))
	go func() {
		ended <- daemon.Run(ctx, config, daemon.RunOptions{Version: "hil", Seed: 1, Arm: true, Log: log, Started: func(r *daemon.Robot) { started <- r }})
	}()
	stop = sync.OnceFunc(func() {
		cancel()
		select {
		case err := <-ended:
			if err != nil {
				t.Error(err)
			}
		case <-time.After(patience):
			t.Error("the robot does not stop")
		}
	})
	t.Cleanup(stop)
	select {
	case r := <-started:
		under.started(r)
		return r, stop
	case err := <-ended:
		ended <- nil
		t.Fatalf("the robot ended at once: %v", err)
	case <-time.After(patience):
		t.Fatal("the robot does not start")
	}
	return nil, nil
}

// eventually polls, and returns how long it took.
func eventually(t *testing.T, what string, true func() bool) time.Duration {
	t.Helper()
	begun := time.Now()
	for !true() {
		if time.Since(begun) > patience {
			t.Fatalf("waited in vain for %s", what)
		}
		time.Sleep(time.Millisecond)
	}
	return time.Since(begun)
}

// view is what is seen of a line from outside: its level, and when it last rose and fell. It may be used from any goroutine.
type view struct {
	clock      func() time.Duration
	mutex      sync.Mutex
	high       bool
	rose, fell time.Duration
	marked     time.Duration
}

func (v *view) changed(at time.Duration, high bool) {
	v.mutex.Lock()
	defer v.mutex.Unlock()
	switch {
	case high && !v.high:
		v.high, v.rose = true, at
	case !high && v.high:
		v.high, v.fell = false, at
	}
}

func (v *view) mark() {
	v.mutex.Lock()
	defer v.mutex.Unlock()
	v.marked = v.clock()
}

// came says how long after the mark the line came to a level, if it did, be it for a moment; 0 when it has it since before.
func (v *view) came(high bool) (time.Duration, bool) {
	v.mutex.Lock()
	defer v.mutex.Unlock()
	at := v.fell
	if high {
		at = v.rose
	}
	return max(0, at-v.marked), v.high == high || at > v.marked
}

// wait returns how long after the mark the line came to a level.
func (v *view) wait(high bool) (time.Duration, error) {
	for end := v.clock() + patience; v.clock() < end; time.Sleep(100 * time.Microsecond) {
		if after, came := v.came(high); came {
			return after, nil
		}
	}
	return 0, fmt.Errorf("the line is not %s within %v", map[bool]string{true: "high", false: "low"}[high], patience)
}

func (w *wire) await(t *testing.T, high bool) time.Duration {
	t.Helper()
	after, err := w.seen(high)
	if err != nil {
		t.Fatal(err)
	}
	return after
}
