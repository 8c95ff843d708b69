package daemon

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"fluxd/bridge/protocol"
)

const advised = `
robot: advised
board: {kind: sim}
sensors: {bump: {device: button, pin: GPIO17, encode: {kind: edge, to: pain}}}
network:
  neurons: {eye_l: {}, eye_r: {}, motor_l: {}, motor_r: {}, pain: {}, joy: {}, few: {count: 3}, wall: {count: 100}}
  synapses:
    - {from: eye_l, to: motor_l, weight: 110}
    - {from: wall, to: few, weight: 2}
    - {from: few, to: motor_r, weight: 2}
actuators:
  left: {device: hbridge, pwm: GPIO12, direction: GPIO5, decode: {kind: count, neuron: motor_l, full: 100 Hz, window: 1s}}
rewards:
  praise: {to: joy}
  prize:  {to: joy, against: pain}
  share:  {window: 100ms, delay: 50ms, credit: [{to: joy, actor: eye_l}]}
mqtt: {broker: none}
`

// paths matches the paths in an error.
var paths = regexp.MustCompile(`(network|sensors|actuators|rewards)\.[^\s,?]+[^\s,?:;.']`)

// The refusal of a wrong path names the right one, and every path in it exists.
func TestAdviceNamesPathsThatExist(t *testing.T) {
	t.Parallel() // it waits
	robot, _ := start(t, parse(t, advised, nil))
	for _, c := range []struct {
		path string
		code protocol.Code
		says string
	}{
		// the robot accepts whole paths only
		{"motor_l.threshold", protocol.UnknownParameter, "did you mean network.neurons.motor_l.threshold?"},
		{"moter_l.threshold", protocol.UnknownParameter, "did you mean network.neurons.motor_l.threshold?"},
		{"network.neurons.motor_l.treshold", protocol.UnknownParameter, "did you mean network.neurons.motor_l.threshold?"},
		{"network.neurons.motor_x.threshold", protocol.UnknownParameter,
			"did you mean network.neurons.motor_l.threshold or network.neurons.motor_r.threshold?"},
		{"network.neurones.eye_l.leak", protocol.UnknownParameter, "did you mean network.neurons.eye_l.leak?"},
		{"network.neurons.zebra.threshold", protocol.UnknownParameter, "fluxctl get lists all parameters of a running robot"},
		{"network.synapses.eye_l.moter_l.weight", protocol.UnknownParameter, "did you mean network.synapses.eye_l.motor_l.weight?"},
		{"rewards.price.gain", protocol.UnknownParameter, "did you mean rewards.prize.gain?"},
		{"actuators.lefd.decode.full", protocol.UnknownParameter, "did you mean actuators.left.decode.full?"},
		{"network.neurons.motor*.treshold", protocol.UnknownParameter, "nothing matches"},
		// The name of a device, a neuron or a reward alone.
		{"bump", protocol.UnknownParameter, "no such parameter; try 'sensors.bump.*'"},
		{"left", protocol.UnknownParameter, "try 'actuators.left.*'"},
		{"left.decode", protocol.UnknownParameter, "try 'actuators.left.decode.*'"},
		{"motor_l", protocol.UnknownParameter, "try 'network.neurons.motor_l.*'"},
		{"wall", protocol.UnknownParameter, "try 'network.neurons.wall[*].*'"},
		{"prize", protocol.UnknownParameter, "try 'rewards.prize.*'"},
		// A population needs an index or a star.
		{"network.neurons.wall.threshold", protocol.UnknownParameter,
			"network.neurons.wall[*].threshold is for all of it, network.neurons.wall[0].threshold for one"},
		{"network.neurons.few.leak", protocol.UnknownParameter,
			"network.neurons.few[*].leak is for all of it, network.neurons.few[0].leak for one"},
		{"few.leak", protocol.UnknownParameter, "network.neurons.few[*].leak is for all of it"},
		{"network.synapses.wall.few.weight", protocol.UnknownParameter, "network.synapses.wall[*].few[*].weight is for all of it"},
		{"network.synapses.few.motor_r.delay", protocol.UnknownParameter, "network.synapses.few[*].motor_r.delay is for all of it"},
		{"network.neurons.few[3].leak", protocol.UnknownParameter, "did you mean network.neurons.few[0].leak or"},
		{"actuators.left.range", protocol.UnknownParameter, "there are actuators.left.range[0], actuators.left.range[1]"},
		{"actuators.left.pwm", protocol.NotLive, "it takes effect at the next start only"},
	} {
		_, _, err := robot.Get([]string{c.path})
		var refused *protocol.Error
		if !errors.As(err, &refused) || refused.Code != c.code || refused.Path != c.path || !strings.Contains(refused.Message, c.says) {
			t.Errorf("%s: %v, want %s with %q", c.path, err, c.code, c.says)
			continue
		}
		for _, path := range paths.FindAllString(refused.Message, -1) {
			if values, _, err := robot.Get([]string{path}); err != nil || len(values) == 0 {
				t.Errorf("%s: it advises %s, which gets %v", c.path, path, err)
			}
		}
	}
	applied, _, err := robot.Set(context.Background(), "ann", map[string]float64{"network.neurons.wall[*].threshold": 120}, nil)
	if err != nil || len(applied) != 1 {
		t.Errorf("the path for a population: %v, %v", applied, err)
	}
}

// The refusal of a wrong name suggests similar ones.
func TestWrongNamesGetSuggestions(t *testing.T) {
	t.Parallel() // it waits
	robot, _ := start(t, parse(t, advised, nil))
	ctx := context.Background()
	for name, want := range map[string]string{
		"moter_l":   "moter_l: no such neuron, did you mean motor_l?",
		"wal":       "wal: no such neuron, did you mean wall?",
		"wall[100]": "wall[100]: no such neuron: wall has 100, wall[0] to wall[99]",
		"zebra":     "zebra: no such neuron: there are eye_l, eye_r, motor_l, motor_r and 4 more",
	} {
		if _, err := robot.Stimulate(ctx, map[string]protocol.Train{name: {Count: 1}}); err == nil || err.Error() != want {
			t.Errorf("stimulate %s: %v, want %s", name, err, want)
		}
	}
	for name, want := range map[string]string{
		"prise": "rewards.prise: no such reward, did you mean praise or prize?",
		"blame": "rewards.blame: no such reward: there are praise, prize, share",
	} {
		_, err := robot.Reward(ctx, name, 1)
		if err == nil || strings.Replace(err.Error(), "prize or praise", "praise or prize", 1) != want {
			t.Errorf("reward %s: %v, want %s", name, err, want)
		}
	}
}

// A reward that brings in no spike gives the reason, with the parameter to change.
func TestRewardWithoutSpikes(t *testing.T) {
	t.Parallel() // it waits
	robot, _ := start(t, parse(t, advised, nil))
	ctx := context.Background()
	for _, c := range []struct {
		set   map[string]float64
		name  string
		value float64
		n     int
		says  string
	}{
		{nil, "praise", 2, 2, ""},
		{nil, "praise", 0, 0, "its value is 0"},
		{nil, "praise", 0.4, 0, "0.4 times rewards.praise.gain of 1 is less than half a spike"},
		{nil, "praise", -2, 0, "rewards.praise has no neurons for punishment"},
		{nil, "prize", -2, 2, ""},
		{map[string]float64{"rewards.praise.gain": 0}, "praise", 2, 0, "rewards.praise.gain is 0"},
		{map[string]float64{"rewards.prize.most": 0}, "prize", 2, 0, "rewards.prize.most is 0"},
		{nil, "share", 2, 0, "none of its actors spiked from 50ms to 150ms ago (rewards.share.delay and .window)"},
	} {
		if c.set != nil {
			if _, _, err := robot.Set(ctx, "ann", c.set, nil); err != nil {
				t.Fatal(err)
			}
		}
		n, err := robot.Reward(ctx, c.name, c.value)
		var warning protocol.Warning
		if n != c.n || errors.As(err, &warning) != (c.says != "") || !strings.Contains(fmt.Sprint(err), c.says) && c.says != "" {
			t.Errorf("reward %s %g: %d spikes, %v, want %d and a warning with %q", c.name, c.value, n, err, c.n, c.says)
		}
	}
}
