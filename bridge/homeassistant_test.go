package bridge_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"fluxd/bridge"
	"fluxd/bridge/homeassistant"
	"fluxd/bridge/protocol"
)

// render fills in a template, as Home Assistant does. The templates have no other expressions.
func render(template, value string, now time.Time) string {
	seconds := float64(now.UnixMicro()) / 1e6
	return strings.NewReplacer(
		"{{ now().timestamp() }}", fmt.Sprintf("%.6f", seconds),
		"{{ (now().timestamp() * 1000) | int }}", fmt.Sprint(int64(seconds*1000)),
		"{{ value }}", value,
	).Replace(template)
}

type discoveryMessage struct {
	Device, Origin map[string]any
	Availability   []map[string]string
	Components     map[string]struct {
		Platform string `json:"platform"`
		Unique   string `json:"unique_id"`
		State    string `json:"state_topic"`
		Template string `json:"value_template"`
		Command  string `json:"command_topic"`
		Make     string `json:"command_template"`
		On       string `json:"payload_on"`
		Off      string `json:"payload_off"`
		Unit     string `json:"unit_of_measurement"`
		Class    string `json:"device_class"`
		Expires  int    `json:"expire_after"`
		Min, Max float64
	}
}

// The robot accepts what Home Assistant sends when a user changes a number, turns the switch or presses the button.
func TestHomeAssistantControlsTheRobot(t *testing.T) {
	robot := newFakeRobot()
	b := startBridge(t, robot, bridge.Options{HomeAssistant: true, Version: "1.2"})
	c := dial(t, b.URL())
	c.online()
	home := retainedAs[discoveryMessage](t, b.URL(), protocol.Topics("fake").Discovery())
	if home.Availability[0]["topic"] != "flux/fake/status" || home.Device["name"] != "fake" || home.Origin["name"] != "fluxd" {
		t.Errorf("%+v", home)
	}
	seen := map[string]bool{}
	for key, one := range home.Components {
		if seen[one.Unique] || one.Platform == "" || one.Unique == "" {
			t.Errorf("%s: platform %q, id %q", key, one.Platform, one.Unique)
		}
		seen[one.Unique] = true
	}
	eye := home.Components["sensor_left_eye"]
	if eye.Class != "illuminance" || eye.Unit != "lx" || eye.State != "flux/fake/tele/home" ||
		eye.Template != "{{ value_json.sensors['left_eye'] }}" || eye.Expires == 0 {
		t.Errorf("%+v", eye)
	}
	press := func(key, value string) protocol.Response {
		t.Helper()
		one := home.Components[key]
		payload := render(one.Make, value, time.Now())
		var r protocol.Request
		if err := json.Unmarshal([]byte(payload), &r); err != nil {
			t.Fatalf("%s: %v in %s", key, err, payload)
		}
		c.send(one.Command, false, payload)
		return c.answer(one.Command[len("flux/fake/req/"):], r.ID)
	}
	if r := press("tune_group_b", "42.5"); r.Error != nil || r.Applied["group/b"] != 42.5 {
		t.Errorf("%+v, %v", r, r.Error)
	}
	if r := press("tune_group_b", "420"); r.Error == nil || r.Error.Code != protocol.OutOfRange {
		t.Errorf("%+v", r)
	}
	armed := home.Components["armed"]
	for _, value := range []string{armed.On, armed.Off} {
		if r := press("armed", value); r.Error != nil {
			t.Error(r.Error)
		}
	}
	if r := press("estop", ""); r.Error != nil {
		t.Error(r.Error)
	}
	robot.mu.Lock()
	defer robot.mu.Unlock()
	if did := fmt.Sprint(robot.orders); did != "[arm disarm stop by mqtt]" {
		t.Errorf("the robot did %s", did)
	}
}

// silent is a robot with sensors without a valid reading.
type silent struct{ *fakeRobot }

func (r *silent) Describe() protocol.Description {
	d := r.fakeRobot.Describe()
	for _, name := range []string{"unread", "broken", "gone stale"} {
		d.Sensors = append(d.Sensors, protocol.Device{Name: name})
	}
	d.Actuators = []protocol.Device{{Name: "choice"}, {Name: "wheel"}}
	return d
}

func (r *silent) Sensors() map[string]protocol.Measure {
	all := r.fakeRobot.Sensors()
	all["gone stale"] = protocol.Measure{Value: 7.0}
	return all
}

func (r *silent) Health() protocol.Health {
	h := r.fakeRobot.Health()
	h.Safety.Stale = []string{"gone stale", "wheel"} // a sensor may have an actuator's name
	return h
}

func (r *silent) Actuators() map[string]protocol.Measure {
	return map[string]protocol.Measure{"choice": {Value: "Sharp-Left-Turn"}, "wheel": {Value: 0.5}}
}

// The message has every key that a template refers to. A sensor without a reading, or with a stale one, is null.
func TestHomeAssistantWithoutReadings(t *testing.T) {
	t.Parallel() // it waits
	if testing.Short() {
		t.Skip("it waits in real time")
	}
	b := startBridge(t, &silent{newFakeRobot()}, bridge.Options{HomeAssistant: true})
	c := dial(t, b.URL())
	began := time.Now()
	h := next[protocol.Home](c, protocol.Topics("fake").Home(), nil)
	if sent := time.UnixMilli(h.Time); sent.Before(began.Add(-patience)) || sent.After(time.Now()) {
		t.Errorf("of %v", sent)
	}
	h.Time = 0
	got, err := json.Marshal(h)
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"ts":0,"sensors":{"broken":null,"gone stale":null,"left_eye":412.5,"unread":null},` +
		`"actuators":{"choice":"Sharp-Left-Turn","wheel":0.5}}`
	if string(got) != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// The message for Home Assistant comes as often as health does, which is once a second.
func TestRateOfHomeAssistantMessages(t *testing.T) {
	t.Parallel() // it waits
	if testing.Short() {
		t.Skip("it waits in real time")
	}
	c := dial(t, startBridge(t, newFakeRobot(), bridge.Options{HomeAssistant: true}).URL())
	homes, healths, readings := 0, 0, 0
	deadline := time.After(patience)
	for homes < 3 {
		select {
		case m := <-c.messages:
			switch m.Topic() {
			case protocol.Topics("fake").Home():
				homes++
			case protocol.Topics("fake").Health():
				healths++
			case protocol.Topics("fake").Sensors():
				readings++
			}
		case <-deadline:
			t.Fatalf("%d messages for Home Assistant", homes)
		}
	}
	if homes > healths+1 || readings < homes {
		t.Errorf("%d messages for Home Assistant, %d of health, %d of sensors", homes, healths, readings)
	}
}

// A broker whose rights forbid the message for Home Assistant drops it silently. The robot reports it, once.
func TestDiscoveryThatIsNotPassedOn(t *testing.T) {
	if testing.Short() {
		t.Skip("it waits in real time")
	}
	t.Parallel()
	for name, user := range map[string]server.Permissions{
		"may not write it": {Publish: &server.SubjectPermission{Allow: []string{"flux.fake.>"}}},
		"may not read it":  {Subscribe: &server.SubjectPermission{Allow: []string{"flux.fake.>", "flux.fake"}}},
		"may do neither, as with the rights of a leaf node": {
			Publish:   &server.SubjectPermission{Allow: []string{"flux.fake.>"}},
			Subscribe: &server.SubjectPermission{Allow: []string{"flux.fake.>"}},
		},
		"may do both": {},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			broker := runTestBroker(t, server.MQTTOpts{Host: "127.0.0.1"},
				&server.User{Username: "fake", Password: "fake", Permissions: &user},
				&server.User{Username: "all", Password: "all"})
			var log logBuffer
			c := dial(t, strings.Replace(broker.url, "://", "://all:all@", 1))
			b := startBridge(t, newFakeRobot(), bridge.Options{HomeAssistant: true, Broker: broker.url,
				User: "fake", Password: "fake", Log: slog.New(slog.NewTextHandler(&log, nil))})
			const warning = "Home Assistant does not find the robot"
			if name == "may do both" {
				eventually(t, "the message comes back", b.Discovered)
				return
			}
			lost := func(e protocol.Event) bool { return e.Code == protocol.DiscoveryLost.Code() }
			e := next(c, protocol.Topics("fake").Event(protocol.LevelWarning), lost)
			if !strings.Contains(e.Text, "homeassistant/device/fluxd-fake/config") ||
				log.count(warning) != 1 || log.count("cannot subscribe") > 0 {
				t.Errorf("event %+v, logged %d times", e, log.count(warning))
			}
		})
	}
}

// Of many parameters some are left out. Names that differ only in characters that an id may not have get different ids.
func TestDiscoveryIsBounded(t *testing.T) {
	d := protocol.Description{Sensors: []protocol.Device{{Name: "a b"}, {Name: "a.b"}, {Name: "it's"}}}
	for i := range homeassistant.MaxNumbers + 7 {
		d.Parameters = append(d.Parameters,
			protocol.Parameter{Path: fmt.Sprintf("p[%d]", i), Max: 1},
			protocol.Parameter{Path: fmt.Sprintf("empty range[%d]", i), Min: 5, Max: 5}) // Home Assistant rejects such a number
	}
	var log logBuffer
	b := startBridge(t, describedRobot{newFakeRobot(), d},
		bridge.Options{HomeAssistant: true, Log: slog.New(slog.NewTextHandler(&log, nil))})
	// Not the next message: see client.online.
	home := retainedAs[discoveryMessage](t, b.URL(), protocol.Topics("fake").Discovery())
	if log.count("left_out=7") != 1 {
		t.Errorf("the log does not say how many are left out: %s", &log)
	}
	numbers := 0
	for _, one := range home.Components {
		if one.Platform == "number" {
			numbers++
			if one.Min >= one.Max {
				t.Errorf("a number from %g to %g", one.Min, one.Max)
			}
		}
	}
	if numbers != homeassistant.MaxNumbers ||
		home.Components["sensor_a_b"].Unique == "" || home.Components["sensor_a_b_"].Unique == "" {
		t.Errorf("%d numbers; %d components", numbers, len(home.Components))
	}
	if got := home.Components["sensor_it_s"].Template; got != `{{ value_json.sensors['it\'s'] }}` {
		t.Error(got)
	}
}
