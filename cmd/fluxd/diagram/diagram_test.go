package diagram

import (
	"bytes"
	"encoding/xml"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"fluxd/actuators"
	"fluxd/boards/expanders"
	"fluxd/boards/header"
	"fluxd/configs"
	"fluxd/sensors"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// twoWheeler has a bridge for two motors on one chip, and two line sensors.
const twoWheeler = `robot: two-wheeler
board: {kind: raspberrypi}
sensors:
  left_line:  {device: button, pin: GPIO23, pull: none, encode: {kind: edge, to: a}}
  right_line: {device: button, pin: GPIO24, pull: none, encode: {kind: edge, to: a}}
network: {neurons: {a: {}}}
actuators:
  left_wheel:  {device: hbridge, pwm: GPIO12, in2: GPIO25, standby: GPIO22, decode: {kind: count, neuron: a, window: 1s}}
  right_wheel: {device: hbridge, pwm: GPIO13, in2: GPIO20, standby: GPIO22, decode: {kind: count, neuron: a, window: 1s}}
safety: {emergency_stop: {pin: GPIO26}}
`

// everything has each kind of wire and of supply.
const everything = `robot: everything
board: {kind: raspberrypi}
expanders:
  servos: {device: pca9685, bus: I2C1, address: 0x40}
  mux:    {device: tca9548a, bus: I2C1, address: 0x71, reset: GPIO4}
sensors:
  eye:    {device: bh1750, bus: 1, address: 0x23, every: 20ms, encode: {kind: threshold, above: 1 lx, to: a}}
  behind: {device: bh1750, bus: mux/3, address: 0x5c, every: 20ms, encode: {kind: threshold, above: 1 lx, to: a}}
  ears:   {device: hcsr04, trigger: 23, echo: P1_18, level_shifter: true, every: 1s, encode: {kind: threshold, below: 1 m, to: a}}
  warm:   {device: bme280, bus: 1, address: 0x76, measure: temperature, every: 1s, encode: {kind: threshold, above: 1 °C, to: a}}
  heavy:  {device: bme280, bus: I2C1, address: 0x76, measure: pressure, every: 1s, encode: {kind: threshold, above: 1 Pa, to: a}}
  bumper: {device: button, pin: GPIO17, encode: {kind: edge, to: a}}
  lever:  {device: button, pin: GPIO27, pull: down, encode: {kind: edge, to: a}}
  guard:  {device: pir, pin: GPIO10, encode: {kind: edge, to: a}}
network: {neurons: {a: {}}}
actuators:
  wheel: {device: hbridge, pwm: GPIO12, direction: GPIO5, decode: {kind: count, neuron: a, window: 1s}}
  arm:   {device: servo, pwm: servos/3, decode: {kind: count, neuron: a, window: 1s}}
  mixed: {device: hbridge, pwm: servos/4, direction: GPIO19, decode: {kind: count, neuron: a, window: 1s}}
safety: {emergency_stop: {pin: GPIO26}, start: {pin: GPIO16}, status_light: {pin: GPIO22, active: low}}
mqtt: {broker: none}
`

func parse(t *testing.T, text string) *configs.Robot {
	t.Helper()
	config, err := configs.Parse("test.yaml", []byte(text), nil)
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return config
}

func draw(t *testing.T, config *configs.Robot) string {
	t.Helper()
	var out bytes.Buffer
	if err := SVG(&out, config); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// The picture of a robot is always the same, byte for byte.
func TestPictures(t *testing.T) {
	for name, text := range map[string]string{"two-wheeler.svg": twoWheeler, "everything.svg": everything} {
		got, file := draw(t, parse(t, text)), filepath.Join("testdata", name)
		if again := draw(t, parse(t, text)); again != got {
			t.Errorf("%s: two pictures of one robot differ", name)
		}
		if *update {
			if err := errors.Join(os.MkdirAll("testdata", 0o755), os.WriteFile(file, []byte(got), 0o644)); err != nil {
				t.Fatal(err)
			}
		}
		if want, err := os.ReadFile(file); err != nil || string(want) != got {
			t.Errorf("%s: the picture is another one (%v): go test ./cmd/fluxd/diagram -update, and look at it", name, err)
		}
	}
}

// texts reads a picture as XML, which it must be, and returns what is written in it.
func texts(t *testing.T, picture string) string {
	t.Helper()
	var all []string
	d := xml.NewDecoder(strings.NewReader(picture))
	for {
		token, err := d.Token()
		if err == io.EOF {
			return strings.Join(all, "\n")
		}
		if err != nil {
			t.Fatalf("%v in\n%s", err, picture)
		}
		if text, is := token.(xml.CharData); is && strings.TrimSpace(string(text)) != "" {
			all = append(all, strings.TrimSpace(string(text)))
		}
	}
}

// Without a robot, and for a robot without wires, it is the header alone.
func TestHeaderAlone(t *testing.T) {
	without := parse(t, "robot: net\nboard: {kind: sim}\nnetwork: {neurons: {a: {}}}\nmqtt: {broker: none}\n")
	for _, config := range []*configs.Robot{{}, without} {
		picture := draw(t, config)
		text := texts(t, picture)
		for _, pin := range header.Pins {
			if !strings.Contains(text, pin.Name) {
				t.Errorf("%s is missing", pin.Name)
			}
		}
		if strings.Contains(picture, `class="wire`) || strings.Contains(picture, `class="box"`) {
			t.Error("a wire or a box without a robot")
		}
	}
}

// Each kind of device has an entry, so that a new one is not drawn without a thought for its supply.
func TestEachDeviceHasASupply(t *testing.T) {
	var names []string
	for _, k := range sensors.Kinds {
		names = append(names, k.Name)
	}
	for _, k := range actuators.Kinds {
		names = append(names, k.Name)
	}
	for _, k := range expanders.Kinds {
		names = append(names, k.Name)
	}
	for _, name := range names {
		if _, known := supplies[name]; !known {
			t.Errorf("%s: no entry in supplies: say which pins of the header its supply is joined to, or that it is unknown", name)
		}
	}
}

// The supply of a device, and what the legend says of it.
func TestSupplies(t *testing.T) {
	nets := map[string][]string{
		"servos": {"GPIO2", "GPIO3", net3V3, netGND}, "eye": {"GPIO2", "GPIO3", net3V3, netGND},
		"mux": {"GPIO2", "GPIO3", "GPIO4", net3V3, netGND}, "warm": {"GPIO2", "GPIO3", net3V3, netGND},
		"ears": {"GPIO23", "GPIO24", net5V, netGND}, "bumper": {"GPIO17", netGND}, "lever": {"GPIO27", net3V3},
		"guard": {"GPIO10", netGND}, "wheel": {"GPIO12", "GPIO5", netGND}, "mixed": {"GPIO19", netGND},
		"emergency stop": {"GPIO26", netGND}, "start button": {"GPIO16", netGND}, "status light": {"GPIO22", net3V3},
	}
	p := planOf(parse(t, everything))
	for _, b := range p.boxes {
		name := b.rows[0].text
		var got []string
		for _, r := range b.rows {
			if r.net != "" {
				got = append(got, r.net)
			}
		}
		slices.Sort(got)
		want := slices.Sorted(slices.Values(nets[name]))
		if !slices.Equal(got, want) {
			t.Errorf("%s: got %v, want %v", name, got, want)
		}
		delete(nets, name)
	}
	for name := range nets {
		t.Errorf("%s has no box", name)
	}
	if !slices.Equal(p.unknown, []string{"guard"}) || !slices.Equal(p.own, []string{"servos", "wheel", "mixed"}) {
		t.Errorf("unknown %v, own %v", p.unknown, p.own)
	}
	text := texts(t, draw(t, parse(t, everything)))
	for _, want := range []string{"the supply of guard", "lamps (servos, wheel, mixed)", "arm pwm", "3 0x5c", "mixed", "servos/4",
		"heavy"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in the picture:\n%s", want, text)
		}
	}
	// An HC-SR04 without a divider may be one for 3.3 V: nothing says so.
	unknown := planOf(parse(t, strings.Replace(everything, "level_shifter: true, ", "", 1))).unknown
	if !slices.Equal(unknown, []string{"ears", "guard"}) {
		t.Errorf("unknown %v", unknown)
	}
}

// Each wire of a robot to the header is in the picture, from its pin to its device. No two horizontal parts of different wires
// lie on each other, nor two vertical ones, nor two boxes.
func TestEveryWireCanBeFollowed(t *testing.T) {
	robots := []string{twoWheeler, everything}
	r := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		robots = append(robots, randomRobot(r))
	}
	for _, text := range robots {
		config := parse(t, text)
		p := planOf(config)
		rows := p.place()
		sides := map[bool][]*net{true: p.nets(true), false: p.nets(false)}
		connected := map[string]int{}
		for _, b := range p.boxes {
			if b.first < 0 || b.end() > rows {
				t.Fatalf("%s is in the rows %d to %d of %d\n%s", b.rows[0].text, b.first, b.end(), rows, text)
			}
			for _, other := range p.boxes {
				if b != other && b.left == other.left && b.first < other.end() && other.first < b.end() {
					t.Fatalf("%s and %s lie on each other\n%s", b.rows[0].text, other.rows[0].text, text)
				}
			}
			for i, row := range b.rows {
				if row.net == "" {
					continue
				}
				at := slices.IndexFunc(sides[b.left], func(n *net) bool { return n.name == row.net })
				if at < 0 || !slices.Contains(sides[b.left][at].to, (b.first+i)*units+toTerminal) {
					t.Fatalf("no wire from %s to %s\n%s", row.net, b.rows[0].text, text)
				}
				connected[row.net]++
			}
		}
		for _, wire := range config.Wiring() {
			if wire.Position != 0 && connected[wire.Pin] == 0 {
				t.Fatalf("%s of %s is not connected\n%s", wire.Pin, wire.Name, text)
			}
		}
		for _, all := range sides {
			heights, lanes := map[int]string{}, map[int]bool{}
			for _, n := range all {
				if header.Pins[n.pin-1].Name != n.name {
					t.Fatalf("%s comes from pin %d\n%s", n.name, n.pin, text)
				}
				if lanes[n.lane] {
					t.Fatalf("two wires in lane %d\n%s", n.lane, text)
				}
				lanes[n.lane] = true
				for _, height := range append([]int{n.from}, n.to...) {
					if other, taken := heights[height]; taken {
						t.Fatalf("%s and %s lie on each other\n%s", n.name, other, text)
					}
					heights[height] = n.name
				}
			}
		}
	}
}

// randomRobot takes pins of the header for random devices until it has none left or has had enough.
func randomRobot(r *rand.Rand) string {
	var free []string
	for n := 4; n < header.GPIOs; n++ {
		if n != 12 && n != 13 {
			free = append(free, fmt.Sprintf("GPIO%d", n))
		}
	}
	r.Shuffle(len(free), func(i, j int) { free[i], free[j] = free[j], free[i] })
	take := func() string { pin := free[0]; free = free[1:]; return pin }
	text := "robot: random\nboard: {kind: raspberrypi}\nsensors:\n" +
		"  b: {device: button, pin: " + take() + ", encode: {kind: edge, to: a}}\n"
	for i := range r.IntN(12) {
		switch r.IntN(3) {
		case 0:
			text += fmt.Sprintf("  s%d: {device: button, pin: %s, pull: %s, encode: {kind: edge, to: a}}\n", i, take(),
				[]string{"up", "down", "none"}[r.IntN(3)])
		case 1:
			text += fmt.Sprintf("  s%d: {device: hcsr04, trigger: %s, echo: %s, every: 60ms, "+
				"encode: {kind: threshold, below: 1 m, to: a}}\n", i, take(), take())
		case 2:
			text += fmt.Sprintf("  s%d: {device: bh1750, bus: I2C%d, address: 0x%x, every: 60ms, "+
				"encode: {kind: threshold, below: 1 lx, to: a}}\n", i, i+1, 0x23+57*r.IntN(2))
		}
	}
	text += "network: {neurons: {a: {}}}\n"
	if r.IntN(2) == 0 {
		text += "actuators:\n  wheel: {device: hbridge, pwm: GPIO12, in2: " + free[0] +
			", decode: {kind: count, neuron: a, window: 1s}}\n"
	}
	return text + "mqtt: {broker: none}\n"
}

// Names of any length and any letters leave the picture whole.
func TestHostileNames(t *testing.T) {
	long := strings.Repeat("w", 300)
	config := parse(t, strings.ReplaceAll(strings.ReplaceAll(twoWheeler, "left_line", "l"), "right_wheel", "r"))
	config.Name = "<script>&\"'\x00\xff" + long
	config.Sensors[0].Name = "</text>" + long
	config.Sensors[1].Name = "ünïcödé 線"
	config.Actuators[0].Name = "]]>&amp;"
	picture := draw(t, config)
	text := texts(t, picture)
	if strings.Contains(picture, "<script") || strings.Contains(text, long) && !strings.Contains(text, "…") {
		t.Error(picture)
	}
	for _, want := range []string{"ünïcödé 線", "]]>&amp;"} {
		if !strings.Contains(text, want) {
			t.Errorf("%s is missing", want)
		}
	}
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("no space left on device") }

func TestFullDisk(t *testing.T) {
	if err := SVG(full{}, parse(t, everything)); err == nil || !strings.Contains(err.Error(), "no space left") {
		t.Errorf("got %v", err)
	}
}

func ExampleSVG() {
	var out bytes.Buffer
	if err := SVG(&out, &configs.Robot{Name: "rover"}); err != nil {
		fmt.Println(err)
	}
	fmt.Println(strings.Contains(out.String(), "<title>Wiring of rover</title>"))
	// Output: true
}
