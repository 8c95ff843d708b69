package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"fluxd/bridge/protocol"
)

func (r *robot) World() (protocol.World, error) {
	quarter := 1.5708
	area := &protocol.Area{X1: 4, Y1: 3}
	return protocol.World{Kind: "floor", About: "a plane", X1: 4, Y1: 3, Width: 4, Height: 3, Version: 7,
		Shapes: []protocol.Shape{{Style: "ground", Points: []protocol.Point{{0, 0}, {4, 0}, {4, 3}}, Closed: true}},
		Robot:  &protocol.RobotPose{X: 1, Y: 2, Heading: quarter, Area: area},
		Things: []protocol.Thing{{Name: "lamp[0]", Kind: "lamp", X: 3, Y: 0.5, Area: area},
			{Name: "obstacle[0]", Kind: "obstacle", X: 2, Y: 2, Heading: &quarter, Area: area},
			{Name: "food[0]", Kind: "food", Gone: true, Area: area}}, LeftOut: 2}, nil
}

func (r *robot) WorldState() (protocol.WorldState, error) { return protocol.WorldState{}, nil }

func (r *robot) Place(_ context.Context, _, thing string, x, y float64, heading *float64) error {
	at := fmt.Sprintf("%s %g %g", thing, x, y)
	if heading != nil {
		at += fmt.Sprintf(" %.4f", *heading)
	}
	switch at {
	case "lamp[0] 1.2 0.4", "robot -0.5 0.5 1.5708", "robot 1 1 -1.5708":
		return nil
	}
	return &protocol.Error{Code: protocol.UnknownThing, Path: "thing", Message: at}
}

func (r *robot) CheckNeurons([]string) error { return nil }
func (r *robot) Neurons(context.Context, []string) (protocol.Neurons, error) {
	return protocol.Neurons{}, nil
}
func (r *robot) Learning(context.Context) (protocol.Learning, error) { return protocol.Learning{}, nil }

func (r *robot) Network(context.Context) (protocol.Network, error) {
	learnt, most := 12.5, 40.0
	return protocol.Network{
		Neurons: []protocol.NetworkNeuron{{Name: "eye", Role: protocol.RoleSensor}, {Name: "motor", Count: 3}, {Name: "joy"}},
		Synapses: []protocol.NetworkSynapse{
			{From: "eye", To: "motor", Kind: protocol.Excitatory, Weight: 10, WeightTo: &most, Delay: 1000, Plastic: true, Learnt: &learnt,
				Count: 3},
			{From: "joy", To: "motor", Kind: protocol.Modulator, Receptors: []string{"threshold"}, Weight: -4, Delay: 2000},
		},
		Inputs:  []protocol.NetworkInput{{Sensor: "sonar", Neuron: "eye"}},
		Outputs: []protocol.NetworkOutput{{Neuron: "motor", Actuator: "wheel"}},
		Rewards: []protocol.NetworkReward{{Reward: "praise", Neuron: "joy", Sign: 1}},
	}, nil
}

// What is in the world and in the network, as tables and as JSON, and what is put elsewhere.
func TestWorldPlaceAndNetwork(t *testing.T) {
	broker := "--broker=" + online(t, "r1", "").URL()
	for _, c := range []struct {
		args string
		code int
		says string
	}{
		{"world", exitOK, `floor: a plane
shown from 0, 0 to 4, 3 m

THING           X      Y      HEADING   CAN BE PUT INTO
robot           1.000  2.000  90.0 deg  0 to 4, 0 to 3
lamp[0]         3.000  0.500            0 to 4, 0 to 3
obstacle[0]     2.000  2.000  90.0 deg  0 to 4, 0 to 3
food[0] (gone)  0.000  0.000            0 to 4, 0 to 3
2 things and shapes are left out: the message has no room for them
`},
		{"network", exitOK, `NEURON     CONNECTED TO
eye        sensor sonar
motor (3)  actuator wheel
joy        reward praise (+1)

SYNAPSE           KIND                    WEIGHT    LEARNT  DELAY
eye -> motor (3)  excitatory              10 to 40  12.5    1 ms
joy -> motor      modulator of threshold  -4                2 ms
`},
		{"place lamp[0] 1.2 0.4", exitOK, "lamp[0] at 1.2, 0.4 m\n"},
		{"place lamp[0] 120cm 40cm", exitOK, "lamp[0] at 1.2, 0.4 m\n"},
		{"place robot -- -0.5 0.5 90deg", exitOK, "robot at -0.5, 0.5 m, heading 90.0 deg\n"},
		{"place robot -- 1 1 -90°", exitOK, "robot at 1, 1 m, heading -90.0 deg\n"},
		{"place robot 1 1 1.2rad", exitRefused, "thing: robot 1 1 1.2000"},
		{"place moon 1 1", exitRefused, "thing: moon 1 1"},
		{"place robot 1 1 90", exitUsage, `place robot: heading: "90": expected an angle with its unit, such as 90deg or 1.57rad`},
		{"place robot 1 1 NaNdeg", exitUsage, "expected an angle with its unit"},
		{"place robot 1 far", exitUsage, "place robot: y: "},
		{"place robot 1kg 1", exitUsage, "place robot: x: "},
		{"place robot 1", exitUsage, "place"},
		{"world 1", exitUsage, "world"},
	} {
		code, out, problems := fluxctl(t, append([]string{broker}, strings.Fields(c.args)...)...)
		if code != c.code || c.code == exitOK && out != c.says || !strings.Contains(out+problems, c.says) {
			t.Errorf("%s: %d, %q, %q, want %q", c.args, code, out, problems, c.says)
		}
	}
	_, out, _ := fluxctl(t, broker, "world", "--json")
	var r protocol.Response
	if err := json.Unmarshal([]byte(out), &r); err != nil || r.World == nil || len(r.World.Shapes) != 1 ||
		r.World.Things[2].X1 != 4 {
		t.Errorf("--json: %s, %v", out, err)
	}
}
