package hardware

import (
	"log/slog"
	"strings"
	"testing"
	"time"

	"fluxd/boards/sim"
	"fluxd/configs"

	"periph.io/x/conn/v3/gpio"
)

const panel = `robot: r
board: {kind: sim}
network: {neurons: {a: {}}}
safety: {start: {pin: GPIO16}, emergency_stop: {pin: GPIO26}, status_light: {pin: GPIO24, active: low}}
mqtt: {broker: none}
`

// A panel has the switches and the light of the robot file, and its light stays off after failsafe.
func TestPanel(t *testing.T) {
	open := func(text string) (*Body, Panel) {
		t.Helper()
		config, err := configs.Parse("test.yaml", []byte(text), nil)
		if err != nil {
			t.Fatal(err)
		}
		body := New(config, Options{Log: slog.New(slog.DiscardHandler)}, func() time.Duration { return 0 })
		if err := body.OpenBoard(); err != nil {
			t.Fatal(err)
		}
		p, err := body.OpenPanel()
		if err != nil {
			t.Fatal(err)
		}
		return body, p
	}
	body, p := open(panel)
	pin, err := body.Board.(*sim.Board).Line("GPIO24")
	if err != nil {
		t.Fatal(err)
	}
	for _, switched := range []interface {
		Sample(time.Duration) (int64, error)
	}{p.Start, p.Stop} {
		if pressed, err := switched.Sample(0); pressed != 0 || err != nil {
			t.Errorf("%v: %d, %v", switched, pressed, err)
		}
	}
	level := func(want gpio.Level) {
		t.Helper()
		if _, is := pin.Power(); is != want {
			t.Errorf("%v, want %v", is, want)
		}
	}
	for _, lit := range []bool{true, false, true} {
		if err := p.Light.Set(lit); err != nil {
			t.Fatal(err)
		}
		level(gpio.Level(!lit))
	}
	if err := body.Halt(nil); err != nil {
		t.Error(err)
	}
	level(gpio.High)
	if err := p.Light.Set(true); err != nil {
		t.Error(err)
	}
	level(gpio.High)
	_, none := open(strings.Replace(panel, "safety:", "#", 1))
	if none != (Panel{}) {
		t.Errorf("without safety: %+v, want no panel", none)
	}
	if err := Halt(body.config, Options{Log: slog.New(slog.DiscardHandler)}); err != nil { // after the robot's process died
		t.Error(err)
	}
}

// An error names the pin of a panel that cannot be opened. The body can go to failsafe without the light.
func TestPanelThatCannotBeOpened(t *testing.T) {
	for _, c := range []struct{ at, want string }{
		{"GPIO16", "safety.start: "}, {"GPIO26", "safety.emergency_stop: "}, {"GPIO24", "safety.status_light: "},
	} {
		config, err := configs.Parse("test.yaml", []byte(panel), nil)
		if err != nil {
			t.Fatal(err)
		}
		body := New(config, Options{Log: slog.New(slog.DiscardHandler)}, func() time.Duration { return 0 })
		body.Board = lacking{sim.New(func() time.Duration { return 0 }), c.at}
		if _, err := body.OpenPanel(); err == nil || !strings.HasPrefix(err.Error(), c.want+"no pin "+c.at) {
			t.Errorf("without %s: %v", c.at, err)
		}
		if err := body.Failsafe(); err != nil {
			t.Error(err)
		}
	}
}

// lacking is a board without one pin.
type lacking struct {
	*sim.Board
	without string
}

func (l lacking) Pin(name string) (gpio.PinIO, error) {
	if name == l.without {
		return nil, errNoPin(name)
	}
	return l.Board.Pin(name)
}

type errNoPin string

func (e errNoPin) Error() string { return "no pin " + string(e) }
