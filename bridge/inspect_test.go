package bridge_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"fluxd/bridge"
	"fluxd/bridge/protocol"
)

func (r *fakeRobot) Network(context.Context) (protocol.Network, error) {
	learnt := 12.5
	return protocol.Network{Neurons: []protocol.NetworkNeuron{{Name: "eye", Role: protocol.RoleSensor}},
		Synapses: []protocol.NetworkSynapse{{From: "eye", To: "eye", Kind: protocol.Excitatory, Weight: 10, Delay: 1000, Plastic: true,
			Learnt: &learnt, Path: "network.synapses.eye.eye"}}}, r.refuse
}

func (r *fakeRobot) CheckNeurons(names []string) error {
	for _, name := range names {
		if name != "eye" && !strings.HasPrefix(name, "wall[") {
			return &protocol.Error{Code: protocol.UnknownNeuron, Path: name, Message: "no such neuron"}
		}
	}
	return nil
}

func (r *fakeRobot) Neurons(_ context.Context, names []string) (protocol.Neurons, error) {
	n := protocol.Neurons{At: 7, Neurons: map[string]protocol.NeuronState{}}
	for _, name := range names {
		n.Neurons[name] = protocol.NeuronState{Level: 43.25, Threshold: 100, Floor: -100}
	}
	return n, nil
}

func (r *fakeRobot) Learning(context.Context) (protocol.Learning, error) {
	r.order("learning")
	return protocol.Learning{Weights: []float64{12.5}, ShortTerm: []float64{-0.5},
		Rewards: map[string]protocol.RewardCount{"praise": {For: 3, Against: 1}}}, nil
}

func (r *fakeRobot) World() (protocol.World, error) {
	return protocol.World{Kind: "floor", X1: 4, Width: 4, Things: []protocol.Thing{{Name: "lamp[0]", Kind: "lamp", X: 1}}}, r.refuse
}

func (r *fakeRobot) WorldState() (protocol.WorldState, error) {
	return protocol.WorldState{Robot: &protocol.RobotPose{X: 1, Y: 2, Heading: 3}, Episode: 1, State: map[string]float64{
		"x": 1, "far": math.Inf(1)}, Score: protocol.Score{Text: "so far", Values: map[string]float64{"nan": math.NaN()}}}, r.refuse
}

func (r *fakeRobot) Place(_ context.Context, user, thing string, x, y float64, heading *float64) error {
	where := fmt.Sprintf("place %s %g %g", thing, x, y)
	if heading != nil {
		where += fmt.Sprintf(" %g", *heading)
	}
	r.order(named(where, user))
	return r.refuse
}

// wants returns a request to watch for a minute.
func wants(id string, neurons ...string) protocol.Request {
	r := newRequest(id)
	r.Lease, r.Neurons = 60_000, neurons
	return r
}

func names(from, to int) (all []string) {
	for i := from; i < to; i++ {
		all = append(all, fmt.Sprintf("wall[%d]", i))
	}
	return all
}

// What two clients watch adds up, and only what somebody watches is published.
func TestTwoClientsWatch(t *testing.T) {
	robot := newFakeRobot()
	b := startBridge(t, robot, bridge.Options{})
	ann, vic := dial(t, b.URL()), dial(t, b.URL())
	ann.online()
	if r := ann.ask("watch", wants("a", "eye")); r.Error != nil {
		t.Fatal(r.Error)
	}
	both := wants("v", "wall[3]")
	both.World = true
	if r := vic.ask("watch", both); r.Error != nil {
		t.Fatal(r.Error)
	}
	n := next(ann, "flux/fake/tele/neurons", func(n protocol.Neurons) bool { return len(n.Neurons) == 2 })
	if n.Time == 0 || n.At != 7 || n.Neurons["eye"].Level != 43.25 || n.Neurons["wall[3]"].Floor != -100 {
		t.Errorf("%+v", n)
	}
	if got, want := string(ann.payload("flux/fake/tele/world")), `"state":{"x":1},"score":{"text":"so far","goal":"",`+
		`"reached":false,"values":{}},"episode":1}`; !strings.Contains(got, want) {
		t.Errorf("world: %s, want %s", got, want)
	}
	if slices.Contains(robot.orderList(), "learning") {
		t.Error("nobody watches learning, but the robot was asked for it")
	}
	learning := wants("l")
	learning.Learning = true
	if r := vic.ask("watch", learning); r.Error != nil {
		t.Fatal(r.Error)
	}
	if got, want := string(vic.payload("flux/fake/tele/learning")),
		`"weights":[12.5],"short_term":[-0.5],"rewards":{"praise":{"for":3,"against":1}}}`; !strings.HasSuffix(got, want) {
		t.Errorf("learning: %s, want %s", got, want)
	}
	robot.mu.Lock()
	defer robot.mu.Unlock()
	if robot.spiked != 0 {
		t.Error("nobody watches spikes, but they are collected")
	}
}

// A lease that would bring too many neurons, an unknown one, or none at all is refused whole.
func TestRefusedLeases(t *testing.T) {
	robot := newFakeRobot()
	b := startBridge(t, robot, bridge.Options{})
	c := dial(t, b.URL())
	c.online()
	for _, some := range [][2]int{{0, 32}, {32, 64}} {
		if r := c.ask("watch", wants(fmt.Sprint(some), names(some[0], some[1])...)); r.Error != nil {
			t.Fatal(r.Error)
		}
	}
	tooMany := wants("too many", "eye")
	tooMany.Learning = true
	if r := c.ask("watch", tooMany); !refusedAs(r, protocol.Busy) || r.Error.Path != "neurons" {
		t.Errorf("65 neurons: %+v", r.Error)
	}
	if r := c.ask("watch", wants("again", names(10, 20)...)); r.Error != nil {
		t.Errorf("neurons that are watched already: %v", r.Error)
	}
	if r := c.ask("watch", wants("unknown", "ear")); !refusedAs(r, protocol.UnknownNeuron) {
		t.Errorf("an unknown neuron: %+v", r.Error)
	}
	if slices.Contains(robot.orderList(), "learning") {
		t.Error("a lease that was refused has an effect")
	}
}

// The verbs of a robot with a network and a world, and the refusals of one that has a world in name only.
func TestNetworkAndWorld(t *testing.T) {
	robot := newFakeRobot()
	b := startBridge(t, robot, bridge.Options{})
	c := dial(t, b.URL())
	c.online()
	if r := c.ask("network", newRequest("n")); r.Network == nil || len(r.Network.Synapses) != 1 ||
		*r.Network.Synapses[0].Learnt != 12.5 || r.World != nil {
		t.Errorf("%+v, %v", r, r.Error)
	}
	if r := c.ask("world", newRequest("w")); r.World == nil || r.World.Things[0].Name != "lamp[0]" || r.Network != nil {
		t.Errorf("%+v, %v", r, r.Error)
	}
	x, y, heading := 1.5, -2.0, 0.5
	place := newRequest("p")
	place.Thing, place.X, place.Y = "lamp[0]", &x, &y
	turn := newRequest("t")
	turn.Thing, turn.X, turn.Y, turn.Heading = protocol.ThingRobot, &x, &y, &heading
	for _, r := range []protocol.Request{place, turn} {
		if r := c.ask("place", r); r.Error != nil {
			t.Error(r.Error)
		}
	}
	nowhere := newRequest("nowhere")
	nowhere.Thing, nowhere.X = "lamp[0]", &x
	if r := c.ask("place", nowhere); !refusedAs(r, protocol.Malformed) {
		t.Errorf("without y: %+v", r)
	}
	if did := robot.orderList(); !slices.Equal(did, []string{"place lamp[0] 1.5 -2", "place robot 1.5 -2 0.5"}) {
		t.Errorf("the robot did %q", did)
	}

	real := newFakeRobot()
	real.refuse = &protocol.Error{Code: protocol.NotAllowed, Message: "the board is real"}
	b = startBridge(t, real, bridge.Options{})
	c = dial(t, b.URL())
	c.online()
	watch := wants("watch")
	watch.World = true
	for verb, request := range map[string]protocol.Request{"world": newRequest("w"), "place": place, "watch": watch} {
		if r := c.ask(verb, request); !refusedAs(r, protocol.NotAllowed) || r.World != nil {
			t.Errorf("%s: %+v, %v", verb, r, r.Error)
		}
	}
}

// A robot that has only some of what can be watched refuses the rest.
func TestWatchWhatIsMissing(t *testing.T) {
	robot := newFakeRobot()
	start := func(parts bridge.Robot) *client {
		parts.Telemetry, parts.Safety = robot, robot
		b, err := bridge.Start(t.Context(), parts, bridge.Options{Robot: "fake", Broker: startTestBroker(t, "127.0.0.1:0").url})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(b.Close)
		c := dial(t, b.URL())
		c.online()
		return c
	}
	world, learning := wants("world"), wants("learning")
	world.World, learning.Learning = true, true
	spikes, inside := start(bridge.Robot{Spikes: robot}), start(bridge.Robot{Inspector: robot})
	for _, test := range []struct {
		robot   *client
		request protocol.Request
		missing string
	}{
		{spikes, world, "world"}, {spikes, learning, "learning"}, {spikes, wants("eye", "eye"), "neurons"}, {spikes, wants("s"), ""},
		{inside, wants("s"), "spikes"}, {inside, world, "world"}, {inside, learning, ""}, {inside, wants("eye", "eye"), ""},
	} {
		r := test.robot.ask("watch", test.request)
		if test.missing == "" && r.Error != nil || test.missing != "" &&
			(!refusedAs(r, protocol.NotAllowed) || r.Error.Path != test.missing) {
			t.Errorf("%s: %v, want %q refused", test.request.ID, r.Error, test.missing)
		}
	}
}

// An episode that is over is published to everybody.
func TestEpisode(t *testing.T) {
	b := startBridge(t, newFakeRobot(), bridge.Options{})
	c := dial(t, b.URL())
	c.online()
	b.Episode(protocol.Episode{Episode: 3, Score: protocol.Score{Text: "fell", Values: map[string]float64{"steps": 7,
		"mean": math.NaN()}}})
	var e protocol.Episode
	if err := json.Unmarshal(c.payload("flux/fake/tele/episode"), &e); err != nil || e.Time == 0 || e.Episode != 3 ||
		len(e.Score.Values) != 1 || e.Score.Values["steps"] != 7 {
		t.Errorf("%+v, %v", e, err)
	}
}

var errLoop = errors.New("the loop is busy")

// busyRobot cannot say in time what its network does.
type busyRobot struct{ fullRobot }

func (r busyRobot) Neurons(context.Context, []string) (protocol.Neurons, error) {
	return protocol.Neurons{}, errLoop
}

// A state that cannot be had in time is dropped and counted.
func TestStateThatCannotBeHad(t *testing.T) {
	b := startBridge(t, busyRobot{newFakeRobot()}, bridge.Options{})
	c := dial(t, b.URL())
	c.online()
	if r := c.ask("watch", wants("eye", "eye")); r.Error != nil {
		t.Fatal(r.Error)
	}
	eventually(t, "nothing was dropped", func() bool { return b.Dropped() > 0 })
}

// When a lease has ended, its state is read and published no more, although another lease goes on.
func TestLeaseThatEnds(t *testing.T) {
	b := startBridge(t, newFakeRobot(), bridge.Options{})
	c := dial(t, b.URL())
	c.online()
	short := wants("short", "eye")
	short.Lease = 1
	learning := wants("learning")
	learning.Learning = true
	for _, r := range []protocol.Request{short, learning} {
		if r := c.ask("watch", r); r.Error != nil {
			t.Fatal(r.Error)
		}
	}
	c.payload("flux/fake/tele/learning") // the lease of the neuron has ended before this was published
	for learnt := 0; learnt < 2; {
		select {
		case m := <-c.messages:
			switch m.Topic() {
			case "flux/fake/tele/learning":
				learnt++
			case "flux/fake/tele/neurons", "flux/fake/tele/world", "flux/fake/spikes":
				t.Fatalf("%s: nobody watches it", m.Topic())
			}
		case <-time.After(patience):
			t.Fatal("nothing is published")
		}
	}
}
