package sensors

import (
	"errors"
	"reflect"
	"strings"
	"time"

	"periph.io/x/conn/v3/gpio"
	"periph.io/x/conn/v3/i2c"
	"periph.io/x/conn/v3/physic"

	"fluxd/options"
)

// paper is a board with all pins and buses, and without devices. A transfer on one of its buses fails the test.
type paper struct {
	fail func(args ...any)
	file string // text of its only recording
}

func (p paper) Pin(name string) (gpio.PinIO, error)  { return paperPin{gpio.INVALID, name}, nil }
func (p paper) EdgePin(name string) (EdgePin, error) { return paperPin{gpio.INVALID, name}, nil }
func (p paper) Bus(name string) (i2c.Bus, error)     { return paperBus{p, name}, nil }
func (p paper) Recording(string) (*Recording, error) {
	if p.file == "" {
		return nil, errors.New("no such file")
	}
	return ReadRecording("walk.csv", strings.NewReader(p.file))
}

func (p paper) Quantity(string) (func(time.Duration) int64, error) {
	return func(at time.Duration) int64 { return int64(at) }, nil
}

func (p paper) Shared(_ string, create func() any) any { return create() }

type paperPin struct {
	gpio.PinIO
	name string
}

func (p paperPin) Name() string                  { return p.name }
func (p paperPin) Halt() error                   { return nil }
func (p paperPin) In(gpio.Pull, gpio.Edge) error { return nil }
func (p paperPin) NextEdge(time.Duration) (time.Duration, gpio.Level, bool) {
	return 0, gpio.Low, false
}
func (p paperPin) LostEdges() uint64 { return 0 }

type paperBus struct {
	board paper
	name  string
}

func (b paperBus) String() string { return b.name }

func (b paperBus) Tx(address uint16, w, r []byte) error {
	b.board.fail("a transfer to", address)
	return errors.New("no answer")
}

func (b paperBus) SetSpeed(physic.Frequency) error { return nil }

// written returns the options of the shortest robot file: each option has its default, or a value if it is required.
func written(k Kind) Options {
	opts := k.New()
	v := reflect.ValueOf(opts).Elem()
	for _, f := range reflect.VisibleFields(v.Type()) {
		field, tag := v.FieldByIndex(f.Index), f.Tag
		switch key := tag.Get("yaml"); {
		case key == "-" || f.Anonymous || !f.IsExported():
		case tag.Get("default") != "":
			options.Read(field, tag.Get("default"))
		case tag.Get("required") == "":
		case key == "address":
			field.SetUint(uint64(k.Addresses[0]))
		case key == "counts":
			field.SetFloat(48)
		case field.Kind() == reflect.Slice:
			field.Set(reflect.ValueOf([]string{"GPIO4", "GPIO5", "GPIO6"}))
		default:
			field.SetString(key) // a name, different for each key
		}
	}
	if p, ok := opts.(Paced); ok {
		p.Pace(100 * time.Millisecond)
	}
	return opts
}
