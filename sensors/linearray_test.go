package sensors_test

import (
	"testing"
	"time"

	"periph.io/x/conn/v3/gpio"

	"fluxd/boards/sim"
	"fluxd/sensors"
)

func TestLineArray(t *testing.T) {
	board := sim.New(func() time.Duration { return 0 })
	var row []gpio.PinIO
	for _, name := range []string{"GPIO9", "GPIO10", "GPIO11", "GPIO22", "GPIO27"} {
		p, err := board.Pin(name)
		if err != nil {
			t.Fatal(err)
		}
		row = append(row, p)
	}
	l, err := sensors.NewLineArray(row, &sensors.LineArrayOpts{Active: "low"})
	position, count, third := measure(t, l, err, "position"), measure(t, l, err, "count"), measure(t, l, err, "2")
	for _, c := range []struct {
		sees                   string
		position, count, third int64
	}{
		{".....", 0, 0, 0}, // the line was never seen
		{"..#..", 0, 1, 1},
		{"...#.", 500_000, 1, 0},
		{"...##", 750_000, 2, 0},
		{".....", 1_000_000, 0, 0}, // the line was lost on the right
		{"#....", -1_000_000, 1, 0},
		{"##...", -750_000, 2, 0},
		{".....", -1_000_000, 0, 0},
		{"#####", 0, 5, 1},
		{".....", 0, 0, 0},
	} {
		for i, p := range row {
			p.(*sim.Pin).Drive(gpio.Level(c.sees[i] != '#'))
		}
		expectReading(t, position, 0, c.position)
		expectReading(t, count, 0, c.count*1_000_000)
		expectReading(t, third, 0, c.third*1_000_000)
	}
	if err := l.Halt(); err != nil {
		t.Error(err)
	}
	if _, err := l.Measure("5"); err == nil {
		t.Error("a sixth sensor: expected an error")
	}
	for _, wrong := range [][]gpio.PinIO{row[:1], {row[0], row[0]}, make([]gpio.PinIO, 17)} {
		if _, err := sensors.NewLineArray(wrong, nil); err == nil {
			t.Errorf("%d pins: expected an error", len(wrong))
		}
	}
	far := newContact()
	far.fail = errRemoteIO
	l, err = sensors.NewLineArray([]gpio.PinIO{far, row[0]}, nil)
	expectFault(t, measure(t, l, err, "position"), 0, "set up GPIO17", "remote I/O error")
}
