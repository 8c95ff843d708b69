package hil_test

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"fluxd/boards/raspberrypi"
	"fluxd/boards/sim"
	"fluxd/cmd/fluxd/daemon"

	"github.com/warthog618/go-gpiocdev"
	"golang.org/x/sys/unix"
	"periph.io/x/conn/v3/gpio"
	"periph.io/x/conn/v3/physic"
)

// Each wire has one end at the suite and one at the robot. Suite and robot are in one process, but the suite accesses its ends
// through another library, and the kernel stamps the edges that it observes.
const (
	driveLine, inputLine = 17, 27 // the suite drives, the robot reads
	seenLine, outputLine = 22, 12 // the suite observes, the robot drives
)

// wired is a machine whose lines are joined by wires: a Raspberry Pi, or an emulated machine.
type wired struct {
	kind      string
	chip      string
	responder *responder // answers on the I2C bus with simulated devices; nil: the bus is real
	console   *console   // nil: not emulated, so there is no harness outside

	mutex  sync.Mutex
	held   map[int]*gpiocdev.Line
	output view
	edges  []edge // of the output, the latest
	notify func(high bool)
	built  string
}

type edge struct {
	at   time.Duration
	high bool
}

// chipLabels are the labels of GPIO chips that have the pins of the header, with the GPIO numbers as offsets.
var chipLabels = []string{"pinctrl-bcm2835", "pinctrl-bcm2711", "pinctrl-rp1", "fluxd-hil"}

func monotonic() time.Duration {
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &now); err != nil {
		panic(err)
	}
	return time.Duration(now.Nano())
}

func newWired(kind string) (*wired, error) {
	w := &wired{kind: kind, held: map[int]*gpiocdev.Line{}, output: view{clock: monotonic}}
	for _, name := range gpiocdev.Chips() {
		c, err := gpiocdev.NewChip(name)
		if err != nil {
			return nil, err
		}
		if slices.Contains(chipLabels, c.Label) {
			w.chip = name
		}
		c.Close()
	}
	if w.chip == "" {
		return nil, fmt.Errorf("no GPIO chip is a Raspberry Pi's: expected one of %s among %s",
			strings.Join(chipLabels, ", "), strings.Join(gpiocdev.Chips(), ", "))
	}
	return w, nil
}

// newPi returns the rig with a Raspberry Pi. It checks the wires first.
func newPi() (rig, int) {
	w, err := newWired("pi")
	if err == nil {
		err = w.checkWires()
	}
	if err != nil {
		fmt.Println(err)
		report.add(result{Rig: "pi", Case: "wires", Verdict: failed, Figures: err.Error()})
		if *guest != "" {
			announce("case %s", report.all[0].line())
		}
		return nil, 1
	}
	return w, 0
}

// newFaults returns the rig whose hardware is our own kernel module.
func newFaults(c *console) (rig, int) {
	w, err := newWired("faults")
	if err == nil {
		w.responder, err = newResponder()
	}
	if err == nil {
		err = errors.Join(
			wireParameter("wire", driveLine, inputLine), wireParameter("wire", seenLine, outputLine), w.checkWires())
	}
	if err != nil {
		fmt.Println(err)
		return nil, 1
	}
	w.console = c
	return w, 0
}

func parameter(name, value string) error {
	return os.WriteFile("/sys/module/fluxd_hil/parameters/"+name, []byte(value), 0)
}

// wireParameter joins two lines of the module ("wire"), or cuts their wire ("cut").
func wireParameter(name string, one, other int) error {
	return parameter(name, fmt.Sprintf("%d-%d", one, other))
}

// position is the position of a GPIO on the 40-pin header.
var position = map[int]int{12: 32, 17: 11, 22: 15, 27: 13}

// checkWires returns an error that names the missing wires. The reading end is pulled to the opposite level each time, so that an
// open line does not pass as a wire.
func (w *wired) checkWires() error {
	out := func(line int) func(high bool) (undo func(), err error) {
		return func(high bool) (func(), error) {
			value := 0
			if high {
				value = 1
			}
			l, err := gpiocdev.RequestLine(w.chip, line, gpiocdev.WithConsumer("fluxd-hil"), gpiocdev.AsOutput(value))
			if err != nil {
				return nil, err
			}
			return func() { _ = l.Reconfigure(gpiocdev.AsInput); l.Close() }, nil
		}
	}
	output := out(outputLine)
	if w.kind == "pi" {
		output = pulsed // using it as a GPIO line would disconnect it from its PWM until the machine restarts
	}
	return errors.Join(
		w.checkWire(driveLine, inputLine, inputLine, out(driveLine)), w.checkWire(seenLine, outputLine, seenLine, output))
}

func (w *wired) checkWire(one, other, reader int, drive func(high bool) (func(), error)) error {
	for _, high := range []bool{true, false} {
		seen, err := w.carries(reader, high, drive)
		if err != nil {
			return fmt.Errorf("GPIO%d and GPIO%d: %w", one, other, err)
		}
		if !seen {
			return fmt.Errorf("no wire from GPIO%d to GPIO%d: join the pins %d and %d of the header with 1 kohm (docs/hil.md)",
				one, other, position[one], position[other])
		}
	}
	return nil
}

func (w *wired) carries(reader int, high bool, drive func(high bool) (func(), error)) (bool, error) {
	value, against := 0, gpiocdev.LineReqOption(gpiocdev.WithPullUp)
	if high {
		value, against = 1, gpiocdev.WithPullDown
	}
	far, err := gpiocdev.RequestLine(w.chip, reader, gpiocdev.WithConsumer("fluxd-hil"), gpiocdev.AsInput, against)
	if err != nil {
		return false, err
	}
	defer far.Close()
	undo, err := drive(high)
	if err != nil {
		return false, err
	}
	defer undo()
	time.Sleep(5 * time.Millisecond) // pulls are weak
	got, err := far.Value()
	return got == value, err
}

// pulsed drives the output of a Raspberry Pi by its PWM, with a duty cycle of 0 or 100 %.
func pulsed(high bool) (func(), error) {
	start := time.Now()
	clock := func() time.Duration { return time.Since(start) }
	board, err := raspberrypi.New(slog.New(slog.DiscardHandler), clock, "/")
	if err != nil {
		return nil, err
	}
	p, err := board.Pin(fmt.Sprintf("GPIO%d", outputLine))
	if err != nil {
		return nil, err
	}
	duty := gpio.Duty(0)
	if high {
		duty = gpio.DutyMax
	}
	if err := p.PWM(duty, physic.KiloHertz); err != nil {
		return nil, err
	}
	return func() { _ = p.PWM(0, physic.KiloHertz); board.Halt() }, nil
}

func (w *wired) name() string { return w.kind }

func (w *wired) board() string {
	if w.kind == "pi" {
		return "{kind: raspberrypi}"
	}
	return "{kind: linux}"
}

func (w *wired) started(*daemon.Robot) {}

// daemon returns the binary of -fluxd, or builds one.
func (w *wired) daemon(t *testing.T) string {
	t.Helper()
	if *program != "" {
		return *program
	}
	if w.built == "" {
		to := filepath.Join(os.TempDir(), fmt.Sprintf("fluxd-hil-%d", os.Getpid()))
		if out, err := exec.Command("go", "build", "-o", to, "fluxd/cmd/fluxd").CombinedOutput(); err != nil {
			t.Fatalf("build the daemon: %v\n%s", err, out)
		}
		w.built = to
	}
	return w.built
}

// watchOutput makes the kernel report the edges of the robot's output, at the suite's end of the wire.
func (w *wired) watchOutput() {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	if w.held[seenLine] != nil {
		return
	}
	handler := func(e gpiocdev.LineEvent) {
		high := e.Type == gpiocdev.LineEventRisingEdge
		w.output.changed(e.Timestamp, high)
		w.mutex.Lock()
		w.edges = append(w.edges, edge{e.Timestamp, high})
		if len(w.edges) > 20_000 {
			w.edges = slices.Delete(w.edges, 0, 10_000)
		}
		notify := w.notify
		w.mutex.Unlock()
		if notify != nil {
			notify(high)
		}
	}
	l, err := gpiocdev.RequestLine(w.chip, seenLine, gpiocdev.WithConsumer("fluxd-hil"), gpiocdev.AsInput, gpiocdev.WithPullDown,
		gpiocdev.WithBothEdges, gpiocdev.WithEventHandler(handler), gpiocdev.WithEventBufferSize(1024))
	if err != nil {
		panic(err)
	}
	w.held[seenLine] = l
	if value, err := l.Value(); err == nil {
		w.output.changed(monotonic(), value == 1)
	}
}

func (w *wired) drive(line int, high bool) {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	value := 0
	if high {
		value = 1
	}
	l := w.held[line]
	if l == nil {
		var err error
		if l, err = gpiocdev.RequestLine(w.chip, line, gpiocdev.WithConsumer("fluxd-hil"), gpiocdev.AsOutput(value)); err != nil {
			panic(err)
		}
		w.held[line] = l
	}
	w.output.mark()
	if err := l.SetValue(value); err != nil {
		panic(err)
	}
}

// release releases the suite's end of a wire.
func (w *wired) release(line int) {
	w.mutex.Lock()
	l := w.held[line]
	delete(w.held, line)
	w.mutex.Unlock()
	if l != nil {
		_ = l.Reconfigure(gpiocdev.AsInput) // a released output would keep its level
		l.Close()
	}
}

func (w *wired) thermometer() *thermometer {
	if w.responder == nil {
		return nil // a real one cannot be heated by the suite
	}
	return &thermometer{
		sensor: tmp105Device,
		set:    func(celsius int) { w.responder.celsius.Store(int64(celsius)) },
		unplug: func(unplugged bool) { unplug(w.responder.board, tmp105Address, unplugged) },
	}
}

// pwm is read from the wire.
func (w *wired) pwm() *pwmProbe {
	p := &pwmProbe{pin: "pwmchip0/0", read: w.pulses, tolerance: 0.15} // an emulated machine's timers are late, by varying amounts
	if w.kind == "pi" {
		p.pin, p.tolerance = "GPIO12", 0.02
	}
	return p
}

// pulses observes the wire for 120 ms, which is six periods of a servo. It returns the medians over the periods, so that a single
// period for which the machine was late does not matter.
func (w *wired) pulses() (frequency, duty float64) {
	w.watchOutput()
	w.mutex.Lock()
	w.edges = w.edges[:0]
	w.mutex.Unlock()
	time.Sleep(120 * time.Millisecond)
	w.mutex.Lock()
	edges := slices.Clone(w.edges)
	w.mutex.Unlock()
	for len(edges) > 0 && !edges[0].high {
		edges = edges[1:]
	}
	var periods, shares []float64
	for i := 0; i+2 < len(edges); i += 2 {
		up, down, again := edges[i], edges[i+1], edges[i+2]
		if !up.high || down.high || !again.high { // edges were lost
			i--
			continue
		}
		periods = append(periods, (again.at - up.at).Seconds())
		shares = append(shares, float64(down.at-up.at)/float64(again.at-up.at))
	}
	if len(periods) == 0 {
		w.output.mutex.Lock()
		defer w.output.mutex.Unlock()
		if w.output.high {
			return 0, 1
		}
		return 0, 0
	}
	slices.Sort(periods)
	slices.Sort(shares)
	return 1 / periods[len(periods)/2], shares[len(shares)/2]
}

func (w *wired) wire() *wire {
	w.watchOutput()
	actuator := fmt.Sprintf("device: relay, pin: GPIO%d", outputLine)
	if w.kind == "pi" {
		// Using the pin as a GPIO output would disconnect it from its PWM until the machine restarts.
		actuator = fmt.Sprintf("device: dimmer, linear: true, slew: none, frequency: 10 kHz, pwm: GPIO%d", outputLine)
	}
	return &wire{
		input: fmt.Sprintf("GPIO%d", inputLine), actuator: actuator,
		drive: func(high bool) { w.drive(driveLine, high) },
		mark:  w.output.mark,
		seen:  w.output.wait,
	}
}

func (w *wired) pins() *pins {
	if w.kind == "pi" {
		return nil // its second wire ends at a PWM pin
	}
	near := map[string]int{fmt.Sprintf("GPIO%d", inputLine): driveLine, fmt.Sprintf("GPIO%d", outputLine): seenLine}
	w.release(seenLine)
	return &pins{
		one: fmt.Sprintf("GPIO%d", inputLine), two: fmt.Sprintf("GPIO%d", outputLine),
		drive: func(pin string, high bool) { w.drive(near[pin], high) },
		watch: func(pin string, notify func(bool)) {
			if near[pin] != seenLine {
				panic("only the robot's output can be watched")
			}
			w.watchOutput()
			w.mutex.Lock()
			defer w.mutex.Unlock()
			w.notify = notify
		},
		weigh: func(counts uint32) (clock, data string) {
			if err := parameter("weigh", fmt.Sprintf("5,6,%d", counts)); err != nil {
				panic(err)
			}
			return "GPIO5", "GPIO6"
		},
		release: func() {
			w.release(driveLine)
			w.release(seenLine)
			w.mutex.Lock()
			defer w.mutex.Unlock()
			w.notify = nil
		},
	}
}

func (w *wired) bus() *bus {
	if w.responder == nil {
		return nil
	}
	devices := func() *sim.Board { return w.responder.board }
	return &bus{name: busName, board: "{kind: linux}", devices: devices, early: true, clock: w.responder.clock}
}

// missing returns a function that cuts or joins a wire and then checks the wires.
func (w *wired) missing() func(cut bool) error {
	if w.console == nil {
		return nil
	}
	return func(cut bool) error {
		w.release(driveLine)
		w.release(seenLine)
		name := "wire"
		if cut {
			name = "cut"
		}
		return errors.Join(wireParameter(name, driveLine, inputLine), w.checkWires())
	}
}

func (w *wired) watchdog() func() int {
	if w.console == nil {
		return nil // it would really restart a Raspberry Pi
	}
	return func() int {
		n, err := strconv.Atoi(w.console.ask("watchdog"))
		if err != nil {
			panic(err)
		}
		return n
	}
}
