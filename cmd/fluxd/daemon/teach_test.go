package daemon

import (
	"context"
	"errors"
	"fluxd/bridge/protocol"
	"fluxd/cmd/fluxd/hardware"
	"fluxd/cmd/fluxd/reward"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"fluxd/core"
)

// bandit has two levers, left and right, each with a synapse whose weight is consolidated by a reward.
const bandit = `
robot: bandit
board: {kind: sim}
sensors:
  light: {device: bh1750, bus: I2C1, address: 0x23, every: 200ms, encode: {kind: threshold, above: 100000 lx, to: unused}}
network:
  neurons: {cue_l: {}, cue_r: {}, left: {}, right: {}, joy_l: {}, joy_r: {}, unused: {}}
  synapses:
    - {from: cue_l, to: left, weight: 150,
       plastic: {window: 20ms, stp: {rate: 5, unpaired: 0, max: 50, recovery: 5}, ltp: {consolidation: 1}, max: 300}}
    - {from: cue_r, to: right, weight: 150,
       plastic: {window: 20ms, stp: {rate: 5, unpaired: 0, max: 50, recovery: 5}, ltp: {consolidation: 1}, max: 300}}
    - {from: joy_l, to: left, kind: modulator, weight: 1}
    - {from: joy_r, to: right, kind: modulator, weight: 1}
rewards:
  light: {sensor: light, on: rise, window: 200ms, threshold: 5 lx, gain: 0.2, delay: DELAY,
          credit: [{to: joy_l, actor: left}, {to: joy_r, actor: right}]}
mqtt: {broker: none}
`

const decision = core.Tick(200_000)

// play lets the robot pull left and right in turn. The light rises when left was pulled, late decisions later. It returns how
// much the two synapses have learnt.
func play(t *testing.T, delay string, late int) (left, right float64) {
	t.Helper()
	var now time.Duration
	options := hardware.Options{Seed: 1, Log: slog.New(slog.DiscardHandler)}
	r, err := assemble(parse(t, replace(bandit, "DELAY", delay), nil), options, func() time.Duration { return now })
	if err != nil {
		t.Fatal(err)
	}
	light := int64(100_000_000)
	for k := range 40 {
		at := core.Tick(k) * decision
		cue := r.neurons["cue_l"][0]
		if k%2 == 1 {
			cue = r.neurons["cue_r"][0]
		}
		reward.Train(r.network, at+1000, cue, 5, 20_000)
		r.advance(at + decision - 1)
		if k >= late && (k-late)%2 == 0 { // left was pulled then
			light += 10_000_000
		}
		r.feed(r.sensors[0], at+decision, light)
		r.advance(at + decision)
	}
	learnt := r.network.Learnt()
	return learnt[0] - 150, learnt[1] - 150
}

// A reward that comes one decision late teaches the wrong lever. With delay set to that time, it teaches the right one.
func TestLateRewardTeachesTheOppositeUnlessItsDelayIsKnown(t *testing.T) {
	if left, right := play(t, "0s", 0); left < 10 || right > 0.1*left {
		t.Errorf("at once: left learnt %g, right %g: want left alone", left, right)
	}
	if left, right := play(t, "0s", 1); right < 10 || left > 0.1*right {
		t.Errorf("one decision late, unknown: left learnt %g, right %g: this is to show that the wrong lever learns", left, right)
	}
	if left, right := play(t, "200ms", 1); left < 10 || right > 0.1*left {
		t.Errorf("one decision late, known: left learnt %g, right %g: want left alone", left, right)
	}
}

// Rewards for changes and levels, with threshold, gain, most and sign.
func TestRewardsForReadings(t *testing.T) {
	const text = `
robot: pupil
board: {kind: sim}
sensors:
  light: {device: bh1750, bus: I2C1, address: 0x23, every: 180ms, encode: {kind: threshold, above: 100000 lx, to: unused}}
network: {neurons: {joy: {}, pain: {}, unused: {}}}
rewards: {light: {sensor: light, to: joy, OPTIONS}}
mqtt: {broker: none}
`
	for _, c := range []struct {
		name, options string
		readings      []int64 // lx, every 100 ms
		joy, pain     int
	}{
		{"the first reading is no change", "on: change", []int64{50}, 0, 0},
		{"rise", "on: rise", []int64{50, 53, 51, 52}, 4, 0},
		{"fall", "on: fall", []int64{50, 53, 51, 52}, 2, 0},
		{"change without against", "on: change", []int64{50, 53, 51}, 3, 0},
		{"change", "on: change, against: pain", []int64{50, 53, 51}, 3, 2},
		{"negative gain", "on: change, against: pain, gain: -1", []int64{50, 53, 51}, 2, 3},
		{"threshold", "on: rise, threshold: 3 lx", []int64{50, 52, 55, 57}, 3, 0},
		{"gain", "on: rise, gain: 0.5", []int64{50, 54}, 2, 0},
		{"most", "on: rise, most: 4", []int64{50, 90}, 4, 0},
		{"level", "on: level, gain: 0.1", []int64{50, 50, 30}, 8, 0},
		{"a window counts the change between its ends", "on: rise, window: 200ms, most: 100", []int64{0, 10, 5, 50, 7, 9}, 7, 0},
	} {
		var now time.Duration
		r, err := assemble(parse(t, replace(text, "OPTIONS", c.options), nil),
			hardware.Options{Seed: 1, Log: slog.New(slog.DiscardHandler)}, func() time.Duration { return now })
		if err != nil {
			t.Fatal(err)
		}
		spikes := map[int]int{}
		for i, lux := range c.readings {
			r.feed(r.sensors[0], core.Tick(i)*100_000, lux*1_000_000)
			r.advance(core.Tick(i)*100_000 + 99_000)
			for _, s := range r.spiked {
				spikes[int(s.Neuron)]++
			}
		}
		if joy, pain := spikes[r.neurons["joy"][0]], spikes[r.neurons["pain"][0]]; joy != c.joy || pain != c.pain {
			t.Errorf("%s: %d spikes of joy and %d of pain, want %d and %d", c.name, joy, pain, c.joy, c.pain)
		}
	}
}

func replace(text, what, with string) string { return strings.Replace(text, what, with, 1) }

// A reward and a stimulus from a client become spikes, which followers see. Unknown names are refused.
func TestRewardAndStimulateFromOutside(t *testing.T) {
	t.Parallel() // it waits
	robot, _ := start(t, parse(t, `
robot: pupil
board: {kind: sim}
network: {neurons: {a: {}, joy: {}, pain: {}}}
rewards: {praise: {to: joy, against: pain, gain: 2}}
mqtt: {broker: none}
`, nil))
	spikes := robot.FollowSpikes()
	defer spikes.Leave()
	ctx := context.Background()
	if n, err := robot.Reward(ctx, "praise", 1.5); n != 3 || err != nil {
		t.Errorf("praise: %d spikes, %v", n, err)
	}
	if n, err := robot.Reward(ctx, "praise", -1); n != 2 || err != nil {
		t.Errorf("punishment: %d spikes, %v", n, err)
	}
	if n, err := robot.Stimulate(ctx, map[string]protocol.Train{"a": {Count: 4, Every: 5000}}); n != 4 || err != nil {
		t.Errorf("stimulus: %d spikes, %v", n, err)
	}
	counts := map[int]int{}
	eventually(t, "the spikes", func() bool {
		all, lost := spikes.Read(nil)
		if lost != 0 {
			t.Errorf("%d spikes lost", lost)
		}
		for _, s := range all {
			counts[s.Neuron]++
		}
		return counts[0] == 4 && counts[1] == 3 && counts[2] == 2
	})
	var refused *protocol.Error
	if _, err := robot.Reward(ctx, "prize", 1); !errors.As(err, &refused) || refused.Code != protocol.UnknownReward {
		t.Errorf("an unknown reward: %v", err)
	}
	if _, err := robot.Stimulate(ctx, map[string]protocol.Train{"a": {Count: 1}, "b": {Count: 1}}); !errors.As(err, &refused) ||
		refused.Code != protocol.UnknownNeuron {
		t.Errorf("an unknown neuron: %v", err)
	}
	if names := robot.Describe().Rewards; fmt.Sprint(names) != "[praise]" {
		t.Errorf("the description has the rewards %v", names)
	}
}

// A reward from a client pays actors for their spikes a while ago.
func TestRewardFromOutsideForActors(t *testing.T) {
	t.Parallel() // it waits
	text := `
robot: pupil
board: {kind: sim}
network: {neurons: {tick: {pacemaker: 5ms}, tock: {pacemaker: 5ms}, tack: {pacemaker: 5ms}, joy: {count: 3}}}
rewards:
  far: {window: 100ms, delay: 50ms,
        credit: [{to: 'joy[0]', actor: tick}, {to: 'joy[1]', actor: tock}, {to: 'joy[2]', actor: tack}]}
mqtt: {broker: none}
`
	robot, _ := start(t, parse(t, text, nil))
	eventually(t, "the first spikes to be long enough ago", func() bool { return robot.Health().Spikes > 3*40 })
	for value, want := range map[float64]int{1: 1, 2: 2, 3: 3, 5: 5, 10: 10, 100: 10} {
		if n, err := robot.Reward(context.Background(), "far", value); n != want || err != nil {
			t.Errorf("%g: %d spikes, want %d, %v", value, n, want, err)
		}
	}
}
