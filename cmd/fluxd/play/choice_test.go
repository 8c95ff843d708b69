package play

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"fluxd/configs"
	"fluxd/core"
)

// The figures of "A choice" in docs/network-json.md, on seeds with which no number of the file was chosen.
func TestTheChoiceIsLearnt(t *testing.T) {
	if testing.Short() {
		t.Skip("hours of simulated time")
	}
	text, err := os.ReadFile("../../../docs/networks/choice.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		what, replace, by string
		minutes           core.Tick
		want              int // of 20
	}{
		{"untrained", "", "", 0, 6},
		{"learnt", "", "", 5, 19},
		{"without noise", "rate: 0.5", "rate: 0.0003", 5, 6},
		{"without unpaired", "unpaired: 1", "unpaired: 0", 5, 12},
	} {
		right := 0
		for seed := 21; seed <= 40; seed++ {
			changed := strings.Replace(strings.Replace(string(text), "seed: 1", fmt.Sprintf("seed: %d", seed), 1), c.replace, c.by, 1)
			robot, err := configs.Parse("choice.yaml", []byte(changed), nil)
			if err != nil {
				t.Fatal(err)
			}
			network, err := core.Build(robot.Network)
			if err != nil {
				t.Fatal(err)
			}
			network.Advance(c.minutes*60_000_000, nil)
			if choosesRight(t, robot.Network, network.Learnt()) {
				right++
			}
		}
		if right != c.want {
			t.Errorf("%s: %d of 20 choose right, want %d", c.what, right, c.want)
		}
	}
}

// choosesRight plays 20 s of the choice without noise and without learning. At least 40 spikes of the motors are needed, and more
// than four of five must be right.
func choosesRight(t *testing.T, d core.Description, learnt map[int]float64) bool {
	t.Helper()
	frozen := core.Description{Neurons: append([]core.Neuron(nil), d.Neurons...)}
	for i := range frozen.Neurons {
		frozen.Neurons[i].Noise = nil
	}
	for i, s := range d.Synapses {
		if weight, plastic := learnt[i]; plastic {
			s.Weight, s.Plastic = weight, nil
		}
		if s.Weight != 0 || s.Kind != core.Direct {
			frozen.Synapses = append(frozen.Synapses, s)
		}
	}
	network, err := core.Build(frozen)
	if err != nil {
		t.Fatal(err)
	}
	right, all := 0, 0
	for _, spike := range network.Advance(20_000_000, nil) {
		forA := spike.At/1_000_000%2 == 0
		if motor := d.Neurons[spike.Neuron].Name; motor == "left" || motor == "right" {
			all++
			if forA == (motor == "left") {
				right++
			}
		}
	}
	return all >= 40 && 5*right > 4*all
}
