package daemon

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"os"
	"testing"
	"time"

	"fluxd/configs"
	"fluxd/configs/circuits"
	"fluxd/configs/tennlab"
	"fluxd/core"
)

// tennlabPole is the published network and the published way of asking it, apart from fluxd's encoders, decoders and robot files.
type tennlabPole struct {
	network *core.Network
	inputs  [8]int
	outputs [2]int
	encode  func(state map[string]float64) [8]int // spikes for each input
}

func newTENNLabPole(t *testing.T, run string, encode func(map[string]float64) [8]int) *tennlabPole {
	t.Helper()
	data, err := os.ReadFile("../play/testdata/tennlab/" + run + ".json")
	if err != nil {
		t.Fatal(err)
	}
	text, err := tennlab.Import(run, data, time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	robot, err := configs.Parse(run, text, nil)
	if err != nil {
		t.Fatal(err)
	}
	p := &tennlabPole{encode: encode}
	if p.network, err = core.Build(robot.Network); err != nil {
		t.Fatal(err)
	}
	index := circuits.Index(robot.Network)
	for i := range p.inputs {
		p.inputs[i] = index[fmt.Sprintf("n%d", i)][0]
	}
	p.outputs = [2]int{index["n8"][0], index["n9"][0]}
	return p
}

// action asks the network in a control step: spikes every third of 24 time steps; the busier output wins, among equals the first.
func (p *tennlabPole) action(t *testing.T, step int, state map[string]float64) int {
	from := core.Tick(step) * 24_000
	for i, spikes := range p.encode(state) {
		for k := range spikes {
			if err := p.network.Excite(from+core.Tick(k)*3000, p.inputs[i]); err != nil {
				t.Fatal(err)
			}
		}
	}
	var counts [2]int
	for _, s := range p.network.Advance(from+24_000, nil) {
		for i, output := range p.outputs {
			if s.Neuron == output {
				counts[i]++
			}
		}
	}
	if counts[1] > counts[0] {
		return 1
	}
	return 0
}

// bySign counts how far a value is from 0, on one side and on the other; by fields, how near it is to each of four places.
func bySign(value, most float64) (below, above int) {
	spikes := int(math.Ceil(min(math.Abs(value)/most, 1) * 8))
	if value <= 0 {
		return spikes, 0
	}
	return 0, spikes
}

func byFields(value, most float64) (spikes [4]int) {
	place := (max(-most, min(value, most)) + most) / (2 * most) * 3
	for i := range spikes {
		spikes[i] = int(math.Ceil(max(0, 1-math.Abs(place-float64(i)))*8 - 1e-9))
	}
	return spikes
}

// The robots cartpole and cartpole48 push the cart in each step as the published networks do when they are asked as TENNLab asks
// them.
func TestCartPoleRobotsActAsPublished(t *testing.T) {
	t.Parallel() // in virtual time
	for _, c := range []struct {
		robot, run string
		encode     func(state map[string]float64) [8]int
	}{
		{"cartpole", "cartpole-42", func(state map[string]float64) (n [8]int) {
			n[0], n[1] = bySign(state["cart_position_m"], 2.4)
			n[2], n[3] = bySign(state["cart_velocity_m_s"], 2)
			n[4], n[5] = bySign(state["pole_angle_rad"], 0.209)
			n[6], n[7] = bySign(state["pole_velocity_rad_s"], 2)
			return n
		}},
		{"cartpole48", "cartpole-48", func(state map[string]float64) (n [8]int) {
			position, angle := byFields(state["cart_position_m"], 2.4), byFields(state["pole_angle_rad"], 0.209)
			copy(n[:4], position[:])
			copy(n[4:], angle[:])
			return n
		}},
	} {
		published := newTENNLabPole(t, c.run, c.encode)
		s, err := NewSimulation(load(t, c.robot), 1, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		rights := 0
		for step := range 2000 {
			state := s.body.World.State()
			for name := range state {
				state[name] = math.Trunc(state[name]*1e6) / 1e6 // as sensors read it
			}
			want := published.action(t, step, state)
			rights += want
			before := s.body.World.State()["cart_velocity_m_s"]
			if err := s.Advance(context.Background(), time.Duration(step+1)*24*time.Millisecond, func(time.Duration) {}); err != nil {
				t.Fatal(err)
			}
			got := 0
			if s.body.World.State()["cart_velocity_m_s"] > before { // 10 N are more than the pole can pull
				got = 1
			}
			if got != want {
				t.Fatalf("%s: step %d, %v: pushes to %d, published %d", c.robot, step, state, got, want)
			}
		}
		if rights < 500 || rights > 1500 {
			t.Errorf("%s: %d pushes to the right in 2000 steps", c.robot, rights)
		}
		if err := s.Halt(); err != nil {
			t.Fatal(err)
		}
	}
}
