// Package hil_test runs whole robots on whatever stands for hardware: the simulated board, an emulated machine with a real kernel and
// real drivers, a Raspberry Pi with loop-back wires. The cases are the same everywhere; what a rig cannot do it says, and the report shows.
//
//	go test ./hil_test                      the simulated board
//	go test ./hil_test -rig=pi3b            an emulated Raspberry Pi 3B: kernel drivers for I2C, GPIO and PWM
//	go test ./hil_test -rig=edges           an emulated machine whose GPIO lines are driven from outside
//
// docs/hil.md tells how a rig or a case is added.
package hil_test

import (
	"context"
	"encoding/xml"
	"flag"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"text/tabwriter"
	"time"

	"fluxd/cmd/fluxd/daemon"
	"fluxd/configs"

	"log/slog"
)

var (
	rigName   = flag.String("rig", "sim", "what stands for hardware: sim, pi3b or edges")
	junitFile = flag.String("junit", "", "file for the report as JUnit XML")
	guest     = flag.String("guest", "", "this is the suite inside an emulated machine, of this rig")
)

// patience bounds every wait: it is what a broken rig takes to fail.
const patience = 30 * time.Second

// A rig is what stands for hardware. Each part that it has not is nil.
type rig interface {
	name() string
	// board is the robot file's board.
	board() string
	// started is called with each robot, before it is armed or moves.
	started(r *daemon.Robot)
	// thermometer is one on I2C.
	thermometer() *thermometer
	// pwm is a pin that does PWM, and what is seen of it from outside the daemon.
	pwm() *pwmProbe
	// loop is an input that is driven from outside, and an output that is seen from outside.
	loop() *loopBack
}

type thermometer struct {
	sensor string               // device, bus and address, as in a robot file
	set    func(celsius int)    // from outside
	unplug func(unplugged bool) // nil where it cannot be
}

type pwmProbe struct {
	pin  string
	read func() (frequency float64, duty float64) // Hz, 0 to 1
}

type loopBack struct {
	input, output string
	drive         func(high bool)
	level         func() bool // nil where the output is not seen
}

// under is the rig that the cases run on.
var under rig

func TestMain(m *testing.M) {
	flag.Parse()
	if os.Getenv("HIL_BE_THE_DAEMON") != "" {
		beTheDaemon()
		return
	}
	var code int
	switch {
	case *guest != "":
		under = newGuest(*guest)
		code = m.Run()
		tell("done %d", code)
		os.Exit(code)
	case *rigName == "sim":
		under = newSim()
		code = m.Run()
	default:
		code = emulate(*rigName)
	}
	if err := report.print(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// result is what became of a case.
type result struct {
	Rig, Case, Verdict, Figures string
	took                        time.Duration
}

// results is the report.
type results struct {
	mutex sync.Mutex
	all   []result
}

var report results

func (r *results) add(one result) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	r.all = append(r.all, one)
}

// print writes the table, and the file for those who collect reports.
func (r *results) print() error {
	if len(r.all) == 0 {
		return nil
	}
	table := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "RIG\tCASE\tVERDICT\tTOOK\tFIGURES")
	type failure struct {
		Message string `xml:"message,attr"`
	}
	type testcase struct {
		Name    string   `xml:"name,attr"`
		Class   string   `xml:"classname,attr"`
		Time    float64  `xml:"time,attr"`
		Failure *failure `xml:"failure,omitempty"`
		Skipped *failure `xml:"skipped,omitempty"`
		Out     string   `xml:"system-out,omitempty"`
	}
	suite := struct {
		XMLName xml.Name `xml:"testsuite"`
		Name    string   `xml:"name,attr"`
		Tests   int      `xml:"tests,attr"`
		Cases   []testcase
	}{Name: "hil", Tests: len(r.all)}
	for _, one := range r.all {
		fmt.Fprintf(table, "%s\t%s\t%s\t%v\t%s\n", one.Rig, one.Case, one.Verdict, one.took.Round(time.Millisecond), one.Figures)
		c := testcase{Name: one.Case, Class: "hil." + one.Rig, Time: one.took.Seconds(), Out: one.Figures}
		switch one.Verdict {
		case "FAIL":
			c.Failure = &failure{one.Figures}
		case "cannot":
			c.Skipped = &failure{one.Figures}
		}
		suite.Cases = append(suite.Cases, c)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	if *junitFile == "" {
		return nil
	}
	text, err := xml.MarshalIndent(suite, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(*junitFile, append([]byte(xml.Header), text...), 0o644)
}

// begin notes a case; the figures that it adds stand in the report. Cannot ends a case that the rig cannot do.
type begun struct {
	t       *testing.T
	figures []string
	cannot  string
}

func begin(t *testing.T) *begun {
	t.Helper()
	c, start := &begun{t: t}, time.Now()
	t.Cleanup(func() {
		verdict, figures := "PASS", strings.Join(c.figures, ", ")
		switch {
		case c.cannot != "":
			verdict, figures = "cannot", c.cannot
		case t.Failed():
			verdict = "FAIL"
		}
		one := result{Rig: under.name(), Case: strings.TrimPrefix(t.Name(), "Test"), Verdict: verdict, Figures: figures, took: time.Since(start)}
		report.add(one)
		if *guest != "" {
			tell("case %s|%s|%s|%d|%s", one.Rig, one.Case, one.Verdict, one.took.Milliseconds(), one.Figures)
		}
	})
	return c
}

func (c *begun) figure(format string, args ...any) {
	c.figures = append(c.figures, fmt.Sprintf(format, args...))
}

func (c *begun) needs(has bool, what string) {
	c.t.Helper()
	if !has {
		c.cannot = "the rig has no " + what
		c.t.Skip(c.cannot)
	}
}

// start runs a robot in this process until the test ends.
func start(t *testing.T, text string) *daemon.Robot {
	t.Helper()
	config, err := configs.Parse("robot.yaml", []byte(text), nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	started, ended := make(chan *daemon.Robot, 1), make(chan error, 1)
	log := slog.New(slog.NewTextHandler(t.Output(), nil))
	go func() {
		ended <- daemon.Run(ctx, config, daemon.RunOptions{Version: "hil", Seed: 1, Arm: true, Log: log, Started: func(r *daemon.Robot) { started <- r }})
	}()
	t.Cleanup(func() {
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
	select {
	case r := <-started:
		under.started(r)
		return r
	case err := <-ended:
		ended <- nil
		t.Fatalf("the robot ended at once: %v", err)
	case <-time.After(patience):
		t.Fatal("the robot does not start")
	}
	return nil
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
