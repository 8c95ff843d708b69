package daemon

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"fluxd/bridge/protocol"
	"fluxd/bridge/users"
)

// An operator puts a lamp before the eye of a running robot, and the robot elsewhere: the eye reads more, and the robot's place
// is published to those who watch. A viewer may look, and cannot put anything anywhere.
func TestPlaceOverMQTT(t *testing.T) {
	inRealTime(t)
	folder := t.TempDir()
	var all []byte
	for _, role := range []users.Role{users.Viewer, users.Operator} {
		var err error
		if all, err = users.Set(all, string(role), string(role+role), role); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(folder, "passwords"), all, 0o600); err != nil {
		t.Fatal(err)
	}
	robot, _ := start(t, parse(t, fmt.Sprintf(`
robot: placed
board: {kind: sim, world: ./room.yaml}
sensors:
  eye: {device: bh1750, bus: I2C1, address: 0x23, every: 10ms, encode: {kind: rate, range: [0 lx, 1000 lx], max: 100 Hz, to: a}}
network: {neurons: {a: {}, go: {}}}
actuators:
  left_wheel: {device: hbridge, pwm: GPIO13, direction: GPIO6, decode: {kind: count, neuron: go, full: 50 Hz, window: 100ms}}
  right_wheel: {device: hbridge, pwm: GPIO12, direction: GPIO5, decode: {kind: count, neuron: go, full: 50 Hz, window: 100ms}}
mqtt: {listen: '127.0.0.1:0', passwords: '%s/passwords'}
dashboard: {listen: none}
`, folder), fstest.MapFS{"room.yaml": {Data: []byte("world: floor\nambient: 0 lx\nlamps: [{at: [0.3 m, 2.7 m]}]\n" +
		"start: {at: [1 m, 1 m], heading: 0 °}\n")}}))
	as := func(user string) *client {
		return connect(t, strings.Replace(robot.Broker(), "://", "://"+user+":"+user+user+"@", 1), "flux/placed/#")
	}
	send := func(c *client, user, verb string, r protocol.Request) {
		t.Helper()
		r.Time, r.TTL = time.Now().UnixMilli(), 30_000
		payload, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		if !c.Publish("flux/placed/req/"+verb+"/"+user, 1, false, payload).WaitTimeout(patience) {
			t.Fatalf("%s: not sent", verb)
		}
	}
	answer := func(c *client, verb, id string) (r protocol.Response) {
		t.Helper()
		c.await(t, "the answer to "+verb, func(topic string, payload []byte) bool {
			return topic == "flux/placed/res/"+verb && json.Unmarshal(payload, &r) == nil && r.ID == id
		})
		return r
	}
	operator, viewer := as("operator"), as("viewer")
	operator.awaitOnline(t)
	eye := func() float64 { v, _ := robot.Sensors()["eye"].Value.(float64); return v }
	eventually(t, "a reading", func() bool { return robot.Sensors()["eye"].Value != nil })
	if eye() > 1 {
		t.Errorf("with the lamp behind it the eye reads %g lx", eye())
	}

	place := func(id, thing string, x, y float64) protocol.Request {
		return protocol.Request{ID: id, Thing: thing, X: &x, Y: &y}
	}
	const refused = 0x80 // of a subscription
	may := viewer.Subscribe("flux/placed/may/place", 0, nil)
	if !may.WaitTimeout(patience) || may.(*mqtt.SubscribeToken).Result()["flux/placed/may/place"] != refused {
		t.Error("a viewer may place")
	}
	send(viewer, "viewer", "place", place("viewer's", "lamp[0]", 3, 0.5))
	send(viewer, "viewer", "world", protocol.Request{ID: "look"})
	if r := answer(viewer, "world", "look"); r.World == nil || r.World.Things[0].X != 0.3 || r.World.Kind != "floor" ||
		r.World.Robot.X != 1 {
		t.Errorf("the viewer sees %+v, %v", r.World, r.Error)
	}
	send(operator, "operator", "place", place("out", "lamp[0]", 9, 0.5))
	if r := answer(operator, "place", "out"); r.Error == nil || r.Error.Code != protocol.OutOfRange || *r.Error.Max != 4 {
		t.Errorf("out of the room: %+v", r)
	}
	send(operator, "operator", "place", place("ahead", "lamp[0]", 2.08, 1)) // a metre ahead of the eye: 400 lx
	if r := answer(operator, "place", "ahead"); r.Error != nil {
		t.Fatal(r.Error)
	}
	eventually(t, "the light of the lamp", func() bool { return math.Abs(eye()-400) < 10 })

	send(viewer, "viewer", "watch", protocol.Request{ID: "watch", Lease: protocol.MaxLease.Milliseconds(), World: true})
	heading := math.Pi
	there := place("there", "robot", 3, 2)
	there.Heading = &heading
	send(operator, "operator", "place", there)
	var state protocol.WorldState
	viewer.await(t, "the robot's place", func(topic string, payload []byte) bool {
		return topic == "flux/placed/tele/world" && json.Unmarshal(payload, &state) == nil && state.Robot.X == 3
	})
	if state.Robot.Y != 2 || math.Abs(state.Robot.Heading-math.Pi) > 0.001 || state.Episode != 1 || state.Things[0].X != 2.08 ||
		len(state.Shapes) < 2 || state.Version < 3 {
		t.Errorf("%+v", state)
	}
	viewer.await(t, "the event", func(topic string, payload []byte) bool {
		return topic == "flux/placed/event/info" && bytes.Contains(payload, []byte("robot at 3.000, 2.000 by operator"))
	})
}
