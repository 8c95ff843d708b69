package daemon

import (
	"errors"
	"maps"
	"math"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"
	"pgregory.net/rapid"

	"fluxd/bridge/protocol"
	"fluxd/cmd/fluxd/hardware"
	"fluxd/cmd/fluxd/tuning"
	"fluxd/configs"
)

// rich has what the robot on the table does not: every encoder, a reward of each kind, a network with every mechanism, and
// learnt weights.
const rich = `
robot: rich
board: {kind: sim, world: table}
sensors:
  eye: {device: bh1750, bus: I2C1, address: 0x23, every: 20ms,
        encode: {kind: phase, range: [0 lx, 1000 lx], period: 5ms, share: 0.6, to: a}}
  dark: {device: bh1750, bus: I2C1, address: 0x5c, every: 20ms, stale: 1s,
         encode: {kind: rate, range: [1000 lx, 0 lx], max: 100 Hz, to: a, weight: 2}}
  warm: {device: tmp102, bus: I2C1, address: 0x48, every: 100ms, frozen: 10s,
         encode: {kind: threshold, above: 30 °C, hysteresis: 2 °C, to: a}}
  shake: {device: adxl345, bus: I2C1, address: 0x53, measure: accel_z, every: 50ms, median: 5,
          encode: {kind: latency, range: [20 m/s², 0 m/s²], window: 10ms, to: a}}
  turn: {device: as5600, bus: I2C1, measure: position, every: 10ms, encode: {kind: delta, step: 0.01 rev, to: b}}
  bump: {device: button, pin: GPIO17, encode: {kind: edge, on: both, to: b, weight: 3}}
network:
  neurons:
    a: {threshold: 100, leak: 1000, floor: -3, refractory: 1ms, habituation: {rate: 1, max: 40, recovery: 2},
        adaptation: {rate: 0.5, max: 20, recovery: 1, tolerance: 2}, burst: {overshoot: 7, interval: 2ms, max: 4},
        pacemaker: 9ms, modulation: {leak: 3},
        receptors: {threshold: 0.2, habituation: 0.1, adaptation: 0.3, stp: 0.4, ltp: 0.01, pacemaker: 20}}
    b: {leak: 0, threshold: 3}
  synapses:
    - {from: b, to: a, weight: 60, delay: 2ms, plastic: {window: 20ms, min: 2, max: 90,
        stp: {rate: 1, depression: 0.5, unpaired: 0.25, recovery: 5, max: 30},
        ltp: {rate: 0.1, depression: 0.1, consolidation: 0.5, share: 0.01}}}
    - {from: a, to: b, weight: -2, plastic: {window: 1ms, max: 5, ltp: {rate: 0.1}}}
    - {from: a, to: a, kind: modulator, weight: 2}
actuators:
  wheel: {device: hbridge, pwm: GPIO12, direction: GPIO5, slew: 4/s, timeout: 1s, range: [-0.5, 1], failsafe: 0.25,
          decode: {kind: push-pull, forward: a, backward: b, full: 60 Hz, window: 200ms}}
  rudder: {device: servo, pwm: GPIO13, range: [-1, 0.5], needs: [],
           decode: {kind: winner-take-all, window: 100ms, choices: {a: 0.5, b: -1}}}
  word: {device: label, decode: {kind: winner-take-all, window: 100ms, choices: {a: go, b: stay}}}
rewards:
  light: {sensor: eye, on: change, window: 100ms, threshold: 2 lx, gain: 0.1, most: 20, every: 3ms, to: a, against: b}
  praise: {gain: 2, most: 5, to: a}
  fair: {sensor: warm, on: level, window: 200ms, delay: 50ms, credit: [{actor: a, to: b}]}
learnt: {file: FILE, every: 20ms}
`

// nodeAt returns the value at a path of a robot file. [2] after a key is an element of a list, or the third synapse between two
// neurons.
func nodeAt(t interface{ Fatalf(string, ...any) }, root *yaml.Node, path string) *yaml.Node {
	at := root.Content[0]
	keys := strings.Split(path, ".")
	for i := 0; i < len(keys); i++ {
		key, parts, _ := strings.Cut(keys[i], "[")
		if at.Kind == yaml.SequenceNode { // a list of synapses: this key and the next are the neurons
			to, part, _ := strings.Cut(strings.TrimSuffix(keys[i+1], "]"), "[")
			number, _ := strconv.Atoi(part)
			found := slices.DeleteFunc(slices.Clone(at.Content), func(n *yaml.Node) bool {
				return valueOf(n, "from").Value != key || valueOf(n, "to").Value != to
			})
			at = found[number]
			i++
			continue
		}
		next := valueOf(at, key)
		if next == nil {
			next = &yaml.Node{Kind: yaml.ScalarNode}
			if i < len(keys)-1 {
				next = &yaml.Node{Kind: yaml.MappingNode}
			}
			at.Content = append(at.Content, &yaml.Node{Kind: yaml.ScalarNode, Value: key}, next)
		}
		at = next
		for _, part := range strings.FieldsFunc(parts, func(r rune) bool { return r == '[' || r == ']' }) {
			number, err := strconv.Atoi(part)
			if err != nil || at.Kind != yaml.SequenceNode {
				return nil // a list that the file leaves to its default
			}
			at = at.Content[number]
		}
	}
	return at
}

// valueOf returns the value of a key; nil without one.
func valueOf(n *yaml.Node, key string) *yaml.Node {
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return n.Content[i+1]
		}
	}
	return nil
}

// fileWith returns the robot file with other values; false when a value cannot be written into the file.
func fileWith(t interface{ Fatalf(string, ...any) }, text string, values map[string]float64,
	units map[string]string) ([]byte, bool) {
	var root yaml.Node
	if err := yaml.Unmarshal([]byte(text), &root); err != nil {
		t.Fatalf("%v", err)
	}
	for _, path := range slices.Sorted(maps.Keys(values)) {
		n := nodeAt(t, &root, path)
		if n == nil {
			return nil, false
		}
		number := strconv.FormatFloat(values[path], 'f', -1, 64)
		switch unit := units[path]; unit {
		case "", "units", "units/s", "steps/s", "us/step", "spikes":
		case "1/s":
			number += "/s"
		default:
			number += " " + unit
		}
		if word, is := map[string]string{"0": "false", "1": "true"}[number]; is && path == "network.frozen" {
			number = word // the one switch among the numbers
		}
		*n = yaml.Node{Kind: yaml.ScalarNode, Value: number}
	}
	made, err := yaml.Marshal(&root)
	if err != nil {
		t.Fatalf("%v", err)
	}
	return made, true
}

// Limits that apply to tuning but not to the file. Who tunes may be far from the robot, and a mistake must not make it
// unusable. A file may go beyond; then the range includes its value.
var tunedOnly = []struct {
	path         string // a regular expression
	below, above bool
}{
	{`^actuators\..*\.(timeout|slew)$`, true, true},                                // 1 ms to 1 min, up to 1000/s; none: in a file
	{`\.(window|period|debounce|glitch)$`, false, true},                            // a minute; for a pin, a second
	{`^sensors\.\w+\.(every|stale|frozen)$`, true, true},                           // limit each other; a file's default follows
	{`^sensors\..*\.(curve\[\d\]\[\d\]|above|below|hysteresis|step)$`, true, true}, // 1e9
	{`^rewards\.\w+\.threshold$`, false, true},                                     // the same
	{`^sensors\.\w+\.encode\.range\[\d\]$`, true, true},                            // the ends keep their order in the file
	{`^network\..*\.(overshoot|max)$`, true, false},                                // a file rounds up to the smallest amount
	{`^network\..*\.consolidation$`, false, true},                                  // beyond all levels, nothing is consolidated
}

// off matches parameters that a running robot can set to 0, but that make no sense with 0 in a file.
var off = regexp.MustCompile(`\.(gain|encode\.weight)$`)

// A value that can be set can be written into the file at the same path, and means the same there. A value that is refused as out
// of range is refused in the file, too.
func TestTuningIsLoading(t *testing.T) {
	t.Parallel() // in virtual time
	accepted, refusals, excepted := 0, 0, 0
	for _, text := range []string{tableRobot(t), strings.Replace(rich, "FILE", filepath.Join(t.TempDir(), "rich.learnt"), 1)} {
		config := parse(t, text, nil)
		rapid.Check(t, func(t *rapid.T) {
			x := newTunable(t, config)
			defer func() { _ = x.halt() }()
			all := x.paths(t)
			for _, p := range all {
				if math.IsInf(p.Min, 0) || math.IsInf(p.Max, 0) {
					t.Fatalf("%s: %v to %v are announced, but JSON has no such numbers", p.Path, p.Min, p.Max)
				}
			}
			units, values := map[string]string{}, map[string]float64{}
			for range rapid.IntRange(1, 4).Draw(t, "sets") {
				p := rapid.SampledFrom(all).Draw(t, "parameter")
				now := x.value(t, p.Path)
				below, above := now.Min-max(1e-5, math.Abs(now.Min)*1e-3), now.Max+max(1e-5, math.Abs(now.Max)*1e-3)
				v := rapid.SampledFrom([]float64{now.Min, now.Max, now.Min + (now.Max-now.Min)/2, below, above,
					p.Default * 1.1, p.Default / 2, -p.Default, 0, -1, 1e3 * p.Default}).Draw(t, p.Path)
				if v = math.Round(v*1e6) / 1e6; p.Type == "int" {
					v = math.Round(v) + 0 // no -0, which no file says
				}
				units[p.Path] = p.Unit
				wanted := maps.Clone(values)
				wanted[p.Path] = v
				data, has := fileWith(t, text, wanted, units)
				if !has {
					continue
				}
				_, wrong := readFile(data)
				err := x.tuner.Set(tuning.Request{Values: map[string]float64{p.Path: v}})
				var refused *protocol.Error
				switch {
				case err == nil && wrong == nil:
					accepted++
					values = wanted
				case err == nil && v == 0 && off.MatchString(p.Path):
					return
				case err == nil:
					t.Fatalf("%s = %v can be set, of %v to %v, but is refused in a file: %v", p.Path, v, now.Min, now.Max, wrong)
				case !errors.As(err, &refused) || refused.Code != protocol.OutOfRange:
					t.Fatalf("%s = %v: %v", p.Path, v, err)
				case wrong != nil:
					refusals++
				default:
					excepted++
					if !slices.ContainsFunc(tunedOnly, func(r struct {
						path         string
						below, above bool
					}) bool {
						return regexp.MustCompile(r.path).MatchString(p.Path) && (r.below && v < now.Min || r.above && v > now.Max)
					}) {
						t.Fatalf("%s = %v is refused (%v), but accepted in a file", p.Path, v, err)
					}
				}
			}
			data, _ := fileWith(t, text, values, units)
			loaded, err := readFile(data)
			if err != nil {
				t.Fatal(err)
			}
			same := newTunable(t, loaded)
			for path, v := range values {
				got, _, err := same.tuner.Get([]string{path})
				if err != nil && v == 0 {
					continue // with 0 in the file, there is no such parameter
				}
				if math.Abs(got[path].V-v) > 1e-6 {
					t.Fatalf("%s is set to %v, but means %v in a file", path, v, got)
				}
			}
			_ = same.halt()
		})
	}
	if n := checks(t); accepted < n/2 || refusals < n/20 {
		t.Errorf("%d accepted, %d refused, %d in tuning only: the property was hardly checked", accepted, refusals, excepted)
	}
}

// readFile reads a robot file like fluxd check.
func readFile(data []byte) (*configs.Robot, error) {
	robot, err := configs.Parse("test.yaml", data, nil)
	if err != nil {
		return nil, err
	}
	if beyond, _ := hardware.CheckRanges(robot); len(beyond) > 0 {
		return nil, beyond
	}
	_, err = Check(robot)
	return robot, err
}
