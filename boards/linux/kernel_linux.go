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

// consumer is what gpioinfo shows as the user of our lines.
const consumer = "fluxd"

// eventBuffer is how many edges the kernel keeps of a line until we take them: the most that it allows.
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
			failed = err // which the library would hide behind an error of its own
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
		return all, nil // what a robot does not use may fail
	}
	return nil, failed
}

func (d device) input(chip string, offset int, pull, edge int, told func(at time.Duration, high bool, sequence uint32)) (line, error) {
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
			told(d.since(e.Timestamp), e.Type == gpiocdev.LineEventRisingEdge, e.LineSeqno)
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

// since converts a stamp of CLOCK_MONOTONIC to the board's time. Go's own monotonic time is the same clock, but it does not tell its
// zero, so both are read, one after the other, each time: the error is the time between the two, less than a microsecond unless this
// goroutine is interrupted between them; of three tries the quickest counts.
func (d device) since(stamp time.Duration) time.Duration {
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
