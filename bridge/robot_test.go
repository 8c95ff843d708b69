package bridge_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"sync"
	"testing"
	"time"

	"fluxd/bridge"
	"fluxd/bridge/protocol"
)

// fakeRobot has two parameters, "a" and "b", of 0 to 100 mV.
type fakeRobot struct {
	saves       int
	orders      []string // arm, disarm, stop
	spiked      int64
	refuse      error // of Arm and others
	mu          sync.Mutex
	values      map[string]float64
	rev         protocol.Revision
	sets        int
	setter      string        // the user who set last
	hold        chan struct{} // Set waits until it is closed
	held        int           // how many Sets wait for it now
	disk        chan struct{} // Keep waits until it is closed
	ignoresTime bool          // Set does not end with the request's context
}

func newFakeRobot() *fakeRobot {
	return &fakeRobot{values: map[string]float64{"a": 1, "group/b": 2}}
}

// newHangingRobot returns a robot whose transactions hang until hold is closed.
func newHangingRobot() *fakeRobot {
	r := newFakeRobot()
	r.hold, r.ignoresTime = make(chan struct{}), true
	return r
}

func (r *fakeRobot) Describe() protocol.Description {
	return protocol.Description{
		Parameters: []protocol.Parameter{
			{Path: "a", Type: "float", Unit: "mV", Max: 100, Default: 1},
			{Path: "group/b", Type: "float", Unit: "mV", Max: 100, Default: 2},
		},
		Neurons: []protocol.NeuronGroup{{Name: "eye", Count: 1}},
		Sensors: []protocol.Device{{Name: "left_eye", Kind: "bh1750", Unit: "lx"}},
	}
}

func (r *fakeRobot) Health() protocol.Health {
	cpu := math.NaN()
	return protocol.Health{Uptime: protocol.Seconds(time.Minute), Spikes: 7, SpikesPerSecond: math.Inf(1), CPU: &cpu}
}

func (r *fakeRobot) Sensors() map[string]protocol.Measure {
	return map[string]protocol.Measure{
		"left_eye": {Value: 412.5, Unit: "lx", Age: protocol.Seconds(12 * time.Millisecond)},
		"broken":   {Value: math.NaN(), Unit: "m"},
	}
}

func (r *fakeRobot) Actuators() map[string]protocol.Measure {
	return map[string]protocol.Measure{"choice": {Value: "Slight-Left-Turn"}}
}

func (r *fakeRobot) TelemetryEvery() time.Duration { return 100 * time.Millisecond }

func (r *fakeRobot) Revision() protocol.Revision {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.rev
}

func (r *fakeRobot) Get(paths []string) (map[string]protocol.Reading, protocol.Revision, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	got := map[string]protocol.Reading{}
	if len(paths) == 0 {
		paths = slices.Sorted(maps.Keys(r.values))
	}
	for _, path := range paths {
		v, ok := r.values[path]
		if !ok {
			return nil, r.rev, &protocol.Error{Code: protocol.UnknownParameter, Path: path, Message: "no such parameter"}
		}
		source := protocol.FromConfig
		if r.sets > 0 {
			source = r.setter
		}
		got[path] = protocol.Reading{Value: protocol.Value{V: v, Rev: r.rev, Src: source}, Max: 100}
	}
	return got, r.rev, nil
}

func (r *fakeRobot) Set(ctx context.Context, user string, changes map[string]float64, ifRevision *protocol.Revision) (
	map[string]float64, protocol.Revision, error) {
	if err := r.wait(ctx); err != nil {
		return nil, 0, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if ifRevision != nil && *ifRevision != r.rev {
		return nil, r.rev, &protocol.Error{Code: protocol.RevisionConflict,
			Message: fmt.Sprintf("revision is %d, expected %d", r.rev, *ifRevision)}
	}
	for _, path := range slices.Sorted(maps.Keys(changes)) {
		if _, ok := r.values[path]; !ok {
			return nil, r.rev, &protocol.Error{Code: protocol.UnknownParameter, Path: path, Message: "no such parameter"}
		}
		if v := changes[path]; v < 0 || v > 100 {
			return nil, r.rev, protocol.Refuse(path, 0, 100, fmt.Sprintf("expected 0 to 100 mV, got %v", v))
		}
	}
	for path, v := range changes {
		r.values[path] = v
	}
	r.rev++
	r.sets++
	r.setter = user
	return changes, r.rev, nil
}

func (r *fakeRobot) Reset(ctx context.Context, user string, paths []string, ifRevision *protocol.Revision) (
	map[string]float64, protocol.Revision, error) {
	if len(paths) == 0 {
		paths = []string{"a", "group/b"}
	}
	back := map[string]float64{}
	for _, p := range paths {
		back[p] = map[string]float64{"a": 1, "group/b": 2}[p]
	}
	return r.Set(ctx, user, back, ifRevision)
}

func (r *fakeRobot) Keep(protocol.Revision) error {
	if r.disk != nil {
		<-r.disk
	}
	return nil
}

func (r *fakeRobot) AddLearnt(context.Context, map[string]protocol.Reading) error { return nil }

// wait waits for hold, or until a context ends.
func (r *fakeRobot) wait(ctx context.Context) error {
	if r.hold == nil {
		return nil
	}
	r.waiting(1)
	defer r.waiting(-1)
	ended := ctx.Done()
	if r.ignoresTime {
		ended = nil
	}
	select {
	case <-r.hold:
		return nil
	case <-ended:
		return ctx.Err()
	}
}

// waiting adds to the number of waiting Sets, and returns it.
func (r *fakeRobot) waiting(more int) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.held += more
	return r.held
}

func (r *fakeRobot) count() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.sets
}

func (r *fakeRobot) Reward(_ context.Context, name string, value float64) (int, error) {
	if name != "praise" {
		return 0, &protocol.Error{Code: protocol.UnknownReward, Message: fmt.Sprintf("no reward %q", name)}
	}
	if value == 0 {
		return 0, protocol.Warning("its value is 0")
	}
	r.order(fmt.Sprintf("reward %v", value))
	return int(math.Abs(value)), nil
}

func (r *fakeRobot) Stimulate(_ context.Context, trains map[string]protocol.Train) (n int, err error) {
	for _, name := range slices.Sorted(maps.Keys(trains)) {
		r.order(fmt.Sprintf("stimulate %s %d", name, trains[name].Count))
		n += trains[name].Count
	}
	return n, nil
}

func (r *fakeRobot) Save(context.Context) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.saves++
	return nil
}

func (r *fakeRobot) Load(context.Context) error { r.order("load"); return nil }

func (r *fakeRobot) LoadRobot(_ context.Context, user string, asked protocol.Request) (*protocol.RobotFile, error) {
	r.order(fmt.Sprintf("load_robot by %s: %q", user, asked.File))
	switch asked.File {
	case "bad":
		return nil, &protocol.Error{Code: protocol.InvalidFile, Message: "one mistake", Mistakes: []protocol.Mistake{{Line: 3}}}
	case "odd":
		return &protocol.RobotFile{Own: "robot.yaml"}, protocol.Warning("odd")
	}
	return &protocol.RobotFile{Own: "robot.yaml"}, nil
}

// FollowSpikes returns the robot itself as reader.
func (r *fakeRobot) FollowSpikes() bridge.SpikeReader { return r }

func (r *fakeRobot) Leave() {}

// Read returns one spike, a millisecond later each time.
func (r *fakeRobot) Read(to []protocol.Spike) ([]protocol.Spike, uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.spiked += 1000
	return append(to, protocol.Spike{At: r.spiked, Neuron: 0}), 0
}

func (r *fakeRobot) Arm(user string, fresh bool) error {
	r.order(named(map[bool]string{false: "arm", true: "arm fresh"}[fresh], user))
	return r.refuse
}

func (r *fakeRobot) Disarm(user string) { r.order(named("disarm", user)) }

func (r *fakeRobot) ArmByHand(user string) error {
	r.order(named("arm by hand", user))
	return r.refuse
}

func (r *fakeRobot) EmergencyStop(user string) { r.order("stop by " + user) }

func (r *fakeRobot) Drive(_ context.Context, user, actuator string, value float64, length time.Duration) error {
	r.order(named(fmt.Sprintf("drive %s %g for %v", actuator, value, length), user))
	return r.refuse
}

func (r *fakeRobot) Sense(_ context.Context, sensor string, value float64, length time.Duration) error {
	r.order(fmt.Sprintf("sense %s %g for %v", sensor, value, length))
	return nil
}

func (r *fakeRobot) Zero(_ context.Context, user, sensor string) (float64, error) {
	r.order(named("zero "+sensor, user))
	return 12.5, r.refuse
}

func (r *fakeRobot) order(text string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.orders = append(r.orders, text)
}

// orderList returns the orders so far.
func (r *fakeRobot) orderList() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]string(nil), r.orders...)
}

// named adds the user of an order, unless it is anonymous.
func named(order, user string) string {
	if user == protocol.Anonymous {
		return order
	}
	return order + " for " + user
}

// fullRobot is a robot with all abilities.
type fullRobot interface {
	bridge.Telemetry
	bridge.Safety
	bridge.Tuner
	bridge.Teacher
	bridge.ByHand
	bridge.SpikeSource
	bridge.Inspector
	bridge.World
	bridge.Loader
}

// allParts returns a robot with all abilities.
func allParts(r fullRobot) bridge.Robot { return bridge.Robot{r, r, r, r, r, r, r, r, r} }

// startBridge runs a bridge named "fake" at a new broker on a free port, unless the options say otherwise.
func startBridge(t *testing.T, robot fullRobot, opts bridge.Options) *bridge.Bridge {
	t.Helper()
	if opts.Robot == "" {
		opts.Robot = "fake"
	}
	if opts.Broker == "" {
		opts.Broker = startTestBroker(t, "127.0.0.1:0").url
	}
	b, err := bridge.Start(t.Context(), allParts(robot), opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	return b
}

// one returns a description with one parameter.
func one(p protocol.Parameter) protocol.Description {
	return protocol.Description{Parameters: []protocol.Parameter{p}}
}

type describedRobot struct {
	fullRobot
	description protocol.Description
}

func (r describedRobot) Describe() protocol.Description { return r.description }

// TelemetryEvery keeps telemetry away: a robot drops it while it has much to publish.
func (r describedRobot) TelemetryEvery() time.Duration { return time.Hour }

// population is a robot with many parameters, wall[0] and so on, all 1 at first.
func population(number int) describedRobot {
	robot, description := newFakeRobot(), protocol.Description{}
	robot.values = map[string]float64{}
	for i := range number {
		path := fmt.Sprintf("wall[%d]", i)
		robot.values[path] = 1
		description.Parameters = append(description.Parameters, protocol.Parameter{Path: path, Max: 100, Default: 1})
	}
	return describedRobot{robot, description}
}

// change sets all parameters of a population to 2.
func (r describedRobot) change() protocol.Request {
	changes := map[string]float64{}
	for _, p := range r.description.Parameters {
		changes[p.Path] = 2
	}
	return setting("s1", changes)
}

// unchanged returns the parameters that a broker retains with other values than those of change.
func (r describedRobot) unchanged(kept map[string]string) (old []string) {
	for _, p := range r.description.Parameters {
		text := kept[protocol.Topics("fake").Param(p.Path)]
		var v protocol.Value
		if json.Unmarshal([]byte(text), &v) != nil || v.V != 2 {
			old = append(old, p.Path+" "+text)
		}
	}
	return old
}
