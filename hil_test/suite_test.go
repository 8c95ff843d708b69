// Package hil_test runs whole robots on hardware, or on something that takes its place (a rig): the simulated board, emulated
// machines with a real kernel and real drivers, or a Raspberry Pi with loop-back wires. All rigs run the same cases. The report
// lists the cases that a rig cannot run.
//
//	go test ./hil_test                      the simulated board
//	go test ./hil_test -rig=pi3b            an emulated Raspberry Pi 3B: the kernel's drivers of the real chip
//	go test ./hil_test -rig=edges           an emulated machine whose GPIO lines are driven from outside
//	go test ./hil_test -rig=faults          an emulated machine with wires and every I2C device, which can be made to fail
//	go test ./hil_test -rig=pi              on a Raspberry Pi with two wires; from a desktop with -host=pi@raspberrypi
//
// Several rigs are separated by commas. docs/hil.md shows the wires, and how to add a case or a rig.
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
	rigNames  = flag.String("rig", "sim", "the rigs to run on, separated by commas: sim, pi3b, edges, faults or pi")
	host      = flag.String("host", "", "the Raspberry Pi of -rig=pi, as a destination for ssh (default: this machine)")
	long      = flag.Bool("long", false, "run the soak test too")
	soakTime  = flag.Duration("soak", 10*time.Minute, "duration of the soak test of -long")
	junitFile = flag.String("junit", "", "write the report to this file, as JUnit XML")
	guest     = flag.String("guest", "", "for internal use: the suite runs inside a machine of this rig, and sends its results "+
		"to the harness")
	program = flag.String("fluxd", "", "the daemon's binary (default: build it when it is needed)")
)

// patience bounds every wait: it is how long a broken rig takes to fail.
const patience = 30 * time.Second

// A rig is hardware, or takes its place. A method returns nil for a part that the rig does not have. A case that needs the part
// is then reported as "cannot".
type rig interface {
	name() string
	// board is the board in the robot files.
	board() string
	// started is called with each robot of this process, before it is armed or moves.
	started(r *daemon.Robot)
	// thermometer is an I2C thermometer whose temperature the suite sets.
	thermometer() *thermometer
	// pwm is a PWM pin that the suite observes.
	pwm() *pwmProbe
	// wire is an output that the suite observes and, on some rigs, an input that it drives.
	wire() *wire
	// pins are two lines that the suite can drive and observe, whether the robot uses them as inputs or outputs.
	pins() *pins
	// bus is an I2C bus with simulated devices that can be made to fail.
	bus() *bus
	// daemon is the fluxd binary, for robots in a separate process. The rig's hardware must outlive that process.
	daemon(t *testing.T) (binary string)
	// missing returns a function that cuts a wire, or joins it again, and checks the wires; nil: the rig has no wires that can be
	// cut.
	missing() func(cut bool) error
	// watchdog returns a function that counts how often the hardware watchdog would have restarted the machine.
	watchdog() func() int
}

type thermometer struct {
	sensor string               // device, bus and address, as in a robot file
	set    func(celsius int)    // sets the temperature
	unplug func(unplugged bool) // nil: it cannot be unplugged
}

type pwmProbe struct {
	pin       string
	read      func() (frequency, duty float64) // Hz, 0 to 1
	tolerance float64                          // of the reading, relative
}

type wire struct {
	input    string                                           // an input pin; "": the rig has none
	actuator string                                           // an actuator that is on or off, with its pin, as in a robot file
	drive    func(high bool)                                  // drives the input, and sets the mark
	mark     func()                                           // sets the mark: time is measured from here
	seen     func(high bool) (after time.Duration, err error) // waits until the output has a level; the time since the mark
}

type pins struct {
	one, two string
	drive    func(pin string, high bool)
	watch    func(pin string, notify func(high bool))
	weigh    func(counts uint32) (clock, data string) // sets the counts of an HX711 and returns its pins; nil: the rig has none
	release  func()
}

type bus struct {
	name    string
	board   string               // the board in robot files; it has every device of the file
	devices func() *sim.Board    // the simulated board with the devices
	early   bool                 // the suite can attach devices before a robot starts
	clock   func() time.Duration // the clock of the devices
}

// under is the rig that the cases run on.
var under rig

func TestMain(m *testing.M) {
	flag.Parse()
	os.Exit(run(m))
}

func run(m *testing.M) (code int) {
	if testing.Short() {
		fmt.Println("skipped by -short: these tests run in real time")
		return 0
	}
	if *guest != "" {
		if under, code = newGuest(*guest); code == 0 {
			code = m.Run()
		}
		announce("done %d", code)
		return code
	}
	if *long && limit() < *soakTime+5*time.Minute {
		fmt.Fprintf(os.Stderr, "-long takes more than %v for each rig: expected a -timeout longer than %v\n", *soakTime, limit())
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

// limit returns the -timeout of go test.
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

// announce sends the harness a line that it does not answer.
func announce(format string, args ...any) { fmt.Printf("\n@suite "+format+"\n", args...) }

// testCase is a running case.
type testCase struct {
	t       *testing.T
	figures []string // for the report
	cannot  string   // why the rig cannot run the case
}

func begin(t *testing.T) *testCase {
	t.Helper()
	c, start := &testCase{t: t}, time.Now()
	t.Cleanup(func() {
		verdict, figures := passed, strings.Join(c.figures, ", ")
		switch {
		case c.cannot != "":
			verdict, figures = cannot, c.cannot
		case t.Failed():
			verdict = failed
		}
		one := result{
			Rig: under.name(), Case: strings.TrimPrefix(t.Name(), "Test"), Verdict: verdict, Figures: figures, duration: time.Since(start),
		}
		report.add(one)
		if *guest != "" {
			announce("case %s", one.line())
		}
	})
	return c
}

func (c *testCase) figure(format string, args ...any) {
	c.figures = append(c.figures, fmt.Sprintf(format, args...))
}

// mayLack lists the cases that a rig may be unable to run. If another case lacks something, it fails: no case passes by being
// skipped.
var mayLack = map[string]string{
	"sim": "ClockJumps EveryActuatorOnTheBus EveryEndOfTheDaemon SystemdWatchdog HardwareWatchdog MissingWires WhateverAnswers",
	"pi3b": "BusFaults EverySensorOnTheBus EveryActuatorOnTheBus EverySensorOnPins HardwareWatchdog Reflex EdgeStorm " +
		"UnpluggedAndReplugged MissingWires",
	"edges": "BusFaults EverySensorOnTheBus EveryActuatorOnTheBus EverySensorOnPins HardwareWatchdog HeatTurnsTheFan " +
		"HeatSwitchesTheRelay PWM StopsReachThePWM UnpluggedAndReplugged MissingWires WhateverAnswers",
	"faults": "",
	"pi": "ClockJumps BusFaults EverySensorOnTheBus EveryActuatorOnTheBus EverySensorOnPins HardwareWatchdog HeatTurnsTheFan " +
		"HeatSwitchesTheRelay StopsReachThePWM UnpluggedAndReplugged MissingWires WhateverAnswers",
}

// needs ends a case that the rig cannot run.
func (c *testCase) needs(has bool, what string) {
	c.t.Helper()
	if has {
		return
	}
	if name := strings.TrimPrefix(c.t.Name(), "Test"); !slices.Contains(strings.Fields(mayLack[under.name()]), name) {
		c.t.Fatalf("the rig has no %s, but must have it for this case", what)
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
	opts := daemon.RunOptions{
		Version: "hil", Seed: 1, Arm: true, Log: log, Started: func(r *daemon.Robot) { started <- r },
	}
	go func() { ended <- daemon.Run(ctx, config, opts) }()
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
		t.Fatalf("the robot could not start: %v", err)
	case <-time.After(patience):
		t.Fatal("the robot does not start")
	}
	return nil, nil
}

// eventually waits until a condition holds, and returns how long it took.
func eventually(t *testing.T, what string, condition func() bool) time.Duration {
	t.Helper()
	begun := time.Now()
	for !condition() {
		if time.Since(begun) > patience {
			t.Fatalf("waited in vain for %s", what)
		}
		time.Sleep(time.Millisecond)
	}
	return time.Since(begun)
}

// view is the state of an observed line: its level, and when it last rose and fell. It may be used from any goroutine.
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

// reached reports whether the line has had a level since the mark, even briefly, and how long after the mark it reached it; 0 if
// it had the level already.
func (v *view) reached(high bool) (time.Duration, bool) {
	v.mutex.Lock()
	defer v.mutex.Unlock()
	at := v.fell
	if high {
		at = v.rose
	}
	return max(0, at-v.marked), v.high == high || at > v.marked
}

// wait waits until the line has had a level since the mark. It returns how long after the mark that was.
func (v *view) wait(high bool) (time.Duration, error) {
	for end := v.clock() + patience; v.clock() < end; time.Sleep(100 * time.Microsecond) {
		if after, reached := v.reached(high); reached {
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
