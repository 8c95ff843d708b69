package rewards_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"fluxd/configs"
	"fluxd/core"
)

// A lesson shows cues to a robot with a critic, and rewards what follows some of them.
type lesson struct {
	*core.Network
	index map[string][]int
	at    core.Tick
}

// expecting is a robot whose critic expects the reward from three cues. Each cue fires act, and the synapse learns.
const expecting = `robot: r
board: {kind: sim}
network:
  neurons: {cue: {count: 3}, act: {}, joy: {}}
  synapses:
    - {from: cue, to: act, weight: 150, plastic: {max: 1000}}
    - {from: joy, to: act, kind: modulator, weight: 10}
rewards: {praise: {to: joy, most: 1, critic: CRITIC}}
`

func newLesson(t testing.TB, critic string) *lesson {
	t.Helper()
	r, err := configs.Parse("robot.yaml", []byte(replaced(expecting, "CRITIC", critic)), nil)
	if err != nil {
		t.Fatal(err)
	}
	n, err := core.Build(r.Network)
	if err != nil {
		t.Fatal(err)
	}
	return &lesson{n, r.Index, 1000}
}

// weight returns the long-term weight of a cue's synapse onto act.
func (l *lesson) weight(t testing.TB, cue int) float64 {
	w, _, err := l.Weight(cue)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// decide fires some cues, and 100 ms later joy so many times. It returns how often the critic fired, and takes interval in all.
func (l *lesson) decide(t testing.TB, joy int, interval core.Tick, cues ...int) (expected int) {
	t.Helper()
	for _, cue := range cues {
		if err := l.Excite(l.at, l.index["cue"][cue]); err != nil {
			t.Fatal(err)
		}
	}
	for k := range joy {
		if err := l.Excite(l.at+100_000+core.Tick(2000*k), l.index["joy"][0]); err != nil {
			t.Fatal(err)
		}
	}
	l.at += interval
	for _, s := range l.Advance(l.at, nil) {
		if slices.Equal(l.index["praise.critic"], []int{s.Neuron}) {
			expected++
		}
	}
	return expected
}

// What is expected pays nothing: the synapse stops changing. What is expected and does not come punishes, what comes without
// being expected pays in full. A cue that says nothing gets no credit.
func TestCriticLearnsWhatToExpect(t *testing.T) {
	for _, interval := range []core.Tick{200_000, 500_000} {
		l := newLesson(t, "{from: [cue], delay: 100ms, rate: 0.002}")
		change := func(cue, joy int, cues ...int) (expected int, change float64) {
			before := l.weight(t, cue)
			expected = l.decide(t, joy, interval, cues...)
			return expected, l.weight(t, cue) - before
		}
		_, first := change(0, 1, 0, 2)
		for range 3000 { // cue 2 always, cue 0 before a reward, cue 1 before none
			change(0, 1, 0, 2)
			change(1, 0, 1, 2)
		}
		expected, usual := change(0, 1, 0, 2)
		none, _ := change(1, 0, 1, 2)
		_, omitted := change(0, 0, 0, 2)
		if first < 0.17 || expected < 9 || none != 1 || usual < -0.03 || usual > 0.03 || omitted > -0.15 {
			t.Errorf("every %d us: at first a reward changes the weight by %g; when %d and %d parts are expected by %g, "+
				"and one that does not come by %g", interval, first, expected, none, usual, omitted)
		}
		if _, unexpected := change(1, 1, 1, 2); unexpected < 0.15 {
			t.Errorf("every %d us: a reward that is not expected changes the weight by %g", interval, unexpected)
		}
	}
}

// A critic is a neuron with an input from each neuron of from. The reward reaches it, and its spikes are worth as much as the
// largest reward, with the opposite sign, just before that arrives.
func TestCriticIsMadeOfNeuronsAndSynapses(t *testing.T) {
	r, err := configs.Parse("robot.yaml", []byte(`robot: r
board: {kind: sim}
network:
  neurons: {cue: {count: 2}, extra: {}, motor: {count: 2}, joy: {}, woe: {}}
  synapses:
    - {from: joy, to: motor, kind: modulator, weight: [20, 30], delay: 3ms}
    - {from: woe, to: motor, kind: modulator, weight: -20}
rewards: {praise: {to: joy, against: woe, most: 3, critic: {from: [cue, extra], delay: 50ms, parts: 6}}}
`), nil)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, s := range r.Network.Synapses[4:] {
		got = append(got, fmt.Sprintf("%s>%s %v %g at %d", r.Network.Neurons[s.From].Name, r.Network.Neurons[s.To].Name, s.Kind,
			s.Weight,
			s.Delay))
	}
	want := []string{"cue[0]>praise.critic direct 1 at 1000", "cue[1]>praise.critic direct 1 at 1000",
		"extra>praise.critic direct 1 at 1000", "joy>praise.critic modulator 126 at 1000", "woe>praise.critic modulator -126 at 1000",
		"praise.critic>praise.critic modulator -63 at 49940", "praise.critic>motor[0] modulator -10 at 51940",
		"praise.critic>motor[1] modulator -15 at 51940"}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// With any numbers a critic is valid, and what it expects at most is the largest reward, at the critic and at its targets.
func TestCriticExpectsTheLargestReward(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		most, parts := rapid.IntRange(1, 127).Draw(t, "most"), rapid.IntRange(1, 50).Draw(t, "parts")
		weight := rapid.IntRange(-127, 127).Filter(func(w int) bool { return w != 0 }).Draw(t, "weight")
		text := fmt.Sprintf(`robot: r
board: {kind: sim}
network: {neurons: {cue: {}, motor: {}, joy: {}}, synapses: [{from: joy, to: motor, kind: modulator, weight: %d}]}
rewards: {praise: {to: joy, most: %d, critic: {from: [cue], delay: %dms, parts: %d, rate: %.6f}}}
`, weight, most, rapid.IntRange(2, 60_000).Draw(t, "delay"), parts, rapid.Float64Range(0.00001, 0.1).Draw(t, "rate"))
		r, err := configs.Parse("robot.yaml", []byte(text), nil)
		if weight*most%parts != 0 || weight*most/parts > 127 || weight*most/parts < -127 {
			if err == nil {
				t.Fatalf("accepted: %s", text)
			}
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		if _, err := core.Build(r.Network); err != nil {
			t.Error(err)
		}
		sums := map[string]int{}
		for _, s := range r.Network.Synapses {
			if s.Kind == core.Modulator {
				count := map[string]int{"joy": most, "praise.critic": parts}[r.Network.Neurons[s.From].Name]
				sums[r.Network.Neurons[s.To].Name] += count * int(s.Weight)
			}
		}
		if sums["motor"] != 0 || sums["praise.critic"] != 0 {
			t.Errorf("%s: %v", text, sums)
		}
	})
}
