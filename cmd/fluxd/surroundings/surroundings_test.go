package surroundings_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"

	"fluxd/boards/sim"
	"fluxd/boards/sim/worlds"
	"fluxd/bridge/protocol"
	"fluxd/cmd/fluxd/surroundings"
	"fluxd/configs"
)

const robotFile = `robot: r
board: {kind: sim, world: WORLD}
network: {neurons: {go: {}}}
actuators:
  left_wheel: {device: hbridge, pwm: GPIO13, direction: GPIO6, decode: {kind: count, neuron: go, full: 50 Hz, window: 100ms}}
  right_wheel: {device: hbridge, pwm: GPIO12, direction: GPIO5, decode: {kind: count, neuron: go, full: 50 Hz, window: 100ms}}
mqtt: {broker: none}
`

// around opens the world of a file, and returns it with a clock that a test sets.
func around(t *testing.T, name, world string) (*surroundings.World, worlds.World, *atomic.Int64) {
	t.Helper()
	files := fstest.MapFS{"world.yaml": {Data: []byte(world)}}
	config, err := configs.Parse("r.yaml", []byte(strings.Replace(robotFile, "WORLD", name, 1)), files)
	if err != nil {
		t.Fatal(err)
	}
	now := new(atomic.Int64)
	clock := func() time.Duration { return time.Duration(now.Load()) }
	options, _ := config.World()
	inside, err := worlds.Open(options, sim.New(clock), config.Simulated(), 1)
	if err != nil {
		t.Fatal(err)
	}
	return surroundings.New(config, inside, clock, slog.New(slog.DiscardHandler)), inside, now
}

const room = `world: floor
walls: [[[2 m, 0 m], [2 m, 1 m], [2.5 m, 1 m]]]
obstacles: [{at: [3 m, 2 m], size: [40 cm, 20 cm]}]
lamps: [{at: [3.5 m, 2.5 m]}]
start: {at: [1 m, 1 m], heading: 90 °}
time_limit: 10s
`

// What clients are shown of a world, as JSON.
func TestShown(t *testing.T) {
	w, _, _ := around(t, "./world.yaml", room)
	shown, err := w.World()
	if err != nil {
		t.Fatal(err)
	}
	text, _ := json.Marshal(shown)
	for _, want := range []string{
		`{"kind":"floor","about":"a plane for robots`, `"width":4,"height":3,"x0":0,"y0":0,"x1":4,"y1":3,"shapes":[{"style":"ground"`,
		`{"style":"wall","points":[[2,0],[2,1],[2.5,1]]}`, // joined
		`{"name":"lamp[0]","kind":"lamp","x":3.5,"y":2.5,"radius":0.04,"x0":0,"y0":0,"x1":4,"y1":3}`,
		`{"name":"obstacle[0]","kind":"obstacle","x":3,"y":2,"heading":0,"radius":0.2236,"x0":0`,
		`"robot":{"x":1,"y":1,"heading":1.5708,"radius":0.08,"x0":0.08,"y0":0.08,"x1":3.92,"y1":2.92},"version":1}`,
	} {
		if !strings.Contains(string(text), want) {
			t.Errorf("%s\nexpected %s", text, want)
		}
	}
	state, err := w.WorldState()
	text, _ = json.Marshal(state)
	for _, want := range []string{
		`"version":1,"robot":{"x":1,"y":1,"heading":1.5708},"state":{"battery_A":`,
		`"things":[{"name":"lamp[0]","kind":"lamp","x":3.5,"y":2.5,"radius":0.04}],` +
			`"shapes":[{"style":"lamp","points":[[3.5,2.5]],"radius":0.04},`,
		`"score":{"text":"drove 0.00 m, 0 bumps","goal":"","reached":false,"values":{`, `"episode":1,"x0":0,"y0":0,"x1":4,"y1":3}`,
	} {
		if err != nil || !strings.Contains(string(text), want) {
			t.Errorf("%s, %v\nexpected %s", text, err, want)
		}
	}
}

// A world with more than a message can carry is shown in part, and says so.
func TestHugeWorld(t *testing.T) {
	var lines []string
	for i := range 20 {
		var points []string
		for k := range 200 {
			points = append(points, fmt.Sprintf("[%d cm, %d cm]", 10+k*19, 20+10*i+7*(k%2)))
		}
		lines = append(lines, fmt.Sprintf("{points: [%s], rounded: 1 cm}", strings.Join(points, ", ")))
	}
	w, _, _ := around(t, "./world.yaml", "world: floor\nwidth: 40 m\ndepth: 10 m\nlines: ["+strings.Join(lines, ", ")+"]\n")
	shown, err := w.World()
	text, _ := json.Marshal(shown)
	if err != nil || shown.LeftOut == 0 || len(text) > protocol.MaxWorld+1000 || len(text) < protocol.MaxWorld*9/10 {
		t.Errorf("%d bytes with %d shapes, %d left out, %v", len(text), len(shown.Shapes), shown.LeftOut, err)
	}
}

// Where there is no world, the refusal says why.
func TestNoWorld(t *testing.T) {
	for name, want := range map[string]string{"none": "nothing changes in the world none",
		"table": "nothing changes in the world table"} {
		w, _, _ := around(t, name, "")
		_, err := w.World()
		_, watched := w.WorldState()
		for _, err := range []error{err, watched, w.Place(context.Background(), "ann", "robot", 1, 1, nil)} {
			var refused *protocol.Error
			if !errors.As(err, &refused) || refused.Code != protocol.NotAllowed || !strings.Contains(refused.Message, want) {
				t.Errorf("%s: %v, want %s", name, err, want)
			}
		}
		w.Run(context.Background(), surroundings.Robot{}) // returns
	}
	config, err := configs.Parse("r.yaml", []byte(strings.Replace(robotFile, "sim, world: WORLD", "raspberrypi", 1)), nil)
	if err != nil {
		t.Fatal(err)
	}
	onBoard := surroundings.New(config, nil, func() time.Duration { return 0 }, slog.New(slog.DiscardHandler))
	if _, err := onBoard.World(); err == nil || !strings.Contains(err.Error(), "the board is real") {
		t.Errorf("a real board: %v", err)
	}
}

// Refusals are those of the protocol: with the key, and the range that is allowed.
func TestRefusals(t *testing.T) {
	w, _, _ := around(t, "./world.yaml", room)
	turn := 1.0
	for _, c := range []struct {
		thing   string
		x, y    float64
		heading *float64
		code    protocol.Code
		says    string
	}{
		{"robot", 9, 1, nil, protocol.OutOfRange, "x: robot: 9 is out of range: expected 0.08 to 3.92"},
		{"robot", 1, -1, nil, protocol.OutOfRange, "y: robot: -1 is out of range: expected 0.08 to 2.92"},
		{"robot", 2.02, 0.5, nil, protocol.NotAllowed, "robot: 2.02, 0.5 is too near to a wall or an obstacle"},
		{"lamp[1]", 1, 1, nil, protocol.UnknownThing, "thing: lamp[1]: the world has no such thing (did you mean lamp[0]?)"},
		{"lamp[0]", 3, 2, nil, protocol.NotAllowed, "lamp[0]: 3, 2 would be in a wall or an obstacle"},
		{"lamp[0]", 1, 2, &turn, protocol.NotAllowed, "heading: lamp[0]: it has no heading"},
	} {
		err := w.Place(context.Background(), "ann", c.thing, c.x, c.y, c.heading)
		var refused *protocol.Error
		if !errors.As(err, &refused) || refused.Code != c.code || !strings.HasPrefix(err.Error(), c.says) {
			t.Errorf("%s: %v, want %s: %s", c.thing, err, c.code, c.says)
		}
	}
}

// A run of the world publishes events and the score of each episode, and pays the robot. A thing that is dragged is one event,
// with its last place. If the robot is not ready, the next episode waits.
func TestRun(t *testing.T) {
	w, inside, now := around(t, "./world.yaml", room)
	var mutex sync.Mutex
	var events []string
	var episodes []protocol.Episode
	var ready, paid atomic.Bool
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		w.Run(ctx, surroundings.Robot{
			Event: func(kind protocol.EventKind, text string) {
				mutex.Lock()
				defer mutex.Unlock()
				events = append(events, kind.Code()+" "+text)
			},
			Episode: func(e protocol.Episode) {
				mutex.Lock()
				defer mutex.Unlock()
				episodes = append(episodes, e)
			},
			Earn: func(_ context.Context, _ time.Duration, score []worlds.Value) { paid.Store(len(score) > 0) },
			Again: func(context.Context, uint64) error {
				if !ready.Load() {
					return errors.New("busy")
				}
				return nil
			},
			Seed: 1,
		})
	}()
	defer func() { cancel(); <-ended }()
	eventually := func(what string, is func() bool) {
		t.Helper()
		for end := time.Now().Add(2 * time.Minute); !is(); time.Sleep(time.Millisecond) {
			if time.Now().After(end) {
				mutex.Lock()
				defer mutex.Unlock()
				t.Fatalf("%s: not yet; events %q", what, events)
			}
		}
	}
	for _, x := range []float64{1, 2, 1.5} {
		if err := w.Place(ctx, "ann", "lamp[0]", x, 2.5, nil); err != nil {
			t.Fatal(err)
		}
	}
	eventually("a reward", paid.Load)
	now.Store(int64(2 * time.Second))
	eventually("the event", func() bool { mutex.Lock(); defer mutex.Unlock(); return len(events) > 0 })
	if want := "placed lamp[0] at 1.500, 2.500 by ann"; len(events) != 1 || events[0] != want {
		t.Errorf("events %q, want %s", events, want)
	}
	now.Store(int64(11 * time.Second))
	eventually("the end", inside.Over)
	if s, err := w.WorldState(); err != nil || s.Episode != 1 {
		t.Errorf("while the robot is busy: episode %d, %v", s.Episode, err)
	}
	ready.Store(true)
	eventually("the next episode", func() bool { s, err := w.WorldState(); return err == nil && s.Episode == 2 && !inside.Over() })
	mutex.Lock()
	defer mutex.Unlock()
	if len(episodes) != 1 || episodes[0].Episode != 1 || episodes[0].Score.Text != "drove 0.00 m, 0 bumps" || len(events) != 2 ||
		events[1] != "episode_over episode 1: drove 0.00 m, 0 bumps" {
		t.Errorf("episodes %+v, events %q", episodes, events)
	}
	if lamp := inside.Moment().Things[1].At; lamp != (worlds.Point{X: 3.5, Y: 2.5}) {
		t.Errorf("in the next episode the lamp is at %v", lamp)
	}
}
