package reward

import (
	"testing"

	"fluxd/configs"
	"fluxd/core"
)

// A pupil is the robot of the lesson "Teaching by reward", without hardware.
type pupil struct {
	t       *testing.T
	robot   *configs.Robot
	network *core.Network
	trick   *Reward
	now     core.Tick
}

func newPupil(t *testing.T, seed uint64) *pupil {
	t.Helper()
	robot, err := configs.Load("../../../docs/lessons/pupil.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if robot, err = robot.Redrawn(seed); err != nil {
		t.Fatal(err)
	}
	network, err := core.Build(robot.Network)
	if err != nil {
		t.Fatal(err)
	}
	trick := robot.Rewards[0]
	return &pupil{t: t, robot: robot, network: network, trick: New(trick.Name, trick.Value, robot.Index)}
}

// wait lets time pass, and counts the spikes of each neuron.
func (p *pupil) wait(seconds float64) (counts map[int]int) {
	counts = map[int]int{}
	p.now += core.Tick(seconds * 1e6)
	for _, s := range p.network.Advance(p.now, nil) {
		counts[s.Neuron]++
	}
	return counts
}

// call calls the pupil, and returns which of its acts it does most.
func (p *pupil) call() (did string) {
	p.t.Helper()
	ear := p.robot.Index["ear"][0]
	water, err := p.network.PourWater(ear, 500)
	if err == nil {
		err = p.network.Pour(p.now, ear, water)
	}
	if err != nil {
		p.t.Fatal(err)
	}
	counts, most := p.wait(1.3), 0
	for _, act := range []string{"forward", "left", "right"} {
		if n := counts[p.robot.Index[act][0]]; n > most {
			did, most = act, n
		}
	}
	return did
}

// teach rewards one act and punishes the others, until the pupil has done it five times in a row. It returns how many calls that
// took.
func (p *pupil) teach(trick string) (calls int) {
	for inARow := 0; inARow < 5 && calls < 40; calls++ {
		if p.call() == trick {
			inARow++
			p.trick.Grant(p.network, p.now, 1)
		} else {
			inARow = 0
			p.trick.Grant(p.network, p.now, -1)
		}
		p.wait(5)
	}
	return calls
}

// What docs/lessons/README.md says of two hundred pupils: each learns the trick, and nearly always knows it afterwards.
func TestPupilsLearnByReward(t *testing.T) {
	const pupils = 200
	fewest, most, known := 1000, 0, 0
	for seed := range uint64(pupils) {
		p := newPupil(t, seed)
		calls := p.teach("forward")
		fewest, most = min(fewest, calls), max(most, calls)
		for range 3 {
			if p.call() == "forward" {
				known++
			}
			p.wait(5)
		}
	}
	if fewest != 5 || most != 16 || known != 592 {
		t.Errorf("they learn in %d to %d calls, and then know it at %d of %d", fewest, most, known, 3*pupils)
	}
}
