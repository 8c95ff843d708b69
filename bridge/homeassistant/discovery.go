// Package homeassistant makes the message by which Home Assistant finds a robot (MQTT device discovery, Home Assistant 2024.11
// and newer: https://www.home-assistant.io/integrations/mqtt/#device-discovery-payload). Its templates are in Jinja. Those for
// commands make a protocol.Request, with the time of the press and a unique id.
//
//	payload, left, err := homeassistant.Discovery(protocol.Topics("lightseeker"), description, "1.0")
package homeassistant

import (
	"encoding/json"
	"fmt"
	"strings"

	"fluxd/bridge/protocol"
)

// expireAfter is how long Home Assistant shows a value without a new one, in seconds. Values come once a second.
const expireAfter = 10

// MaxNumbers is how many parameters it shows: a thousand would be of no use there.
const MaxNumbers = 100

// component is an entity of Home Assistant.
type component map[string]any

// deviceClasses are Home Assistant's device classes, by the units of sensors.
var deviceClasses = map[string]string{"°C": "temperature", "lx": "illuminance", "V": "voltage", "A": "current", "W": "power",
	"Pa": "pressure", "m": "distance", "m/s": "speed", "kg": "weight"}

// requestTemplate returns a template for a request, with the keys more beside id, ts and ttl_ms.
func requestTemplate(key, more string) string {
	if more != "" {
		more = "," + more
	}
	return `{"id":"homeassistant-` + key + `-{{ now().timestamp() }}",` +
		`"ts":{{ (now().timestamp() * 1000) | int }},"ttl_ms":10000` + more + `}`
}

// Discovery describes a robot for Home Assistant. It returns how many parameters were left out.
func Discovery(t protocol.Topics, d protocol.Description, version string) (payload []byte, left int, err error) {
	id := "fluxd_" + protocol.Identifier(string(t))
	all := map[string]component{}
	add := func(key, platform, name string, c component) {
		key = protocol.Identifier(key)
		for all[key] != nil { // of names that differ only in characters that an id may not have
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
		c := component{
			"state_topic":    t.Home(),
			"value_template": fmt.Sprintf("{{ value_json.sensors[%s] }}", jinjaString(s.Name)),
			"state_class":    "measurement",
		}
		if s.Unit != "" {
			c["unit_of_measurement"] = s.Unit
		}
		if class := deviceClasses[s.Unit]; class != "" {
			c["device_class"] = class
		}
		addSensor("sensor_"+s.Name, s.Name, c)
	}
	for _, a := range d.Actuators {
		addSensor("actuator_"+a.Name, a.Name, component{
			"state_topic":    t.Home(),
			"value_template": fmt.Sprintf("{{ value_json.actuators[%s] }}", jinjaString(a.Name)),
		})
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
		if p.Min >= p.Max { // Home Assistant rejects such a number
			continue
		}
		if numbers++; numbers > MaxNumbers {
			left++
			continue
		}
		step := 0.001
		if p.Type == "int" {
			step = 1
		}
		c := component{
			"state_topic":      t.Param(p.Path),
			"value_template":   "{{ value_json.v }}",
			"command_topic":    t.Request("set"),
			"command_template": requestTemplate("set", `"set":{`+jsonString(p.Path)+`:{{ value }}}`),
			"min":              p.Min,
			"max":              p.Max,
			"step":             step,
			"mode":             "box",
			"entity_category":  "config",
		}
		if p.Unit != "" {
			c["unit_of_measurement"] = p.Unit
		}
		add("tune_"+p.Path, "number", p.Path, c)
	}
	add("armed", "switch", "armed", component{ // arm with the value 0 disarms
		"state_topic":      t.Health(),
		"value_template":   "{{ 1 if value_json.safety.state == 'armed' else 0 }}",
		"state_on":         "1",
		"state_off":        "0",
		"command_topic":    t.Request("arm"),
		"command_template": requestTemplate("arm", `"value":{{ value }}`),
		"payload_on":       "1",
		"payload_off":      "0",
	})
	add("estop", "button", "emergency stop", component{
		"command_topic":    t.Request("estop"),
		"command_template": requestTemplate("estop", ""),
	})

	payload, err = json.Marshal(map[string]any{
		"device": map[string]any{
			"identifiers": []string{id}, "name": string(t), "manufacturer": "fluxd", "sw_version": version,
		},
		"origin": map[string]any{"name": "fluxd", "sw_version": version},
		"availability": []map[string]string{{
			"topic": t.Status(), "value_template": "{{ value_json.state }}",
			"payload_available": string(protocol.Online), "payload_not_available": string(protocol.Offline),
		}},
		"components": all,
		"qos":        1,
	})
	return payload, left, err
}

// jinjaString returns a name as a string literal of Jinja.
func jinjaString(name string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(name) + "'"
}

func jsonString(s string) string {
	text, err := json.Marshal(s)
	if err != nil {
		panic(err) // cannot happen: a string
	}
	return string(text)
}
