package bridge

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"fluxd/bridge/protocol"
)

// render does what Home Assistant does with the templates that we give it: they hold nothing but these.
func render(template, value string, now time.Time) string {
	seconds := float64(now.UnixMicro()) / 1e6
	return strings.NewReplacer("{{ now().timestamp() }}", fmt.Sprintf("%.6f", seconds), "{{ (now().timestamp() * 1000) | int }}", fmt.Sprint(int64(seconds*1000)), "{{ value }}", value).Replace(template)
}

type discovered struct {
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
		Min, Max float64
	}
}

// What Home Assistant sends when its numbers, its switch and its button are used is accepted by the robot.
func TestHomeAssistantMovesTheRobot(t *testing.T) {
	robot := newFakeRobot()
	b := startBridge(t, robot, Options{HomeAssistant: true, Version: "1.2"})
	c := dial(t, b.URL())
	c.online()
	home := kept[discovered](t, b.URL(), protocol.Topics("fake").Discovery())
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
	if eye := home.Components["sensor_left_eye"]; eye.Class != "illuminance" || eye.Unit != "lx" || eye.State != "flux/fake/tele/sensors" || eye.Template != "{{ value_json['left_eye'].value }}" {
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

// Without the flag nothing is published, with many tunables some; names that no id may hold stay apart.
func TestDiscoveryHasBounds(t *testing.T) {
	d := protocol.Description{Sensors: []protocol.Device{{Name: "a b"}, {Name: "a.b"}, {Name: "it's"}}}
	for i := range mostNumbers + 7 {
		d.Parameters = append(d.Parameters, protocol.Parameter{Path: fmt.Sprintf("p[%d]", i), Max: 1})
	}
	text, left, err := discovery("rover", d, "1")
	var home discovered
	if err != nil || json.Unmarshal(text, &home) != nil || left != 7 {
		t.Fatalf("%d left, %v", left, err)
	}
	numbers := 0
	for _, one := range home.Components {
		if one.Platform == "number" {
			numbers++
		}
	}
	if numbers != mostNumbers || home.Components["sensor_a_b"].Unique == "" || home.Components["sensor_a_b_"].Unique == "" {
		t.Errorf("%d numbers; %d components", numbers, len(home.Components))
	}
	if got := home.Components["sensor_it_s"].Template; got != `{{ value_json['it\'s'].value }}` {
		t.Error(got)
	}
}
