package daemon

import (
	"bytes"
	"testing"
	"testing/fstest"

	"fluxd/bridge/protocol"
)

// When an episode of the world is over, a robot in real time begins the next one, with an event. It goes on from the start of the
// world: the distance that it has driven begins again.
func TestARunBeginsTheNextEpisode(t *testing.T) {
	inRealTime(t)
	_, address := startBroker(t, "127.0.0.1:0")
	config := parse(t, `
robot: runner
board: {kind: sim, world: ./track.yaml}
network: {neurons: {go: {pacemaker: 20ms}}}
actuators:
  left_wheel: {device: hbridge, pwm: GPIO13, direction: GPIO6, decode: {kind: count, neuron: go, full: 50 Hz, window: 100ms}}
  right_wheel: {device: hbridge, pwm: GPIO12, direction: GPIO5, decode: {kind: count, neuron: go, full: 50 Hz, window: 100ms}}
mqtt: {broker: 'tcp://`+address+`'}
`, fstest.MapFS{"track.yaml": {Data: []byte("world: floor\nwidth: 20 m\nstart: {at: [1 m, 1 m], heading: 0 °}\ntime_limit: 1s\n")}})
	robot, _ := start(t, config)
	c := connect(t, "tcp://"+address, "flux/#")
	for _, text := range []string{"episode 1: drove ", "episode 2: drove "} {
		c.await(t, text, func(topic string, payload []byte) bool {
			return topic == protocol.Topics("runner").Event(protocol.LevelInfo) && bytes.Contains(payload, []byte(text))
		})
	}
	if x := robot.World().State()["x_m"]; x > 1.6 {
		t.Errorf("in its third episode, the robot is at %g m: it did not begin again at 1 m", x)
	}
}
