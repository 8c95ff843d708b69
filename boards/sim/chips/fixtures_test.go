package chips_test

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"periph.io/x/conn/v3/gpio"
	"periph.io/x/conn/v3/i2c"
	"periph.io/x/conn/v3/physic"

	"fluxd/actuators"
	"fluxd/boards/expanders"
	"fluxd/boards/sim"
	"fluxd/boards/sim/chips"
	"fluxd/options"
	"fluxd/sensors"
)

const ms = time.Millisecond

// fataler is a *testing.T or a *rapid.T.
type fataler interface {
	Helper()
	Fatal(...any)
	Errorf(string, ...any)
}

// must ends a test at an error.
func must[T any](t fataler) func(value T, err error) T {
	return func(value T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
}

// lines is the twin of an expander with pins.
type lines interface {
	Line(name string) (*sim.Pin, error)
}

// bench is a simulated board with a clock that the test moves, and with expanders: a PCA9685 named servos, an MCP23017 named
// more, and a TCA9548A named mux. It gives drivers their pins and buses, such as GPIO4, servos/3, I2C1 and mux/0.
type bench struct {
	*sim.Board
	now     time.Duration
	servos  *expanders.PCA9685
	more    *expanders.MCP23017
	mux     *expanders.TCA9548A
	twins   map[string]lines
	objects map[string]any
}

func newBench(t fataler, servos *expanders.PCA9685Opts) *bench {
	t.Helper()
	b := &bench{objects: map[string]any{}, twins: map[string]lines{}}
	b.Board = sim.New(func() time.Duration { return b.now })
	if servos == nil {
		servos = &expanders.DefaultPCA9685Opts
	}
	for name, at := range map[string]uint16{"pca9685": 0x60, "mcp23017": 0x20, "tca9548a": 0x70} {
		kind, _ := chips.Find(name)
		device := kind.OnBus(nil, chips.Settings(options.Values(servos)))
		if err := b.Attach("I2C1", at, device); err != nil {
			t.Fatal(err)
		}
		if of, is := device.(lines); is {
			b.twins[map[string]string{"pca9685": "servos", "mcp23017": "more"}[name]] = of
		}
		for channel := range kind.Buses {
			device.(*chips.TCA9548A).Connect(channel, b.Branch(fmt.Sprintf("mux/%d", channel)))
		}
	}
	bus := must[i2c.Bus](t)(b.Bus("I2C1"))
	b.servos = must[*expanders.PCA9685](t)(expanders.NewPCA9685(bus, 0x60, servos))
	b.more = must[*expanders.MCP23017](t)(expanders.NewMCP23017(bus, 0x20))
	b.mux = must[*expanders.TCA9548A](t)(expanders.NewTCA9548A(bus, 0x70, nil))
	return b
}

// Pin implements sensors.Parts and actuators.Parts.
func (b *bench) Pin(name string) (gpio.PinIO, error) {
	switch chip, pin, _ := strings.Cut(name, "/"); chip {
	case "servos":
		return b.servos.Pin(pin)
	case "more":
		return b.more.Pin(pin)
	}
	return b.Board.Pin(name)
}

// Bus implements sensors.Parts.
func (b *bench) Bus(name string) (i2c.Bus, error) {
	if channel, behind := strings.CutPrefix(name, "mux/"); behind {
		return b.mux.Bus(channel)
	}
	return b.Board.Bus(name)
}

// EdgePin implements sensors.Parts.
func (b *bench) EdgePin(name string) (sensors.EdgePin, error) { return b.Line(name) }

// Recording implements sensors.Parts.
func (b *bench) Recording(string) (*sensors.Recording, error) {
	return nil, errors.New("there is none")
}

// Shared implements sensors.Parts.
func (b *bench) Quantity(string) (func(time.Duration) int64, error) {
	return nil, errors.New("there is no world")
}

func (b *bench) Shared(place string, create func() any) any {
	if b.objects[place] == nil {
		b.objects[place] = create()
	}
	return b.objects[place]
}

// Standby implements actuators.Parts.
func (b *bench) Standby(name string) (gpio.PinOut, error) {
	pin, err := b.Pin(name)
	return b.Shared("standby "+name, func() any { return actuators.NewSharedStandby(pin) }).(*actuators.SharedStandby).Share(), err
}

// Frequency implements actuators.Parts.
func (b *bench) Frequency(name string) physic.Frequency {
	if strings.HasPrefix(name, "servos/") {
		return b.servos.Frequency()
	}
	return 0
}

// line returns what a device on a pin is connected to.
func (b *bench) line(t fataler, name string) *sim.Pin {
	t.Helper()
	if chip, pin, on := strings.Cut(name, "/"); on {
		return must[*sim.Pin](t)(b.twins[chip].Line(pin))
	}
	return must[*sim.Pin](t)(b.Line(name))
}

// fill sets options that are not set: defaults, the first address of the kind, and pins.
func fill(opts any, addresses []uint16) {
	pin := 4
	for key, one := range fields(opts) {
		tag := one.tag
		switch {
		case !one.IsZero():
		case tag.Get("pin") != "" && one.Kind() == reflect.String && tag.Get("required") != "":
			one.SetString(fmt.Sprintf("GPIO%d", pin))
			pin++
		case tag.Get("pin") != "" && one.Kind() == reflect.Slice:
			one.Set(reflect.ValueOf([]string{"GPIO14", "GPIO15", "more/A2"}))
		case tag.Get("default") != "":
			options.Read(one.Value, tag.Get("default"))
		case key == "bus":
			one.SetString("I2C1")
		case key == "address":
			one.SetUint(uint64(addresses[0]))
		case key == "counts":
			one.SetFloat(48)
		}
	}
}

// field is a field of options.
type field struct {
	reflect.Value
	tag reflect.StructTag
}

// fields are the fields of options by their keys, in order.
func fields(opts any) func(yield func(key string, of field) bool) {
	v := reflect.ValueOf(opts).Elem()
	return func(yield func(key string, of field) bool) {
		for _, f := range reflect.VisibleFields(v.Type()) {
			one := v.FieldByIndex(f.Index)
			if key := f.Tag.Get("yaml"); key != "" && one.CanSet() && !yield(key, field{one, f.Tag}) {
				return
			}
		}
	}
}

// pinsOf returns the lines of a device by the keys of its options.
func (b *bench) pinsOf(t fataler, opts any) map[string]*sim.Pin {
	t.Helper()
	pins := map[string]*sim.Pin{}
	for key, one := range fields(opts) {
		switch {
		case one.tag.Get("pin") == "":
		case one.Kind() == reflect.Slice:
			for i := range one.Len() {
				pins[fmt.Sprintf("%s[%d]", key, i)] = b.line(t, one.Index(i).String())
			}
		case one.String() != "":
			pins[key] = b.line(t, one.String())
		}
	}
	return pins
}

func check(opts any) []options.Mistake {
	if c, is := opts.(options.Checked); is {
		return c.Check()
	}
	return nil
}

// connect puts the twin of a sensor on the board, and opens its driver.
func (b *bench) connect(t fataler, name string, opts sensors.Options, sense chips.Sense) (twin any,
	readers map[string]sensors.Sensor) {
	t.Helper()
	kind, found := chips.Find(name)
	driver, known := sensors.KindOf(name)
	if !found || !known {
		t.Fatal(name, "has no twin or no driver")
	}
	fill(opts, driver.Addresses)
	if mistakes := check(opts); mistakes != nil {
		t.Fatal(mistakes)
	}
	settings, pins := chips.Settings(options.Values(opts)), b.pinsOf(t, opts)
	if kind.OnBus != nil {
		device := kind.OnBus(sense, settings)
		of := reflect.ValueOf(opts).Elem()
		if err := b.Attach(of.FieldByName("Bus").String(), uint16(of.FieldByName("Address").Uint()), device); err != nil {
			t.Fatal(err)
		}
		if reset := pins[kind.Reset]; reset != nil {
			device.(*chips.VL53L0X).ResetBy(reset)
		}
		twin = device
	} else {
		keys := slices.Sorted(maps.Keys(pins))
		all := must[[]*sim.Pin](t)(kind.PinsOf(keys, func(i int) (*sim.Pin, error) { return pins[keys[i]], nil }))
		twin = kind.OnPins(all, sense, settings)
	}
	device := must[sensors.Device](t)(opts.Open(b))
	readers = map[string]sensors.Sensor{}
	for _, m := range opts.Measures() {
		readers[m.Name] = must[sensors.Sensor](t)(device.Measure(m.Name))
	}
	return twin, readers
}

// sample takes a reading, also one that comes with an edge; false if there is none yet.
func (b *bench) sample(t fataler, s sensors.Sensor) (reading int64, ok bool) {
	t.Helper()
	reading, err := s.Sample(b.now)
	if err != nil && !errors.Is(err, sensors.ErrNotYet) {
		t.Fatal(b.now, err)
	}
	if edges, is := s.(sensors.EdgeSensor); is {
		for r, more := edges.Next(b.now, 0); more; r, more = edges.Next(b.now, 0) {
			reading, err = r.Value, nil
		}
	}
	return reading, err == nil
}

// actuate connects the twin of an actuator to the pins in its options, and opens its driver.
func (b *bench) actuate(t fataler, name string, opts actuators.Options) (twin chips.Actuator, driver actuators.Device) {
	t.Helper()
	fill(opts, nil)
	for key, one := range fields(opts) {
		s, is := opts.(actuators.Sharing)
		if pwm := key == "pwm" || key == "step"; pwm && is && strings.HasPrefix(one.String(), "servos/") {
			pin := must[gpio.PinIO](t)(b.Pin(one.String()))
			period, _ := pin.(interface {
				Steps(physic.Frequency) (time.Duration, int64)
			}).Steps(b.servos.Frequency())
			s.Share(b.servos.Frequency(), period)
		}
	}
	if mistakes := check(opts); mistakes != nil {
		t.Fatal(mistakes)
	}
	kind, found := chips.FindActuator(name)
	if !found {
		t.Fatal(name, "has no twin")
	}
	twin = kind.New(b.pinsOf(t, opts), chips.Settings(options.Values(opts)))
	return twin, must[actuators.Device](t)(opts.Open(b))
}

func isNotYet(err error) bool { return errors.Is(err, sensors.ErrNotYet) }
