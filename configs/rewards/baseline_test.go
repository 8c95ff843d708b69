package rewards_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"fluxd/configs"
	"fluxd/configs/rewards"
	"fluxd/core"
)

// modulators lists the modulator synapses of a robot: "joy>motor 10 at 1ms".
func modulators(t *testing.T, text string) (all []string) {
	t.Helper()
	r, err := configs.Parse("robot.yaml", []byte("robot: r\nboard: {kind: sim}\n"+text), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range r.Network.Synapses {
		if s.Kind == core.Modulator {
			all = append(all, fmt.Sprintf("%s>%s %g at %v", r.Network.Neurons[s.From].Name, r.Network.Neurons[s.To].Name, s.Weight,
				time.Duration(s.Delay)*time.Microsecond))
		}
	}
	return all
}

// A baseline pays each reward again, later and with the opposite sign, on every modulator synapse of its neurons.
func TestBaselineComesLaterWithTheOppositeSign(t *testing.T) {
	for _, c := range []struct {
		name, text string
		want       []string
	}{
		{"both signs, in parts of unequal size", `
network:
  neurons: {joy: {}, woe: {}, motor: {}, other: {}}
  synapses:
    - {from: joy, to: motor, kind: modulator, weight: 10}
    - {from: woe, to: motor, kind: modulator, weight: -2, delay: 3ms}
    - {from: other, to: motor, kind: modulator, weight: 7}
    - {from: joy, to: other, weight: 60}
rewards:
  light: {to: joy, against: woe, baseline: {over: 3s, parts: 3}}
`, []string{"joy>motor 10 at 1ms", "woe>motor -2 at 3ms", "other>motor 7 at 1ms",
			"joy>motor -3 at 1.001s", "joy>motor -3 at 2.001s", "joy>motor -4 at 3.001s",
			"woe>motor 1 at 2.003s", "woe>motor 1 at 3.003s"}},
		{"the defaults; two rewards with the same neuron have one baseline", `
network:
  neurons: {joy: {}, motor: {}}
  synapses: [{from: joy, to: motor, kind: modulator, weight: 10}]
rewards:
  left: {to: joy, baseline: {}}
  right: {to: joy, baseline: {over: 5s}}
`, []string{"joy>motor 10 at 1ms", "joy>motor -2 at 1.001s", "joy>motor -2 at 2.001s", "joy>motor -2 at 3.001s",
			"joy>motor -2 at 4.001s", "joy>motor -2 at 5.001s"}},
		{"neurons of circuits and populations", `
circuits:
  c:
    neurons: {joy: {count: 2}, motor: {count: 2}}
    synapses: [{from: joy, to: motor, kind: modulator, weight: [4, 5], rule: {kind: one-to-one}}]
network:
  circuits: {u: {use: c}}
rewards:
  light: {to: u.joy, baseline: {over: 1s, parts: 1}}
`, []string{"u.joy[0]>u.motor[0] 4 at 1ms", "u.joy[1]>u.motor[1] 5 at 1ms",
			"u.joy[0]>u.motor[0] -4 at 1.001s", "u.joy[1]>u.motor[1] -5 at 1.001s"}},
		{"credit", `
network:
  neurons: {joy_l: {}, joy_r: {}, woe_l: {}, l: {}, r: {}}
  synapses:
    - {from: joy_l, to: l, kind: modulator, weight: 4}
    - {from: joy_r, to: r, kind: modulator, weight: 4}
    - {from: woe_l, to: l, kind: modulator, weight: -4}
rewards:
  light: {window: 1s, credit: [{to: joy_l, against: woe_l, actor: l}, {to: joy_r, actor: r}], baseline: {over: 1s, parts: 2}}
`, []string{"joy_l>l 4 at 1ms", "joy_r>r 4 at 1ms", "woe_l>l -4 at 1ms", "joy_l>l -2 at 501ms", "joy_l>l -2 at 1.001s",
			"joy_r>r -2 at 501ms", "joy_r>r -2 at 1.001s", "woe_l>l 2 at 501ms", "woe_l>l 2 at 1.001s"}},
	} {
		if got := modulators(t, c.text); !slices.Equal(got, c.want) {
			t.Errorf("%s:\n%s\nwant\n%s", c.name, strings.Join(got, "\n"), strings.Join(c.want, "\n"))
		}
	}
}

// Whatever the weight and the number of parts, the parts add up to minus the weight, none has its sign, and they differ by at
// most one step.
func TestPartsOfABaselineAddUp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := &rewards.Baseline{Parts: rapid.IntRange(1, 50).Draw(t, "parts")}
		weight := rapid.IntRange(-127, 127).Draw(t, "weight")
		sum, least, most := 0, 127, -127
		for part := 1; part <= b.Parts; part++ {
			share := b.Share(weight, part)
			sum, least, most = sum+share, min(least, share), max(most, share)
		}
		if sum != -weight || weight > 0 && most > 0 || weight < 0 && least < 0 || most-least > 1 {
			t.Errorf("weight %d in %d parts: from %d to %d, %d in all", weight, b.Parts, least, most, sum)
		}
	})
}

// A network that a baseline has extended is one that the engine builds.
func TestNetworksWithBaselinesAreBuilt(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := fmt.Sprintf(`robot: r
board: {kind: sim}
network:
  neurons: {joy: {count: %d}, motor: {count: 2}}
  synapses: [{from: joy, to: motor, kind: modulator, weight: {min: -127, max: 127}, delay: {min: 1us, max: 2s}}]
rewards: {light: {to: joy, baseline: {over: %dms, parts: %d}}}
`, rapid.IntRange(1, 3).Draw(t, "neurons"), rapid.IntRange(1, 3_598_000).Draw(t, "over"), rapid.IntRange(1, 50).Draw(t, "parts"))
		r, err := configs.Parse("robot.yaml", []byte(text), nil)
		if err != nil {
			t.Fatal(err)
		}
		sums := map[[2]int]float64{}
		for _, s := range r.Network.Synapses {
			sums[[2]int{s.From, s.To}] += s.Weight
		}
		for pair, sum := range sums {
			if sum != 0 {
				t.Errorf("%v: the weights add up to %g", pair, sum)
			}
		}
		if _, err := core.Build(r.Network); err != nil {
			t.Error(err)
		}
	})
}

func replaced(text, old, by string) string { return strings.ReplaceAll(text, old, by) }
