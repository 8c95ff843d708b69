package circuits_test

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"fluxd/configs"
	"fluxd/configs/strict"
	"fluxd/core"
)

// The engine builds every network that is accepted, and every refusal has a line. The networks are random, with every mechanism,
// rule and kind of number, valid and invalid. The seeds are fixed, so that a test that has passed once passes again.
func TestWhatIsAcceptedCanBeBuilt(t *testing.T) {
	if testing.Short() {
		t.Skip("many circuits")
	}
	const seeds = 1500
	network := rapid.Custom(randomRobot)
	accepted, synapses, refused, generators := 0, 0, 0, 0
	for seed := range seeds {
		text := network.Example(seed)
		robot, err := configs.Parse("robot.yaml", []byte(text), nil)
		if err != nil {
			refused++
			var all strict.Errors
			if !errors.As(err, &all) {
				t.Fatalf("seed %d: %v", seed, err)
			}
			for _, e := range all {
				if e.Line == 0 || e.Column == 0 {
					t.Errorf("seed %d: %v: no line\n%s", seed, e, text)
				}
			}
			continue
		}
		accepted++
		synapses += len(robot.Network.Synapses)
		for _, n := range robot.Network.Neurons {
			if n.Noise != nil || n.Pattern != nil {
				generators++
			}
		}
		if _, err := core.Build(robot.Network); err != nil {
			t.Errorf("seed %d: accepted, but the engine refuses it: %v\n%s", seed, err, text)
		}
	}
	t.Logf("%d accepted with %d synapses and %d generators, %d refused", accepted, synapses, generators, refused)
	if accepted < seeds/10 || refused < seeds/10 || synapses < seeds || generators < seeds/10 {
		t.Errorf("%d accepted with %d synapses, %d refused: expected more of each", accepted, synapses, refused)
	}
}

// randomRobot draws the text of a robot file.
func randomRobot(t *rapid.T) string {
	draw := func(label string, from ...string) string { return rapid.SampledFrom(from).Draw(t, label) }
	odd := func() bool { return rapid.IntRange(0, 255).Draw(t, "odd") == 77 } // rapid draws small numbers more often than others
	amount := func() string {
		if odd() {
			return draw("odd amount", "-1", "0.0004", "1e-9", "3e6", "1e8", "1e300")
		}
		return draw("amount", "0", "1", "2.5", "30", "0.01")
	}
	most := func() string {
		if one := amount(); one != "0" {
			return one
		}
		return "none"
	}
	span := func() string {
		if odd() {
			return draw("odd span", "0us", "1h", "61m", "-1ms")
		}
		return draw("span", "1us", "1ms", "20ms")
	}
	recovery := func() string {
		if odd() {
			return draw("odd recovery", "3e6", "0.0001", "-1")
		}
		return draw("recovery", "0", "10", "2e6")
	}
	maybe := func(text string) string {
		if rapid.IntRange(0, 2).Draw(t, "maybe") == 0 {
			return text
		}
		return ""
	}
	neuron := func(extra string) string {
		adaptation := maybe(fmt.Sprintf(", adaptation: {rate: %s, max: %s, recovery: %s, tolerance: %s}",
			amount(), most(), recovery(), draw("tolerance", "0", "3")))
		habituation := maybe(fmt.Sprintf(", habituation: {rate: %s, max: %s, recovery: %s}", amount(), most(), recovery()))
		pacemaker := maybe(", pacemaker: " + span())
		generator := ""
		if pacemaker == "" || odd() {
			generator = maybe(", noise: {rate: "+draw("rate", "0.5 Hz", "3 Hz", "20 Hz", amount()+" Hz")+maybe(", spikes: "+
				draw("spikes", "1", "3", "{min: 2, max: 5}"))+maybe(", interval: "+draw("interval", span(), "{min: 1ms, max: 3ms}"))+"}") +
				maybe(", pattern: {period: "+draw("period", "1s", "200ms", span())+", times: ["+
					draw("times", "0ms", "5ms, 90ms", span())+"]}")
		}
		receptors := []string{}
		for _, r := range []string{"threshold", "stp", "ltp"} {
			if maybe("r") != "" {
				receptors = append(receptors, r+": "+amount())
			}
		}
		for _, r := range [][2]string{{"adaptation", adaptation}, {"habituation", habituation}, {"pacemaker", pacemaker}} {
			if r[1] != "" || odd() {
				receptors = append(receptors, r[0]+": "+amount())
			}
		}
		return fmt.Sprintf("{threshold: %s, leak: %s, floor: %s, refractory: %s%s%s%s%s%s%s, receptors: {%s}%s}",
			draw("threshold", "100", "1", "0", "2.5", amount()), draw("leak", "0", "1000", "1000", "100", "1"),
			draw("floor", "0", "-5", "-"+amount()), span(),
			adaptation, habituation, pacemaker, generator,
			maybe(fmt.Sprintf(", burst: {overshoot: %s, interval: %s, max: %s}", draw("overshoot", "5", "1"), span(),
				draw("max", "none", "4"))),
			maybe(", modulation: {leak: "+recovery()+"}"), strings.Join(receptors, ", "), extra)
	}
	number := func(values func() string) string {
		switch draw("number", "one", "one", "one", "range", "range", "range", "list") {
		case "range":
			return fmt.Sprintf("{min: %s, max: %s}", values(), draw("high", "50", "100", "3", "0"))
		case "list":
			return fmt.Sprintf("[%s, %s]", values(), values())
		}
		return values()
	}
	synapse := func(names ...string) string {
		text := fmt.Sprintf("{from: %s, to: %s, delay: %s", draw("from", names...), draw("to", names...),
			draw("delay", span(), span(), "{min: 1us, max: 3us}", span()))
		kind := draw("kind", "direct", "direct", "direct", "modulator", "electric")
		weight := func() string {
			return draw("sign", "", "", "-") + draw("weight", "1", "1", "2.5", "30", "0.01", amount())
		}
		if kind == "modulator" {
			weight = func() string {
				if odd() {
					return draw("odd steps", "0", "1.5", "128")
				}
				return draw("steps", "1", "-1", "-3", "2", "127")
			}
		}
		if kind != "electric" {
			text += ", weight: " + number(weight)
		}
		if kind == "direct" {
			text += maybe(fmt.Sprintf(", plastic: {window: %s, min: %s, max: %s, "+
				"stp: {rate: %s, depression: %s, unpaired: %s, max: %s, recovery: %s}, ltp: {rate: %s, depression: %s, consolidation: %s, "+
				"share: %s}}",
				span(), draw("min", "0", "0", "0", "0.001"), draw("max", "none", "none", "200", most()),
				amount(), amount(), amount(), most(), recovery(), amount(), amount(), amount(), draw("share", "0", "0.02", "1", "1.5")))
		}
		rule := draw("rule", "", "", "", "one-to-one", "all-to-all", "fixed-probability", "fixed-indegree", "fixed-outdegree")
		switch rule {
		case "":
		case "fixed-probability":
			text += fmt.Sprintf(", rule: {kind: %s, probability: %s, autapses: %s}", rule,
				draw("probability", "0", "0.3", "0.9", "1"), draw("autapses", "true", "false"))
		case "fixed-indegree", "fixed-outdegree":
			text += fmt.Sprintf(", rule: {kind: %s, degree: %s, multapses: %s, autapses: %s}", rule,
				draw("degree", "1", "1", "2"), draw("multapses", "true", "false"), draw("autapses", "true", "false"))
		default:
			text += fmt.Sprintf(", rule: {kind: %s, autapses: %s}", rule, draw("autapses", "true", "false"))
		}
		return text + ", kind: " + kind + "}"
	}
	var b strings.Builder
	b.WriteString("robot: r\nboard: {kind: sim}\ncircuits:\n  c:\n")
	fmt.Fprintf(&b, "    parameters: {p: %s, s: %s}\n    neurons:\n      x: {threshold: $p}\n      y: %s\n",
		draw("p", "1", "30", amount()), span(), neuron(", count: 3"))
	fmt.Fprintf(&b, "    synapses:\n      - %s\n", synapse("x", "y"))
	b.WriteString("      - {from: x, to: y, weight: $p, delay: $s}\n")
	fmt.Fprintf(&b, "network:\n  seed: %d\n  neurons:\n    a: %s\n    b: %s\n    d: %s\n",
		rapid.IntRange(0, 1000).Draw(t, "seed"), neuron(""), neuron(", count: 3"), neuron(", count: 3"))
	fmt.Fprintf(&b, "  circuits:\n    u: {use: c}\n    v: {use: c, p: %s}\n  synapses:\n", draw("p", "1", "30", amount()))
	for range rapid.IntRange(0, 6).Draw(t, "synapses") {
		fmt.Fprintf(&b, "    - %s\n", synapse("a", "b", "d", "'b[1]'", "u.x", "u.y", "v.y"))
	}
	b.WriteString("mqtt: {broker: none}\n")
	return b.String()
}

// A network that is too large is refused with its line, before any of it is built.
func TestTooLargeNetworksAreRefusedBeforehand(t *testing.T) {
	nest := "circuits:\n  c0: {neurons: {a: {count: 1000}}}\n"
	for depth := 1; depth < 16; depth++ {
		nest += fmt.Sprintf("  c%d: {circuits: {l: {use: c%d}, r: {use: c%d}}}\n", depth, depth-1, depth-1)
	}
	wide := "circuits:\n  c0: {neurons: {a: {}}}\n"
	for depth := 1; depth < 16; depth++ {
		wide += fmt.Sprintf("  c%d: {circuits: {a: {use: c%[2]d}, b: {use: c%[2]d}, d: {use: c%[2]d}, e: {use: c%[2]d}}}\n",
			depth, depth-1)
	}
	const a = "network: {neurons: {a: {count: %d}}, synapses: [{from: a, to: a, weight: 1, rule: {kind: %s}}]}\n"
	const twice = "network:\n  neurons: {a: {count: 12000}}\n  synapses:\n" +
		"    - {from: a, to: a, weight: 1}\n    - {from: a, to: a, weight: 1}\n"
	for _, c := range []struct{ name, network, want string }{
		{"all to all", fmt.Sprintf(a, 14_200, "all-to-all"),
			"robot.yaml:3:52: network.synapses[0]: 201640000 synapses up to here, with these between 14200 and 14200 neurons: " +
				"expected at most 200000000 in the network"},
		{"ten thousand million pairs", fmt.Sprintf(a, 100_000, "all-to-all"), ": 10000000000 synapses up to here"},
		{"the largest population", fmt.Sprintf(a, 10_000_000, "all-to-all"), ": 100000000000000 synapses up to here"},
		{"random pairs", fmt.Sprintf(a, 100_000, "fixed-probability, probability: 0.1"), ": at least 999700000 synapses up to here"},
		{"too many to choose from", fmt.Sprintf(a, 200_000, "fixed-probability, probability: 1e-9"),
			"200000 times 200000 pairs are too many to choose from: expected at most 20000000000 pairs"},
		{"degrees", fmt.Sprintf(a, 1_000_000, "fixed-outdegree, degree: 201"), ": 201000000 synapses up to here"},
		{"several entries", twice, "robot.yaml:7:7: network.synapses[1]: 288000000 synapses up to here"},
		{"neurons", "network:\n  neurons:\n    a: {count: 6000000}\n    b: {count: 6000000}\n",
			"robot.yaml:6:8: network.neurons.b: 12000000 neurons up to here: expected at most 10000000 in the network"},
		{"circuits in circuits", nest + "network: {circuits: {t: {use: c15}}}\n", "neurons up to here: expected at most 10000000"},
		{"uses of uses", wide + "network: {circuits: {t: {use: c15}}}\n",
			"network.circuits.t: with this use, all uses of circuits have more than 5000000 values"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, err := configs.Parse("robot.yaml", []byte("robot: r\nboard: {kind: sim}\n"+c.network), nil)
			runtime.ReadMemStats(&after)
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("got  %v\nwant %s, and nothing else", err, c.want)
			}
			if allocated := (after.TotalAlloc - before.TotalAlloc) >> 20; allocated > 300 {
				t.Errorf("allocated %d MiB before it was refused", allocated)
			}
		})
	}
}

// A wrong name in a circuit is reported once, and its cost does not grow with the number of neurons.
func TestWrongNameInACircuitIsReportedOnce(t *testing.T) {
	network := func(uses int) string {
		text := "robot: r\nboard: {kind: sim}\ncircuits: {c: {neurons: {a: {}}, synapses: [{from: a, to: b, weight: 1}]}}\n" +
			"network:\n  circuits:\n"
		for i := range uses {
			text += fmt.Sprintf("    u%d: {use: c}\n", i)
		}
		return text
	}
	allocations := func(uses int) float64 {
		text := []byte(network(uses))
		return testing.AllocsPerRun(1, func() {
			_, err := configs.Parse("robot.yaml", text, nil)
			if err == nil || strings.Count(err.Error(), "no neuron is named") != 1 {
				t.Fatalf("%v: want one mistake", err)
			}
		})
	}
	if small, large := allocations(500), allocations(2000); large > 5*small {
		t.Errorf("%.0f allocations for 500 uses, %.0f for 2000", small, large)
	}
}

// No weight that rounds to 0 is drawn from a range: the engine would refuse it.
func TestNoWeightOfZeroIsDrawn(t *testing.T) {
	f := networkOf(t, `
network:
  neurons: {a: {count: 60}, b: {count: 60, leak: 0}}
  synapses:
    - {from: a, to: a, kind: modulator, weight: {min: -1, max: 1}}
    - {from: a, to: b, weight: {min: -0.002, max: 0.002}}
    - {from: a, to: b, weight: {min: 0, max: 0.0005}}
    - {from: a, to: b, weight: {min: -0.002, max: 0.002}, plastic: {window: 1ms}}
`)
	steps := map[float64]int{}
	for _, s := range f.Synapses {
		if s.Kind == core.Modulator {
			steps[s.Weight]++
		}
	}
	if len(steps) != 2 || steps[1] < 1500 || steps[-1] < 1500 {
		t.Errorf("modulators of %v", steps)
	}
	if _, err := core.Build(f); err != nil {
		t.Error(err)
	}
}

// A network with more ways to learn than the engine has room for is refused, at the first synapse beyond.
func TestTooManyWaysToLearn(t *testing.T) {
	if testing.Short() {
		t.Skip("a large file")
	}
	var b strings.Builder
	b.WriteString("robot: r\nboard: {kind: sim}\nnetwork:\n  neurons: {a: {}}\n  synapses:\n")
	for i := range core.MaxRules + 1 {
		fmt.Fprintf(&b, "    - {from: a, to: a, weight: 1, plastic: {window: %dus}}\n", i+1)
	}
	_, err := configs.Parse("robot.yaml", []byte(b.String()), nil)
	const want = "robot.yaml:65542:44: network.synapses[65536].plastic: more than 65536 different ways to learn: " +
		"expected values that more synapses share"
	if err == nil || err.Error() != want {
		t.Errorf("got %v", err)
	}
}
