package linux

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"fluxd/sensors"

	"periph.io/x/conn/v3/gpio"
	"periph.io/x/conn/v3/i2c"
	"periph.io/x/conn/v3/i2c/i2ctest"
	"periph.io/x/conn/v3/physic"
)

var _ sensors.EdgePin = (*Pin)(nil)

// fake is a fake kernel with two chips.
type fake struct {
	log    []string
	busy   error
	broken bool
	level  int
	onEdge func(at time.Duration, high bool, sequence uint32)
	closed int
}

func (f *fake) chips() ([]chip, error) {
	if f.broken {
		return nil, errors.New("open /dev/gpiochip0: permission denied")
	}
	return []chip{{"gpiochip0", "pinctrl-bcm2835", make([]string, 54)}, {"gpiochip1", "expander", []string{"", "LED", ""}}}, nil
}

func (f *fake) input(chip string, offset, pull, edge int, onEdge func(time.Duration, bool, uint32)) (line, error) {
	f.log = append(f.log, fmt.Sprintf("%s %d in %v %v", chip, offset, gpio.Pull(pull), gpio.Edge(edge)))
	f.onEdge = onEdge
	return f, f.busy
}

func (f *fake) output(chip string, offset int, high bool) (line, error) {
	f.log = append(f.log, fmt.Sprintf("%s %d out %v", chip, offset, high))
	return f, f.busy
}

func (f *fake) Value() (int, error) {
	if f.broken {
		return 0, errors.New("no such device")
	}
	return f.level, nil
}
func (f *fake) SetValue(v int) error { f.log = append(f.log, fmt.Sprint("set ", v)); return f.busy }
func (f *fake) Close() error         { f.closed++; return nil }

func onFake(t *testing.T) (*Board, *fake) {
	t.Helper()
	header := &Header{Name: "pi", Chips: []string{"pinctrl-bcm2835"}, Lines: map[string]int{"GPIO17": 17}}
	b := New(slog.New(slog.DiscardHandler), func() time.Duration { return 0 }, &Opts{Header: header})
	f := &fake{}
	b.kernel = f
	return b, f
}

func pinOf(t *testing.T, b *Board, name string) *Pin {
	t.Helper()
	p, err := b.Pin(name)
	if err != nil {
		t.Fatal(err)
	}
	return p.(*Pin)
}

func expectLog(t *testing.T, f *fake, want ...string) {
	t.Helper()
	if got := strings.Join(f.log, "; "); got != strings.Join(want, "; ") {
		t.Errorf("asked the kernel for %q, want %q", got, want)
	}
	f.log = nil
}

func TestPinByItsNames(t *testing.T) {
	b, f := onFake(t)
	for name, want := range map[string]string{"GPIO17": "gpiochip0 17 in Float NoEdge", "LED": "gpiochip1 1 in Float NoEdge",
		"gpiochip1:2": "gpiochip1 2 in Float NoEdge"} {
		if err := pinOf(t, b, name).In(gpio.Float, gpio.NoEdge); err != nil {
			t.Error(err)
		}
		expectLog(t, f, want)
	}
	for _, name := range []string{"GPIO99", "gpiochip1:3", "gpiochip9:0", ""} {
		if _, err := b.Pin(name); err == nil || !strings.Contains(err.Error(), "GPIO17, LED") ||
			!strings.Contains(err.Error(), "gpiochip1 (expander, 3 lines)") {
			t.Errorf("%q: expected an error that lists the pins, got %v", name, err)
		}
	}
	if _, err := b.Pin("gpiochip0:17"); err == nil || !strings.Contains(err.Error(), `in use as "GPIO17"`) {
		t.Errorf("a second name of a line in use: %v", err)
	}
	f.broken = true
	if _, err := b.Pin("GPIO4"); err == nil || !strings.Contains(err.Error(), "permission denied") ||
		!strings.Contains(err.Error(), "usermod -aG gpio") {
		t.Errorf("without the right: %v", err)
	}
}

func TestPinLevels(t *testing.T) {
	b, f := onFake(t)
	p := pinOf(t, b, "GPIO17")
	if _, err := p.ReadLevel(); err == nil || p.Read() != gpio.Low || p.Function() != "" {
		t.Errorf("before its first use: %v, %s", err, p.Function())
	}
	for _, step := range []struct {
		do   func() error
		want string
		does string
	}{
		{func() error { return p.Out(gpio.High) }, "gpiochip0 17 out true", "OUT"},
		{func() error { return p.Out(gpio.Low) }, "set 0", "OUT"},
		{func() error { return p.In(gpio.PullUp, gpio.BothEdges) }, "gpiochip0 17 in PullUp BothEdges", "IN"},
		{func() error { return p.Out(gpio.Low) }, "gpiochip0 17 out false", "OUT"},
		{p.Halt, "", "OUT"}, // letting go of an output would let it float
	} {
		if err := step.do(); err != nil {
			t.Fatal(err)
		}
		if step.want == "" {
			expectLog(t, f)
		} else {
			expectLog(t, f, step.want)
		}
		if p.Function() != step.does {
			t.Errorf("%s: does %s", step.want, p.Function())
		}
	}
	f.level = 1
	if level, err := p.ReadLevel(); err != nil || level != gpio.High || p.Read() != gpio.High {
		t.Errorf("%v, %v", level, err)
	}
	f.broken = true
	if _, err := p.ReadLevel(); err == nil || p.Read() != gpio.Low {
		t.Errorf("a chip that is gone: %v", err)
	}
	closed := f.closed
	if err := b.Halt(); err != nil || f.closed != closed+1 {
		t.Errorf("halt: %v, %d lines closed", err, f.closed-closed)
	}
}

// Requesting the line ends the PWM of a pin until the machine restarts, and the kernel does not report it. So a pin can be used
// for one of them only, and a driver whose PWM fails for a moment can set the pin low without losing the PWM.
func TestPWMAndLineOfTheSamePin(t *testing.T) {
	root := tree(t)
	header := &Header{Name: "pi", Chips: []string{"pinctrl-bcm2835"}, Lines: map[string]int{"GPIO12": 12, "GPIO17": 17},
		PWM: map[string]Channel{"GPIO12": {"20c000.pwm", 0}}}
	b := newBoard(root, header)
	f := &fake{}
	b.kernel, b.real = f, true
	if err := pinOf(t, b, "GPIO17").PWM(0, physic.KiloHertz); err == nil ||
		!strings.Contains(err.Error(), "cannot do PWM: expected GPIO12") {
		t.Errorf("a pin without PWM: %v", err)
	}
	p := pinOf(t, b, "GPIO12")
	if err := p.PWM(gpio.DutyHalf, physic.KiloHertz); err == nil { // the channel does not appear
		t.Error("expected an error")
	}
	if err := p.Out(gpio.Low); err == nil {
		t.Error("expected the channel's error")
	}
	expectLog(t, f)
	appear(t, root+"/sys/class/pwm/pwmchip0", 0)
	if err := p.PWM(gpio.DutyHalf, physic.KiloHertz); err != nil || shows(t, root, "pwm0/duty_cycle") != "500000" {
		t.Errorf("when it has appeared: %v", err)
	}
	if err := p.In(gpio.PullUp, gpio.NoEdge); err == nil || !strings.Contains(err.Error(), "use it for one or the other") ||
		p.Function() != "PWM" {
		t.Errorf("input while it does PWM: %v, does %s", err, p.Function())
	}
	expectLog(t, f)

	other := newBoard(root, header)
	other.kernel, other.real = f, true
	p = pinOf(t, other, "GPIO12")
	if err := p.Out(gpio.High); err != nil {
		t.Fatal(err)
	}
	expectLog(t, f, "gpiochip0 12 out true")
	if err := p.PWM(0, physic.KiloHertz); err == nil || !strings.Contains(err.Error(), "was used as input or output before") {
		t.Errorf("PWM after the line: %v", err)
	}
}

func TestPinThatAnotherProgramHas(t *testing.T) {
	b, f := onFake(t)
	f.busy = errors.New(`device or resource busy: "spi0 CS1" has it`)
	p := pinOf(t, b, "GPIO17")
	for _, err := range []error{p.In(gpio.PullUp, gpio.NoEdge), p.Out(gpio.Low)} {
		if !errors.Is(err, f.busy) || !strings.HasPrefix(err.Error(), "GPIO17 (gpiochip0 line 17): use it as ") {
			t.Errorf("got %v", err)
		}
	}
}

func TestPinKeepsEdges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, f := onFake(t)
		p := pinOf(t, b, "GPIO17")
		if err := p.In(gpio.PullUp, gpio.BothEdges); err != nil {
			t.Fatal(err)
		}
		f.onEdge(7*time.Millisecond, false, 1)
		f.onEdge(9*time.Millisecond, true, 2)
		for _, want := range []edge{{7 * time.Millisecond, gpio.Low}, {9 * time.Millisecond, gpio.High}} {
			if at, level, ok := p.NextEdge(0); !ok || at != want.at || level != want.level {
				t.Errorf("%v at %v, want %v", level, at, want)
			}
		}
		start := time.Now()
		if _, _, ok := p.NextEdge(time.Second); ok || time.Since(start) != time.Second {
			t.Errorf("%v after %v", ok, time.Since(start))
		}
		go func() { time.Sleep(time.Second); f.onEdge(11*time.Millisecond, false, 3) }()
		if !p.WaitForEdge(-1) || time.Since(start) != 2*time.Second {
			t.Errorf("after %v", time.Since(start))
		}
		go func() { time.Sleep(time.Second); p.Halt() }()
		if p.WaitForEdge(-1) || time.Since(start) != 3*time.Second {
			t.Errorf("halt did not end the wait: after %v", time.Since(start))
		}
		// The kernel dropped two, and the pin has room for 1,024 of the others.
		f.onEdge(0, true, 6)
		for i := range uint32(maxEdges + 4) {
			f.onEdge(0, true, 7+i)
		}
		if lost := p.LostEdges(); lost != 2+5 {
			t.Errorf("lost %d, want 7", lost)
		}
		if err := p.In(gpio.PullUp, gpio.BothEdges); err != nil { // edges from before are forgotten
			t.Fatal(err)
		}
		if _, _, ok := p.NextEdge(0); ok {
			t.Error("got an edge from before In")
		}
		if err := p.In(gpio.PullUp, gpio.BothEdges); err != nil {
			t.Fatal(err)
		}
		f.onEdge(0, true, 1) // the numbers start again
		if lost := p.LostEdges(); lost != 7 {
			t.Errorf("lost %d, want still 7", lost)
		}
	})
}

func TestBusIsSharedUntilHalt(t *testing.T) {
	root := tree(t)
	for _, name := range []string{"i2c-1", "i2c-20"} {
		put(t, root+"/dev/"+name, "")
	}
	b := newBoard(root, nil)
	w, opened := &wires{}, 0
	b.open = func(number int) (i2c.BusCloser, error) {
		if opened++; number != 1 {
			return nil, io.ErrClosedPipe
		}
		return w, nil
	}
	if got := strings.Join(b.Buses(), " "); got != "I2C1 I2C20" {
		t.Errorf("buses %s", got)
	}
	first, err := b.Bus("I2C1")
	if err != nil {
		t.Fatal(err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"1", "/dev/i2c-1", "I2C1"} {
		if again, err := b.Bus(name); err != nil || again != first || again.String() != "I2C1" {
			t.Errorf("bus %q: got %v, %v, want the open one", name, again, err)
		}
	}
	if opened != 1 || w.closed != 0 {
		t.Errorf("opened %d times, closed %d times before the halt", opened, w.closed)
	}
	if _, err := b.Bus("20"); !errors.Is(err, io.ErrClosedPipe) || !strings.Contains(err.Error(), "usermod -aG i2c $USER") {
		t.Errorf("a bus that does not open: %v", err)
	}
	for _, name := range []string{"I2C9", "-1", ""} {
		if _, err := b.Bus(name); err == nil || !strings.Contains(err.Error(), "expected one of I2C1, I2C20") {
			t.Errorf("bus %q: %v", name, err)
		}
	}
	for range 2 {
		if err := b.Halt(); err != nil {
			t.Error(err)
		}
	}
	if w.closed != 1 {
		t.Errorf("closed %d times by the halt", w.closed)
	}
	if _, err := newBoard(t.TempDir(), nil).Bus("1"); err == nil || !strings.Contains(err.Error(), "shows no I2C buses") {
		t.Errorf("without buses: %v", err)
	}
}

// wires is a bus that counts its Close calls.
type wires struct {
	i2ctest.Playback
	closed int
}

func (w *wires) Close() error { w.closed++; return nil }
