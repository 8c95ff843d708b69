package expanders_test

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"periph.io/x/conn/v3/gpio"
	"periph.io/x/conn/v3/i2c"
	"periph.io/x/conn/v3/i2c/i2ctest"
	"periph.io/x/conn/v3/physic"

	"fluxd/boards/expanders"
)

// paper is a board with one bus that must not be used.
type paper struct{ address uint16 }

func (p *paper) Bus(name string, address uint16) (i2c.Bus, error) {
	p.address = address
	if name != "I2C1" {
		return nil, fmt.Errorf("no bus %s", name)
	}
	return &i2ctest.Playback{}, nil
}

func (p *paper) Pin(name string) (gpio.PinIO, error) { return nil, fmt.Errorf("no pin %s", name) }

func TestTagsOfAllKinds(t *testing.T) {
	for _, k := range expanders.Kinds {
		if found, ok := expanders.KindOf(k.Name); !ok || found.Name != k.Name || k.About == "" {
			t.Errorf("%s: expected a kind with that name, and a phrase about it", k.Name)
		}
		for _, f := range reflect.VisibleFields(reflect.TypeOf(k.New()).Elem()) {
			if f.Tag.Get("yaml") == "" || f.Tag.Get("doc") == "" {
				t.Errorf("%s.%s: expected the tags yaml and doc, got %s", k.Name, f.Name, f.Tag)
			}
			for _, tag := range []string{"default", "min", "max"} {
				if f.Type == reflect.TypeFor[physic.Frequency]() &&
					new(physic.Frequency).Set(strings.ReplaceAll(f.Tag.Get(tag), " ", "")) != nil {
					t.Errorf("%s.%s: expected a frequency as %s, got %q", k.Name, f.Name, tag, f.Tag.Get(tag))
				}
			}
			if preset := f.Tag.Get("default"); f.Type.Kind() == reflect.Bool && preset != "true" && preset != "false" {
				t.Errorf("%s.%s: expected a default, got %q", k.Name, f.Name, preset)
			}
		}
	}
	if _, ok := expanders.KindOf("pcf8574"); ok {
		t.Error("found a chip without a driver")
	}
}

// Each kind opens at each of its addresses, and at no other, with all of its pins; the bus is not used.
func TestAllKindsOpenOnPaper(t *testing.T) {
	counts := map[string]int{"pca9685": 63, "mcp23017": 8, "tca9548a": 8}
	for _, k := range expanders.Kinds {
		if len(k.Addresses) != counts[k.Name] {
			t.Errorf("%s: got %d addresses, want %d", k.Name, len(k.Addresses), counts[k.Name])
		}
		for address := range uint16(0x90) {
			opts := k.New()
			v := reflect.ValueOf(opts).Elem()
			v.FieldByName("Bus").SetString("I2C1")
			v.FieldByName("Address").SetUint(uint64(address))
			board := &paper{}
			chip, err := opts.Open(board)
			if known := slices.Contains(k.Addresses, address); known != (err == nil) {
				t.Errorf("%s at 0x%02x: %v", k.Name, address, err)
			}
			if err != nil {
				continue
			}
			if board.address != address {
				t.Errorf("%s: asked for a bus for 0x%02x, want 0x%02x", k.Name, board.address, address)
			}
			for _, name := range k.Pins {
				if _, err := chip.Pin(name); err != nil {
					t.Error(err)
				}
			}
			for _, name := range k.Buses {
				if _, err := chip.(expanders.Multiplexer).Bus(name); err != nil {
					t.Error(err)
				}
			}
			if m, is := chip.(expanders.Multiplexer); is {
				if _, err := m.Bus("8"); len(k.Buses) != 8 || err == nil {
					t.Errorf("%s: expected 8 buses, and no 8", k.Name)
				}
			}
			if _, err := chip.Pin("C0"); len(k.Pins) != 16 && len(k.Buses) == 0 || err == nil {
				t.Errorf("%s: expected 16 pins, and no C0", k.Name)
			}
			v.FieldByName("Bus").SetString("I2C7")
			if _, err := opts.Open(&paper{}); err == nil {
				t.Errorf("%s: opened on a bus that does not exist", k.Name)
			}
		}
	}
}

// outputs returns the default options with the changes of a test.
func outputs(frequency, oscillator physic.Frequency) *expanders.PCA9685Opts {
	opts := expanders.DefaultPCA9685Opts
	opts.Address, opts.Frequency, opts.Oscillator = 0x40, frequency, oscillator
	return &opts
}

// Check finds the mistakes that no tag shows.
func TestCheck(t *testing.T) {
	const mega = physic.MegaHertz
	for _, c := range []struct {
		opts expanders.Options
		want []string
	}{
		{outputs(50*physic.Hertz, 25*mega), nil},
		{outputs(24*physic.Hertz, 25*mega), nil},
		{outputs(1526*physic.Hertz, 23*mega), nil},
		{outputs(1526*physic.Hertz, 27*mega), nil},
		{outputs(25700*physic.MilliHertz, 27*mega), nil},
		{outputs(25698*physic.MilliHertz, 27*mega),
			[]string{"frequency: 25.698Hz cannot be made of an oscillator of 27MHz, of which a period is at most 256 times 4096: " +
				"expected at least 25.749Hz"}},
		{outputs(24*physic.Hertz, 27*mega),
			[]string{"frequency: 24Hz cannot be made of an oscillator of 27MHz, of which a period is at most 256 times 4096: " +
				"expected at least 25.749Hz"}},
		{outputs(physic.TeraHertz, 25*mega), nil}, // its tags refuse it
		{outputs(0, 0), nil},
		{&expanders.PCA9685Opts{Address: 0x3f}, []string{"address: 0x3f: expected 0x40 to 0x7f"}},
		{&expanders.PCA9685Opts{Address: 0x70}, []string{"address: 0x70 is the address that all pca9685 answer to"}},
		{&expanders.MCP23017Opts{Address: 0x20}, nil},
		{&expanders.MCP23017Opts{Address: 0x27}, nil},
		{&expanders.TCA9548AOpts{Address: 0x77, Reset: "GPIO4"}, nil},
		{&expanders.TCA9548AOpts{Address: 0x78, Reset: "more/A0"}, []string{"address: 0x78: expected 0x70 to 0x77",
			"reset: more/A0: expected a pin of the board, which works when no bus does"}},
		{&expanders.MCP23017Opts{Address: 0x28}, []string{"address: 0x28: expected 0x20 to 0x27"}},
	} {
		var got []string
		for _, m := range c.opts.Check() {
			got = append(got, m.Key+": "+m.Error())
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%+v:\n got %q\nwant %q", c.opts, got, c.want)
		}
	}
}

// The period that a chip makes differs a little from the configured one. Pins and options report the same period.
func TestSharedPeriod(t *testing.T) {
	for _, c := range []struct {
		asked, oscillator physic.Frequency
		want              time.Duration
	}{
		{50 * physic.Hertz, 25 * physic.MegaHertz, 19988480}, {490 * physic.Hertz, 25 * physic.MegaHertz, 1966080},
		{40 * physic.Hertz, 25 * physic.MegaHertz, 25067520},
		{60 * physic.Hertz, 26_300_000 * physic.Hertz, 16664335},
	} {
		asked, period := outputs(c.asked, c.oscillator).Shared()
		if asked != c.asked || period != c.want {
			t.Errorf("%s: got %s and %v, want a period of %v", c.asked, asked, period, c.want)
		}
		chip, err := expanders.NewPCA9685(&i2ctest.Playback{}, 0x40, outputs(c.asked, c.oscillator))
		if err != nil {
			t.Fatal(err)
		}
		pin, err := chip.Pin("3")
		if err != nil {
			t.Fatal(err)
		}
		if made, _ := pin.(interface {
			Steps(physic.Frequency) (time.Duration, int64)
		}).Steps(c.asked); made != period {
			t.Errorf("%s: its pins make %v, and its options say %v", c.asked, made, period)
		}
	}
	for _, none := range []expanders.Options{&expanders.MCP23017Opts{}, outputs(24*physic.Hertz, 27*physic.MegaHertz),
		outputs(0, 0)} {
		if asked, period := none.Shared(); asked != 0 || period != 0 {
			t.Errorf("%+v: got %s and %v, want nothing", none, asked, period)
		}
	}
}

// The options of a robot file become a chip.
func ExampleKind() {
	kind, _ := expanders.KindOf("pca9685")
	opts := kind.New().(*expanders.PCA9685Opts)
	opts.Bus, opts.Address = "I2C1", 0x41
	chip, err := opts.Open(&paper{}) // paper is a board here
	if err != nil {
		fmt.Println(err)
		return
	}
	pin, err := chip.Pin(kind.Pins[3])
	fmt.Println(pin, err)
	// Output: output 3 of pca9685 at 0x41 on playback <nil>
}
