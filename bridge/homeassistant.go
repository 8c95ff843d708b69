package bridge

import (
	"encoding/json"
	"fmt"
	"strings"

	"fluxd/bridge/protocol"
)

// Home Assistant finds a robot by one retained message with everything that it shows (MQTT device discovery, Home Assistant
// 2024.11 and newer: https://www.home-assistant.io/integrations/mqtt/#device-discovery-payload). Its templates are Jinja: they
// make requests as Request documents them, with the time of the press and an id that no other press has.

// expireAfter is for how long Home Assistant takes a value for the present one, in seconds: it comes once a second.
const expireAfter = 10

// maxNumbers bounds the tunables that it shows: nobody turns a thousand knobs there.
const maxNumbers = 100

// component is one entity.
type component map[string]any

// deviceClasses are Home Assistant's for the units that sensors have.
var deviceClasses = map[string]string{"°C": "temperature", "lx": "illuminance", "V": "voltage", "A": "current", "W": "power", "Pa": "pressure", "m": "distance", "m/s": "speed", "kg": "weight"}

// requestTemplate makes a request of what is pressed or typed; more is what it holds beside id, ts and ttl_ms.
func requestTemplate(key, more string) string {
	if more != "" {
		more = "," + more
	}
	return `{"id":"homeassistant-` + key + `-{{ now().timestamp() }}","ts":{{ (now().timestamp() * 1000) | int }},"ttl_ms":10000` + more + `}`
}

// discovery describes the robot for Home Assistant. It returns how many tunables did not find room.
func discovery(t protocol.Topics, d protocol.Description, version string) (payload []byte, left int, err error) {
	id := "fluxd_" + protocol.Identifier(string(t))
	all := map[string]component{}
	add := func(key, platform, name string, c component) {
		key = protocol.Identifier(key)
		for all[key] != nil { // names that differ in what an id may not hold
			key += "_"
		}
		c["platform"], c["unique_id"], c["name"] = platform, id+"_"+key, name
		all[key] = c
	}
	addSensor := func(key, name string, c component) {
		c["expire_after"] = expireAfter
		add(key, "sensor", name, c)
	}
	for _, s := range d.Sensors {
		c := component{"state_topic": t.Home(), "value_template": fmt.Sprintf("{{ value_json.sensors[%s] }}", jinjaString(s.Name)), "state_class": "measurement"}
		if s.Unit != "" {
			c["unit_of_measurement"] = s.Unit
		}
		if class := deviceClasses[s.Unit]; class != "" {
			c["device_class"] = class
		}
		addSensor("sensor_"+s.Name, s.Name, c)
	}
	for _, a := range d.Actuators {
		addSensor("actuator_"+a.Name, a.Name, component{"state_topic": t.Home(), "value_template": fmt.Sprintf("{{ value_json.actuators[%s] }}", jinjaString(a.Name))})
	}
	for _, h := range []struct{ key, name, template, unit string }{
		{"safety", "safety", "{{ value_json.safety.state }}", ""},
		{"latency", "loop latency p99", "{{ value_json.latency_us.p99 }}", "µs"},
		{"spikes", "spikes", "{{ value_json.spikes_per_s }}", "1/s"},
		{"drops", "drops", "{{ value_json.drops }}", ""},
	} {
		c := component{"state_topic": t.Health(), "value_template": h.template, "entity_category": "diagnostic"}
		if h.unit != "" {
			c["unit_of_measurement"] = h.unit
		}
		addSensor(h.key, h.name, c)
	}
	numbers := 0
	for _, p := range d.Parameters {
		if p.Min >= p.Max { // there is nothing to turn, and Home Assistant takes no such number
			continue
		}
		if numbers++; numbers > maxNumbers {
			left++
			continue
		}
		step := 0.001
		if p.Type == "int" {
			step = 1
		}
		c := component{"state_topic": t.Param(p.Path), "value_template": "{{ value_json.v }}", "command_topic": t.Request("set"),
			"command_template": requestTemplate("set", `"set":{`+jsonString(p.Path)+`:{{ value }}}`), "min": p.Min, "max": p.Max, "step": step, "mode": "box", "entity_category": "config"}
		if p.Unit != "" {
			c["unit_of_measurement"] = p.Unit
		}
		add("tune_"+p.Path, "number", p.Path, c)
	}
	// One topic for both ways: arm takes a value.
	add("armed", "switch", "armed", component{"state_topic": t.Health(), "value_template": "{{ 1 if value_json.safety.state == 'armed' else 0 }}", "state_on": "1", "state_off": "0",
		"command_topic": t.Request("arm"), "command_template": requestTemplate("arm", `"value":{{ value }}`), "payload_on": "1", "payload_off": "0"})
	add("estop", "button", "emergency stop", component{"command_topic": t.Request("estop"), "command_template": requestTemplate("estop", "")})

	payload, err = json.Marshal(map[string]any{
		"device":       map[string]any{"identifiers": []string{id}, "name": string(t), "manufacturer": "fluxd", "sw_version": version},
		"origin":       map[string]any{"name": "fluxd", "sw_version": version},
		"availability": []map[string]string{{"topic": t.Status(), "value_template": "{{ value_json.state }}", "payload_available": string(protocol.Online), "payload_not_available": string(protocol.Offline)}},
		"components":   all,
		"qos":          1,
	})
	return payload, left, err
}

// quoted is a name as a string of Jinja.
func jinjaString(name string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(name) + "'"
}

func jsonString(s string) string {
	text, err := json.Marshal(s)
	if err != nil {
		panic(err) // a string
	}
	return string(text)
}
