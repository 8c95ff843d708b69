//go:build browser

package browser_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"

	"fluxd/bridge/protocol"
)

// attributes returns the data- attributes of all elements that a selector finds, as they are at one moment.
func (p *page) attributes(selector string) []map[string]string {
	p.t.Helper()
	return eval[[]map[string]string](p, "[..."+all(selector)+"].map(e => ({...e.dataset}))")
}

// same reports whether an attribute has the value of a message.
func same(shown string, value any) bool {
	switch v := value.(type) {
	case float64:
		got, err := strconv.ParseFloat(shown, 64)
		return err == nil && got == v
	case nil:
		return shown == ""
	default:
		return shown == fmt.Sprint(v)
	}
}

// at returns what a JSON object has below keys that are joined by dots.
func at(object any, path string) any {
	for key := range strings.SplitSeq(path, ".") {
		below, _ := object.(map[string]any)
		object = below[key]
	}
	return object
}

// anyMessage reports whether a message of a topic satisfies a condition. A page may show a message that is not the latest one.
func (w *watcher) anyMessage(topic string, holds func(body map[string]any) bool) bool {
	_, found := w.find(func(m message) bool {
		var body map[string]any
		return m.topic == topic && json.Unmarshal(m.payload, &body) == nil && holds(body)
	})
	return found
}

// shows waits until all elements of a selector show what one message of a topic says. All that an element shows is compared; what
// becomes of a message by pointer is its path below the message's body.
func (p *page) shows(w *watcher, selector, topic string, least int,
	matches func(shown map[string]string, body map[string]any) bool) {
	p.t.Helper()
	var last []map[string]string
	defer func() {
		if p.t.Failed() {
			p.t.Logf("%s shows %v", selector, last)
		}
	}()
	eventually(p.t, selector+" to show what "+topic+" says", func() bool {
		last = p.attributes(selector)
		if len(last) < least {
			return false
		}
		for _, shown := range last {
			if !w.anyMessage(topic, func(body map[string]any) bool { return matches(shown, body) }) {
				return false
			}
		}
		return true
	})
}

// Each panel shows what MQTT says, value by value.
func TestPanelsShowWhatMQTTSays(t *testing.T) {
	each(t, example(t, "phototaxis"), func(t *testing.T, r *robot) {
		w := watch(t, r)
		p := open(t, r.page)
		p.awaitOnline()
		p.awaitSpikes()

		t.Run("health", func(t *testing.T) {
			eventually(t, "the panel to show a message about the robot's health", func() bool {
				shown := eval[map[string]string](p, `Object.fromEntries([['ts', document.querySelector('.health')?.dataset.ts ?? ''],
					...[...document.querySelectorAll('[data-health]')].map(e => [e.dataset.health, e.dataset.value ?? ''])])`)
				var body map[string]any
				if len(shown) < 15 || !w.at("tele/health", shown["ts"], &body) {
					return false
				}
				for key, value := range shown {
					if key == "safety.stale" {
						continue // an array, empty here
					}
					if said := at(body, key); !same(value, said) && !(said == nil && (value == "0" || value == "false")) {
						t.Errorf("the page shows %s of %q, the robot says %v", key, value, said)
					}
				}
				return true
			})
		})
		t.Run("sensors and actuators", func(t *testing.T) {
			var d protocol.Description
			w.latest("describe", &d)
			for kind, devices := range map[string][]protocol.Device{"sensors": d.Sensors, "actuators": d.Actuators} {
				for _, device := range devices {
					p.shows(w, "[data-device="+quote(device.Name)+"]", "tele/"+kind, 1, func(shown map[string]string, body map[string]any) bool {
						return same(shown["value"], at(body, device.Name+".value")) && same(shown["unit"], at(body, device.Name+".unit")) &&
							same(shown["ts"], at(body, device.Name+".ts"))
					})
				}
			}
		})
		t.Run("world", func(t *testing.T) {
			p.shows(w, "[data-panel=world] svg[data-robot-x]", "tele/world", 1, func(shown map[string]string, body map[string]any) bool {
				return same(shown["robotX"], at(body, "robot.x")) && same(shown["robotY"], at(body, "robot.y")) &&
					same(shown["robotHeading"], at(body, "robot.heading"))
			})
			p.shows(w, "[data-panel=world] .score", "tele/world", 1, func(shown map[string]string, body map[string]any) bool {
				return same(shown["score"], at(body, "score.text")) && same(shown["episode"], at(body, "episode"))
			})
		})
		t.Run("circuit", func(t *testing.T) {
			network := w.ask("network", protocol.Request{}).Network
			kinds := map[string]map[string]bool{} // by kind: the pairs of neurons
			for _, one := range network.Synapses {
				if kinds[string(one.Kind)] == nil {
					kinds[string(one.Kind)] = map[string]bool{}
				}
				kinds[string(one.Kind)][one.From+" "+one.To] = true
			}
			p.await("the circuit", "document.querySelectorAll('[data-edge]').length > 10")
			drawn := map[string]int{}
			for _, edge := range p.attributes("[data-edge]") {
				drawn[edge["kind"]]++
			}
			for kind, pairs := range kinds {
				if drawn[kind] != len(pairs) {
					t.Errorf("the circuit has %d %s edges, the network %d (%v)", drawn[kind], kind, len(pairs), slices.Sorted(maps.Keys(pairs)))
				}
			}
			nodes := map[string]bool{}
			for _, node := range p.attributes("[data-node]") {
				nodes[node["node"]] = true
			}
			for _, neuron := range network.Neurons {
				if !nodes["neuron:"+neuron.Name] && !nodes[neuron.Name] {
					t.Errorf("the circuit has no neuron %s: %v", neuron.Name, slices.Sorted(maps.Keys(nodes)))
				}
			}
		})
		t.Run("a neuron's barrel", func(t *testing.T) {
			eval[any](p, "document.querySelector('[data-node$=motor_l]').dispatchEvent(new MouseEvent('click', {bubbles: true})), 0")
			p.shows(w, ".neuron[data-level]", "tele/neurons", 1, func(shown map[string]string, body map[string]any) bool {
				neuron := at(body, "neurons."+shown["neuron"])
				return shown["neuron"] == "motor_l" && same(shown["level"], at(neuron, "level")) &&
					same(shown["threshold"], at(neuron, "threshold")) && same(shown["floor"], at(neuron, "floor")) &&
					same(shown["spikes"], at(neuron, "spikes")) && same(shown["refractory"], at(neuron, "refractory"))
			})
		})
		t.Run("learning", func(t *testing.T) {
			network := w.ask("network", protocol.Request{}).Network
			place := map[string]int{} // of a plastic synapse in tele/learning
			for _, one := range network.Synapses {
				if one.Plastic {
					place[one.Path] = len(place)
				}
			}
			p.shows(w, "[data-panel=learning] tr[data-synapse]", "tele/learning", len(place), func(shown map[string]string,
				body map[string]any) bool {
				i, known := place[shown["synapse"]]
				weights, _ := body["weights"].([]any)
				return known && i < len(weights) && same(shown["weight"], weights[i])
			})
			p.shows(w, "[data-panel=learning] [data-reward]", "tele/learning", 2, func(shown map[string]string, body map[string]any) bool {
				counts := at(body, "rewards."+shown["reward"])
				return same(shown["for"], at(counts, "for")) && same(shown["against"], at(counts, "against"))
			})
		})
		t.Run("events", func(t *testing.T) {
			w.ask("set", protocol.Request{Set: map[string]float64{"network.neurons.motor_l.leak": 700}})
			p.await("the event of a change", "[..."+all("[data-panel=health] *")+"].some(e => e.innerText?.includes('motor_l.leak'))")
		})
	})
}

// quiet is a robot whose neurons spike only when they are asked to.
const quiet = `robot: quiet
board: {kind: sim}
network:
  neurons: {a: {}, b: {}, c: {}}
  synapses: [{from: a, to: b, weight: 110}]
actuators: {lamp: {device: relay, pin: GPIO22, decode: {kind: count, neuron: b, full: 100 Hz, window: 50ms}}}
`

// The raster has each spike once: as many as were sent into the network by hand, and those that they cause.
func TestRasterCountsEachSpike(t *testing.T) {
	each(t, quiet, func(t *testing.T, r *robot) {
		w := watch(t, r)
		p := open(t, r.page+"?view=raster,hand")
		p.awaitOnline()
		eventually(t, "the robot to publish spikes for the page", func() bool {
			w.ask("stimulate", protocol.Request{Stimulate: map[string]protocol.Train{"c": {Count: 1}}})
			return p.count("c") > 0 // counts from here on
		})
		eval[any](p, `(() => { const set = (e, v) => { e.value = v; e.dispatchEvent(new Event('input', {bubbles: true})) };
			const form = document.querySelector('[data-panel=hand] form');
			set(form.querySelector('input[list]'), 'a'); set(form.querySelector('input[type=number]'), '7') })()`)
		p.press("[data-panel=hand]", "Stimulate")
		for _, neuron := range []string{"a", "b"} {
			eventually(t, "seven spikes of "+neuron, func() bool { return p.count(neuron) == 7 })
		}
		spikes := map[int]int{}
		w.find(func(m message) bool {
			if m.topic == "spikes" {
				batch, err := protocol.DecodeSpikes(m.payload)
				if err != nil {
					t.Error(err)
				}
				for _, one := range batch {
					spikes[int(one.Neuron)]++
				}
			}
			return false
		})
		if spikes[0] != 7 || spikes[1] != 7 {
			t.Errorf("over MQTT came %v spikes by neuron: expected seven of a and b", spikes)
		}
	})
}

// count returns how many spikes of a neuron the raster has got.
func (p *page) count(neuron string) int {
	p.t.Helper()
	n, _ := strconv.Atoi(p.data("[data-panel=raster] tr[data-neuron="+quote(neuron)+"]", "count"))
	return n
}
