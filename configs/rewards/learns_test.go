package rewards_test

import (
	"fmt"
	"strings"
	"testing"

	"fluxd/configs"
)

// A reward that teaches nothing, or the wrong thing, gets one warning, which says what to do. One that teaches gets none.
func TestWarningsOfWhatCannotLearn(t *testing.T) {
	const praised = "{to: joy}"
	for _, c := range []struct{ name, board, plastic, modulator, reward, want string }{
		{"the defaults", "", "{}", "", "{sensor: eye, window: 200ms, to: joy, baseline: {}}", ""},
		{"by message", "", "{}", "", praised, ""},
		{"no modulator synapse", "", "{}", "none", praised, "rewards.r: it teaches nothing: no synapse that learns by reward"},
		{"nothing plastic", "", "none", "", praised, "rewards.r: it teaches nothing"},
		{"plastic without reward", "", "{ltp: {rate: 1}}", "", praised, "rewards.r: it teaches nothing"},
		{"it learns a share", "", "{stp: {}, ltp: {share: 0.01}}", "", praised, ""},
		{"it does not teach, but modulates", "", "none", "{from: joy, to: eager, kind: modulator, weight: 10}", praised, ""},
		{"by way of another neuron", "", "{}", "{from: joy, to: relay, weight: 110}", praised, ""},
		{"a bystander learns as much as a cause", "", "{stp: {unpaired: 0}, ltp: {}}", "", praised,
			"the plastic synapse from eye to motor has stp.unpaired: 0"},
		{"a depression marks bystanders, too", "", "{stp: {unpaired: 0, depression: 1}, ltp: {}}", "", praised, ""},
		{"a window longer than the eligibility", "", "{}", "", "{sensor: eye, window: 2s, to: joy}",
			"rewards.r.window: 2s: the short-term parts of the synapses that it reaches last 1.5s at most"},
		{"a level is not compared with an earlier one", "", "{}", "", "{sensor: eye, on: level, window: 2s, to: joy}", ""},
		{"later than the eligibility", "", "{}", "{from: joy, to: motor, kind: modulator, weight: 10, delay: 1300ms}",
			"{sensor: eye, window: 200ms, to: joy}", "rewards.r: it comes up to 1.52s after what it is for"},
		{"just in time", "", "{}", "{from: joy, to: motor, kind: modulator, weight: 10, delay: 1250ms}",
			"{sensor: eye, window: 200ms, to: joy}", ""},
		{"a trace that never fades", "", "{stp: {recovery: 0}, ltp: {}}", "", "{sensor: eye, window: 2s, to: joy}", ""},
		{"a baseline within the eligibility", "", "{}", "", "{to: joy, baseline: {over: 1s}}",
			"rewards.r.baseline: its first part comes after 200ms, and takes back a part of what the reward has given"},
		{"a baseline of one part", "", "{}", "", "{to: joy, baseline: {over: 1s, parts: 1}}", ""},
		{"a baseline of a trace that never fades", "", "{stp: {recovery: 0}, ltp: {}}", "", "{to: joy, baseline: {}}",
			"rewards.r.baseline: stp.recovery is 0"},
		{"a critic", "", "{}", "", "{to: joy, most: 1, critic: {from: [eye], delay: 100ms}}", ""},
		{"spikes that are ignored", "", "{}", "", "{to: joy, every: 500us}", "rewards.r.to: joy is refractory for 1ms"},
		{"one spike is not ignored", "", "{}", "", "{to: joy, every: 500us, most: 1}", ""},
		{"a score on a real board", "raspberrypi", "{}", "", "{from: score, value: bumps, to: joy}",
			"rewards.r: this reward is never paid: a real board has no score"},
		{"a score where nothing changes", "", "{}", "", "{from: score, value: bumps, to: joy}",
			"rewards.r: this reward is never paid: nothing changes in the world table"},
		{"a score", "sim, world: arena", "{}", "", "{from: score, value: bumps, to: joy}", ""},
	} {
		plastic := ", plastic: " + c.plastic
		if c.plastic == "none" {
			plastic = ""
		}
		modulator := c.modulator
		switch modulator {
		case "":
			modulator = "{from: joy, to: motor, kind: modulator, weight: 10}"
		case "none":
			modulator = "{from: joy, to: motor, weight: -1}"
		}
		board := c.board
		if board == "" {
			board = "sim, world: table"
		}
		text := fmt.Sprintf(`robot: r
board: {kind: %s}
sensors: {eye: {device: bh1750, bus: I2C1, address: 0x23, every: 20ms, encode: {kind: threshold, above: 10 lx, to: eye}}}
network:
  neurons: {eye: {}, motor: {}, relay: {}, joy: {}, eager: {receptors: {threshold: 1}}}
  synapses:
    - {from: eye, to: motor, weight: 10%s}
    - {from: relay, to: motor, kind: modulator, weight: 10}
    - %s
rewards: {r: %s}
`, board, plastic, modulator, c.reward)
		r, err := configs.Parse("robot.yaml", []byte(text), nil)
		switch {
		case err != nil:
			t.Errorf("%s: %v", c.name, err)
		case c.want == "" && len(r.Warnings) != 0:
			t.Errorf("%s: warned of %v", c.name, r.Warnings)
		case c.want != "" && (len(r.Warnings) != 1 || !strings.HasPrefix(r.Warnings[0].Error(), "robot.yaml:10:") ||
			!strings.Contains(r.Warnings[0].Error(), c.want)):
			t.Errorf("%s: got %v, want %q in line 10", c.name, r.Warnings, c.want)
		}
	}
}

// A neuron that no reward can reach learns nothing by reward, although its inputs are made for it: one of two motors was
// forgotten.
func TestWarningOfAMotorThatNoRewardReaches(t *testing.T) {
	const text = `robot: r
board: {kind: sim, world: table}
sensors: {eye: {device: bh1750, bus: I2C1, address: 0x23, every: 20ms, encode: {kind: threshold, above: 10 lx, to: eye}}}
network:
  neurons: {eye: {}, left: {}, right: {}, joy: {}}
  synapses:
    - {from: eye, to: left, weight: 10, plastic: {}}
    - {from: eye, to: right, weight: 10, plastic: {}}
    - {from: joy, to: left, kind: modulator, weight: 10}
rewards: {r: {to: joy}}
`
	r, err := configs.Parse("robot.yaml", []byte(text), nil)
	if err != nil || len(r.Warnings) != 1 || !strings.Contains(r.Warnings[0].Error(),
		"no reward reaches right, whose inputs learn by reward") {
		t.Errorf("%v, %v", r.Warnings, err)
	}
}
