package linux

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/warthog618/go-gpiocdev"
	"golang.org/x/sys/unix"
	"periph.io/x/conn/v3/gpio"
)

// consumer is the name that gpioinfo shows as the user of our lines.
const consumer = "fluxd"

// eventBuffer is how many unread edges of a line the kernel keeps: the most that it allows.
const eventBuffer = 1024

// device is the kernel's GPIO character device.
type device struct {
	clock func() time.Duration
}

func newKernel(clock func() time.Duration) kernel { return device{clock} }

func (d device) chips() ([]chip, error) {
	var all []chip
	var failed error
	for _, name := range gpiocdev.Chips() {
		if f, err := os.OpenFile(filepath.Join("/dev", name), os.O_RDWR, 0); errors.Is(err, fs.ErrPermission) {
			failed = err // the library would replace it by an error that says less
			continue
		} else if err == nil {
			f.Close()
		}
		c, err := gpiocdev.NewChip(name)
		if err != nil {
			failed = fmt.Errorf("open /dev/%s: %w", name, err)
			continue
		}
		one := chip{name: name, label: c.Label, lines: make([]string, c.Lines())}
		for offset := range one.lines {
			if info, err := c.LineInfo(offset); err == nil {
				one.lines[offset] = info.Name
			}
		}
		c.Close()
		all = append(all, one)
	}
	if len(all) > 0 {
		return all, nil // a chip that the robot does not use may fail
	}
	return nil, failed
}

func (d device) input(
	chip string, offset, pull, edge int, onEdge func(at time.Duration, high bool, sequence uint32),
) (line, error) {
	options := []gpiocdev.LineReqOption{gpiocdev.WithConsumer(consumer), gpiocdev.AsInput}
	switch gpio.Pull(pull) {
	case gpio.PullUp:
		options = append(options, gpiocdev.WithPullUp)
	case gpio.PullDown:
		options = append(options, gpiocdev.WithPullDown)
	case gpio.Float:
		options = append(options, gpiocdev.WithBiasDisabled)
	}
	if gpio.Edge(edge) != gpio.NoEdge {
		handler := func(e gpiocdev.LineEvent) {
			onEdge(d.boardTime(e.Timestamp), e.Type == gpiocdev.LineEventRisingEdge, e.LineSeqno)
		}
		options = append(options, gpiocdev.WithEventHandler(handler), gpiocdev.WithEventBufferSize(eventBuffer))
		switch gpio.Edge(edge) {
		case gpio.RisingEdge:
			options = append(options, gpiocdev.WithRisingEdge)
		case gpio.FallingEdge:
			options = append(options, gpiocdev.WithFallingEdge)
		default:
			options = append(options, gpiocdev.WithBothEdges)
		}
	}
	return d.request(chip, offset, options)
}

func (d device) output(chip string, offset int, high bool) (line, error) {
	value := 0
	if high {
		value = 1
	}
	return d.request(chip, offset, []gpiocdev.LineReqOption{gpiocdev.WithConsumer(consumer), gpiocdev.AsOutput(value)})
}

func (d device) request(chip string, offset int, options []gpiocdev.LineReqOption) (line, error) {
	l, err := gpiocdev.RequestLine(chip, offset, options...)
	if err == nil {
		return l, nil
	}
	if errors.Is(err, unix.EBUSY) {
		if c, opened := gpiocdev.NewChip(chip); opened == nil {
			defer c.Close()
			if info, known := c.LineInfo(offset); known == nil {
				return nil, fmt.Errorf("%w: %q has it", err, info.Consumer)
			}
		}
	}
	return nil, err
}

// boardTime converts a time of CLOCK_MONOTONIC to the board's clock. Go's monotonic time is the same clock, but Go does not
// reveal its zero. So both clocks are read, one after the other, each time. The error is the time between the two reads: less
// than a microsecond, unless this goroutine is interrupted there. The quickest of three tries counts.
func (d device) boardTime(stamp time.Duration) time.Duration {
	best, offset := time.Duration(1<<63-1), time.Duration(0)
	for range 3 {
		before := monotonic()
		now := d.clock()
		if took := monotonic() - before; took < best {
			best, offset = took, now-before
		}
	}
	return stamp + offset
}

func monotonic() time.Duration {
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &now); err != nil {
		panic(err) // Linux always has it
	}
	return time.Duration(now.Nano())
}

func consumers() (map[string]map[int]string, error) {
	all := map[string]map[int]string{}
	var failed error
	for _, name := range gpiocdev.Chips() {
		c, err := gpiocdev.NewChip(name)
		if err != nil {
			failed = fmt.Errorf("open /dev/%s: %w", name, err)
			continue
		}
		has := map[int]string{}
		for offset := range c.Lines() {
			if info, err := c.LineInfo(offset); err == nil && info.Used {
				has[offset] = info.Consumer
			}
		}
		all[c.Label] = has
		c.Close()
	}
	return all, failed
}
