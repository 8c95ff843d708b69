package inspect

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"fluxd/bridge/protocol"
	"fluxd/cmd/fluxd/reward"
	"fluxd/cmd/fluxd/tuning"
	"fluxd/configs"
	"fluxd/core"
	"fluxd/sensors"
)

// bench is a network without a robot. Its loop is the test itself, and its clock stands still.
type bench struct {
	*Inspector
	t       testing.TB
	tuner   *tuning.Tuner
	network *core.Network
	spikes  []uint64
	rewards []*reward.Reward
	now     time.Duration
	looped  int   // calls of the loop
	busy    error // of the loop

	description protocol.Description
}

// Readings implements tuning.Robot, as do Prepare and ConvertWeights.
func (b *bench) Readings(int) sensors.Range { return sensors.Range{} }

func (b *bench) Prepare(tuning.Part, *tuning.Settings) (func(), error) { return func() {}, nil }

func (b *bench) ConvertWeights(*tuning.Settings) func() { return func() {} }

func newBench(t testing.TB, text string) *bench {
	t.Helper()
	config, err := configs.Parse("test.yaml", []byte(text), nil)
	if err != nil {
		t.Fatal(err)
	}
	return benchOf(t, config)
}

func benchOf(t testing.TB, config *configs.Robot) *bench {
	t.Helper()
	network, err := core.Build(config.Network)
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{t: t, network: network}
	b.tuner = tuning.New(config, b.network, b)
	b.description.Parameters = b.tuner.Parameters()
	b.description.Neurons = tuning.NeuronGroups(config.Network.Neurons)
	b.spikes = make([]uint64, b.network.Neurons())
	for _, w := range config.Rewards {
		b.rewards = append(b.rewards, reward.New(w.Name, w.Value, config.Index))
	}
	b.Inspector = New(Robot{Config: config, Tuner: b.tuner, Network: b.network, Spikes: b.spikes, Rewards: b.rewards,
		Clock: func() time.Duration { return b.now }, Loop: func(_ context.Context, do func()) error {
			if b.busy == nil {
				b.looped++
				do()
			}
			return b.busy
		}}, &b.description)
	return b
}

func (b *bench) circuit() protocol.Network {
	b.t.Helper()
	n, err := b.Network(context.Background())
	if err != nil {
		b.t.Fatal(err)
	}
	return n
}

func (b *bench) state(names ...string) protocol.Neurons {
	b.t.Helper()
	n, err := b.Neurons(context.Background(), names)
	if err != nil {
		b.t.Fatal(err)
	}
	return n
}

func (b *bench) learning() protocol.Learning {
	b.t.Helper()
	l, err := b.Learning(context.Background())
	if err != nil {
		b.t.Fatal(err)
	}
	return l
}

func (b *bench) set(path string, value float64) {
	b.t.Helper()
	if err := b.tuner.Set(tuning.Request{Values: map[string]float64{path: value}, Source: "test"}); err != nil {
		b.t.Fatal(err)
	}
}

// seeker has each kind of synapse and each role.
const seeker = `
robot: seeker
board: {kind: sim}
sensors:
  eye: {device: bh1750, bus: I2C1, address: 0x23, every: 130ms, encode: {kind: rate, to: sees, range: [0 lx, 100 lx], max: 100 Hz}}
network:
  neurons:
    sees: {}
    pair: {count: 2, floor: -50}
    motor: {habituation: {rate: 5, recovery: 50}, modulation: {leak: 100}, receptors: {threshold: 2, stp: 0.5}}
    joy: {}
    pain: {}
  synapses:
    - {from: sees, to: pair, weight: 30, delay: 2ms}
    - {from: sees, to: 'pair[1]', weight: 40}
    - {from: pair, to: motor, weight: -20, plastic: {}}
    - {from: sees, to: motor, weight: 60, plastic: {}}
    - {from: joy, to: motor, kind: modulator, weight: 3}
    - {from: pain, to: motor, kind: modulator, weight: -3}
    - {from: motor, to: sees, kind: electric}
actuators:
  wheel: {device: hbridge, pwm: GPIO12, direction: GPIO5, decode: {kind: count, neuron: motor, full: 100 Hz, window: 100ms}}
rewards:
  lamp: {sensor: eye, to: joy, against: pain}
mqtt: {broker: none}
`

// The circuit lists each neuron with its role and each synapse with its kind, path and weights.
func TestCircuit(t *testing.T) {
	b := newBench(t, seeker)
	b.set("network.synapses.sees.pair[1][1].weight", -45)
	b.set("network.synapses.sees.pair[0].delay", 3000)
	if err := b.network.Learn(map[int]float64{3: -22.5}); err != nil {
		t.Fatal(err)
	}
	n := b.circuit()
	text, err := json.MarshalIndent(n, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, x := range n.Neurons {
		lines = append(lines, fmt.Sprintf("%s %q %q", x.Name, x.Role, x.Population))
	}
	for _, s := range n.Synapses {
		line := fmt.Sprintf("%s %s %s %v %g %d %s", s.From, s.To, s.Kind, s.Receptors, s.Weight, s.Delay, s.Path)
		if s.Plastic {
			line += fmt.Sprintf(" learnt %g", *s.Learnt)
		}
		lines = append(lines, line)
	}
	lines = append(lines, fmt.Sprint(n.Inputs, n.Outputs, n.Rewards, n.Grouped, n.LeftOut))
	want := `sees "sensor" ""
pair[0] "" "pair"
pair[1] "" "pair"
motor "motor" ""
joy "reward" ""
pain "reward" ""
sees pair[0] excitatory [] 30 3000 network.synapses.sees.pair[0]
sees pair[1] excitatory [] 30 2000 network.synapses.sees.pair[1]
sees pair[1] inhibitory [] -45 1000 network.synapses.sees.pair[1][1]
pair[0] motor inhibitory [] -20 1000 network.synapses.pair[0].motor learnt -22.5
pair[1] motor inhibitory [] -20 1000 network.synapses.pair[1].motor learnt -20
sees motor excitatory [] 60 1000 network.synapses.sees.motor learnt 60
joy motor modulator [threshold stp] 3 1000 network.synapses.joy.motor
pain motor modulator [threshold stp] -3 1000 network.synapses.pain.motor
motor sees electric [] 0 1000 network.synapses.motor.sees
[{eye sees}] [{motor wheel}] [{lamp joy 1} {lamp pain -1}] false 0`
	if got := strings.Join(lines, "\n"); got != want {
		t.Errorf("got\n%s\nwant\n%s\n%s", got, want, text)
	}
	if slices.ContainsFunc(n.Synapses, func(s protocol.NetworkSynapse) bool { return s.WeightTo != nil || s.Count != 0 }) {
		t.Errorf("a synapse that is listed one by one is a group:\n%s", text)
	}
	// Each path is the prefix of parameters.
	for _, s := range n.Synapses {
		if _, _, err := b.tuner.Get([]string{s.Path + ".delay"}); err != nil {
			t.Error(err)
		}
	}
	roles := map[string]protocol.Role{"sees": protocol.RoleSensor, "pair": "", "motor": protocol.RoleMotor,
		"joy": protocol.RoleReward, "pain": protocol.RoleReward}
	for _, g := range b.description.Neurons {
		if g.Role != roles[g.Name] {
			t.Errorf("%s has the role %q", g.Name, g.Role)
		}
	}
}

// The state of a neuron is that of the network, in the present although the network sleeps, with what the neuron has.
func TestNeurons(t *testing.T) {
	b := newBench(t, seeker)
	if err := errors.Join(b.network.Pour(1000, 1, -30_000), b.network.Pour(1000, 3, 80_000), b.network.Excite(2000, 4)); err != nil {
		t.Fatal(err)
	}
	for _, s := range b.network.Advance(20_000, nil) {
		b.spikes[s.Neuron]++
	}
	b.now = 25 * time.Millisecond
	n := b.state("pair[0]", "motor", "joy")
	pair, motor, joy := n.Neurons["pair[0]"], n.Neurons["motor"], n.Neurons["joy"]
	if n.At != 25_000 || pair.Level != -6 || pair.Threshold != 100 || pair.Floor != -50 || pair.Refractory || pair.Spikes != 0 {
		t.Errorf("at %d: %+v", n.At, pair)
	}
	if pair.Habituation != nil || pair.Modulation != nil || pair.Receptors != nil || pair.Adaptation != nil || pair.Fires != nil {
		t.Errorf("it has no mechanisms: %+v", pair)
	}
	// A modulator arrived at 3 ms, and its first step back was due 10 ms later.
	if motor.Level != 56 || *motor.Modulation != 0 && *motor.Modulation != 1 || *motor.Habituation != 0 ||
		motor.Threshold != 100-2*float64(*motor.Modulation) {
		t.Errorf("%+v, modulation %d", motor, *motor.Modulation)
	}
	if joy.Spikes != 1 || joy.Level != 0 {
		t.Errorf("%+v", joy)
	}
	// Nothing beyond what is due is counted: the loop has not come to it yet.
	if err := b.network.Pour(26_000, 1, 10_000); err != nil {
		t.Fatal(err)
	}
	b.now = 40 * time.Millisecond
	if n := b.state("pair[0]"); n.At != 26_000 || n.Neurons["pair[0]"].Level != -5 {
		t.Errorf("%+v", n)
	}
	b.now = 0 // the network is ahead of the clock
	if n := b.state("pair[0]"); n.At != 20_000 {
		t.Errorf("%+v", n)
	}
}

// A name that no single neuron has is refused, with what there is.
func TestNeuronsThatDoNotExist(t *testing.T) {
	b := newBench(t, seeker)
	for name, want := range map[string]string{
		"ear":     "ear: no such neuron",
		"motro":   "motor",
		"pair":    "pair: no such neuron: pair has 2, pair[0] to pair[1]",
		"pair[2]": "pair[0] to pair[1]",
		"":        "no such neuron",
	} {
		var refused *protocol.Error
		err := b.CheckNeurons([]string{"sees", name})
		if !errors.As(err, &refused) || refused.Code != protocol.UnknownNeuron || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", name, err, want)
		}
		if _, again := b.Neurons(context.Background(), []string{name}); again == nil || again.Error() != err.Error() {
			t.Errorf("%q: %v, want %v", name, again, err)
		}
	}
	if err := b.CheckNeurons([]string{"sees", "pair[1]"}); err != nil {
		t.Error(err)
	}
}

// What is learnt comes in the order of the circuit's plastic synapses, with what rewards have paid.
func TestLearning(t *testing.T) {
	b := newBench(t, seeker)
	if err := errors.Join(b.network.Learn(map[int]float64{3: -22.5, 5: 61}), b.network.Excite(5000, 0)); err != nil {
		t.Fatal(err)
	}
	b.network.Advance(20_000, nil)
	b.now = 20 * time.Millisecond
	for value := range slices.Values([]float64{3, 2, -4}) {
		b.rewards[0].Grant(b.network, 20_000, value)
	}
	want := protocol.Learning{Weights: []float64{-22.5, -20, 61}, ShortTerm: []float64{0, 0, -1}, // an arrival without a spike
		Rewards: map[string]protocol.RewardCount{"lamp": {For: 5, Against: 4}}}
	if l := b.learning(); !reflect.DeepEqual(l, want) {
		t.Errorf("%+v, want %+v", l, want)
	}
}

// A network without anything that learns has empty lists, not null.
func TestNothingLearns(t *testing.T) {
	b := newBench(t, "robot: r\nboard: {kind: sim}\nnetwork: {neurons: {one: {}}}\nmqtt: {broker: none}\n")
	for _, of := range []any{b.circuit(), b.learning()} {
		text, err := json.Marshal(of)
		if err != nil || strings.Contains(string(text), "null") {
			t.Errorf("%s, %v", text, err)
		}
	}
}

// crowd has more neurons and synapses than are listed one by one.
const crowd = `
robot: crowd
board: {kind: sim}
sensors:
  eye: {device: bh1750, bus: I2C1, address: 0x23, every: 130ms, encode: {kind: population, to: wall, range: [0 lx, 100 lx], max: 100 Hz}}
network:
  neurons: {wall: {count: 290}, few: {count: 20}, one: {}, joy: {}}
  synapses:
    - {from: wall, to: few, weight: 2, plastic: {}}
    - {from: one, to: few, weight: 4}
    - {from: one, to: few, weight: -4}
    - {from: joy, to: few, kind: modulator, weight: 1}
rewards:
  lamp: {sensor: eye, to: joy}
actuators:
  wheel: {device: hbridge, pwm: GPIO12, direction: GPIO5, decode: {kind: count, neuron: one, full: 100 Hz, window: 100ms}}
mqtt: {broker: none}
`

// A large network is shown by population, with the smallest and largest weight. What is learnt is read from some synapses of each
// group.
func TestLargeNetworkIsGrouped(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	b := newBench(t, crowd)
	b.set("network.synapses.one.few[7].weight", 9)
	if err := b.network.Learn(map[int]float64{0: 3}); err != nil { // the first is among those that are read
		t.Fatal(err)
	}
	n := b.circuit()
	text, err := json.Marshal(n)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"neurons":[{"name":"wall","role":"sensor","count":290},{"name":"few","role":"","count":20},` +
		`{"name":"one","role":"motor","count":1},{"name":"joy","role":"reward","count":1}],"synapses":[` +
		`{"from":"wall","to":"few","kind":"excitatory","weight":2,"delay_us":1000,"plastic":true,"learnt":2,"learnt_to":3,` +
		`"count":5800,"path":"network.synapses.wall[*].few[*]"},` +
		`{"from":"one","to":"few","kind":"excitatory","weight":4,"weight_to":9,"delay_us":1000,"count":20,` +
		`"path":"network.synapses.one.few[*]"},` +
		`{"from":"one","to":"few","kind":"inhibitory","weight":-4,"delay_us":1000,"count":20,"path":"network.synapses.one.few[*]"},` +
		`{"from":"joy","to":"few","kind":"modulator","weight":1,"delay_us":1000,"count":20,"path":"network.synapses.joy.few[*]"}],` +
		`"inputs":[{"sensor":"eye","neuron":"wall"}],"outputs":[{"neuron":"one","actuator":"wheel"}],` +
		`"rewards":[{"reward":"lamp","neuron":"joy","sign":1}],"grouped":true}`
	if string(text) != want {
		t.Errorf("got\n%s\nwant\n%s", text, want)
	}
	b.looped = 0
	l := b.learning()
	if len(l.Weights) != 1 || l.Weights[0] <= 2 || l.Weights[0] >= 2.01 {
		t.Errorf("%+v", l)
	}
	if calls := mostSampled/piece + 2; b.looped > calls {
		t.Errorf("the loop was asked %d times: expected at most %d", b.looped, calls)
	}
}

// A network of few but long names, and one of many neurons without populations, do not make a message that no broker passes on.
func TestAnswerIsBounded(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	long := strings.Repeat("x", 60)
	neurons, synapses := "", ""
	for i := range 250 {
		neurons += fmt.Sprintf("    %s%d: {}\n", long, i)
		for k := range 10 {
			synapses += fmt.Sprintf("    - {from: %s%d, to: %[1]s%[3]d, weight: 1}\n", long, i, (i+k)%250)
		}
	}
	b := newBench(t, "robot: r\nboard: {kind: sim}\nnetwork:\n  neurons:\n"+neurons+"  synapses:\n"+synapses+
		"mqtt: {broker: none}\n")
	for _, room := range []int{leastRoom, mostRoom} {
		if room == leastRoom {
			b.Inspector = New(b.robot, &protocol.Description{Neurons: b.description.Neurons})
		} else {
			b.Inspector = New(b.robot, &b.description)
		}
		n := b.circuit()
		text, err := json.Marshal(n)
		if err != nil {
			t.Fatal(err)
		}
		if len(text) > room+1000 || len(text) < room/4 {
			t.Errorf("%d bytes: expected at most %d, and not much less", len(text), room)
		}
		if !n.Grouped || len(n.Neurons) != 250 || n.LeftOut != 2500-len(n.Synapses) {
			t.Errorf("grouped %v, %d neurons, %d synapses, %d left out", n.Grouped, len(n.Neurons), len(n.Synapses), n.LeftOut)
		}
	}
}

// When the loop has no time, there is an error and nothing else.
func TestBusyLoop(t *testing.T) {
	b := newBench(t, seeker)
	b.busy = &protocol.Error{Code: protocol.Busy, Message: "the control loop is busy"}
	_, network := b.Network(context.Background())
	_, neurons := b.Neurons(context.Background(), []string{"motor"})
	_, learning := b.Learning(context.Background())
	for what, err := range map[string]error{"network": network, "neurons": neurons, "learning": learning} {
		if !errors.Is(err, b.busy) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// The inspector shows the same synapses as the network, whatever was tuned, for all robots that come with fluxd.
func TestAllRobotsCanBeInspected(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	examples := configs.Examples()
	if len(examples) < 10 {
		t.Fatalf("only %v", examples)
	}
	for _, example := range examples {
		name := example.Name
		config, err := configs.Load(name)
		if err != nil {
			t.Fatal(err)
		}
		b := benchOf(t, config)
		n := b.circuit()
		if n.LeftOut != 0 || n.Grouped {
			t.Errorf("%s: grouped %v, %d left out", name, n.Grouped, n.LeftOut)
		}
		plastic := 0
		for i, s := range n.Synapses {
			if s.Plastic {
				plastic++
			}
			if d := &config.Network.Synapses[i]; s.From != config.Network.Neurons[d.From].Name ||
				d.Kind != core.Electric && s.Weight != d.Weight || s.Delay != int64(d.Delay) {
				t.Errorf("%s: %+v is not %+v", name, s, d)
			}
		}
		if l := b.learning(); len(l.Weights) != plastic || len(l.ShortTerm) != plastic {
			t.Errorf("%s: %d weights of %d plastic synapses", name, len(l.Weights), plastic)
		}
		for _, g := range b.description.Neurons {
			one := g.Name
			if g.Count > 1 {
				one += "[0]"
			}
			b.state(one)
		}
	}
}

// BenchmarkLoop measures for how long a look holds up the loop: 64 neurons with mechanisms, and what is learnt of 3,000 synapses,
// which is read in pieces.
func BenchmarkLoop(b *testing.B) {
	const text = `
robot: busy
board: {kind: sim}
network:
  neurons:
    n: {count: 64, refractory: 5ms, pacemaker: 20ms, adaptation: {rate: 1, recovery: 100}, habituation: {rate: 5, recovery: 50},
        modulation: {leak: 100}, receptors: {threshold: 1, pacemaker: 10}}
    m: {count: 47}
  synapses: [{from: n, to: m, weight: 3, plastic: {}}]
mqtt: {broker: none}
`
	bench := newBench(b, text)
	var held time.Duration
	loop := bench.robot.Loop
	bench.robot.Loop = func(ctx context.Context, do func()) error {
		began := time.Now()
		err := loop(ctx, do)
		held += time.Since(began)
		return err
	}
	bench.network.Advance(1_000_000, nil)
	bench.now = time.Second
	names := make([]string, protocol.MaxWatched)
	for i := range names {
		names[i] = fmt.Sprintf("n[%d]", i)
	}
	for name, look := range map[string]func(){"64neurons": func() { bench.state(names...) },
		"3000weights": func() { bench.learning() }} {
		b.Run(name, func(b *testing.B) {
			held, bench.looped = 0, 0
			for range b.N {
				look()
			}
			b.ReportMetric(float64(held.Nanoseconds())/float64(bench.looped), "ns/call")
			b.ReportMetric(float64(bench.looped)/float64(b.N), "calls/op")
		})
	}
}
