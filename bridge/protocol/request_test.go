package protocol

import (
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
)

// A value that was not meant does not act: NaN from a script, null, a key that is misspelt or given twice.
func TestARequestIsReadStrictly(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ verb, with, says string }{
		{"arm", `"value":null`, "value: expected a number, got null"},
		{"arm", `"value":-1`, "value: expected 1 to arm or 0 to disarm, got -1"},
		{"arm", `"value":0.4`, "value: expected 1 to arm or 0 to disarm, got 0.4"},
		{"arm", `"value":"1"`, `value: expected a number, got "1"`},
		{"arm", `"Value":1`, "Value: verb arm has no such key: expected id, ts, ttl_ms, value, by_hand, fresh"},
		{"arm", `"value":0,"value":1`, "value: given twice"},
		{"arm", `"fresh":"yes"`, `fresh: expected true or false, got "yes"`},
		{"arm", `"fresh":null`, "fresh: expected true or false, got null"},
		{"drive", `"fresh":true`, "fresh: verb drive has no such key"},
		{"arm", `"by_hand":1`, "by_hand: expected true or false, got 1"},
		{"drive", `"actuator":"wheel","value":null,"lease_ms":1000`, "value: expected a number, got null"},
		{"sense", `"sensor":"eye","value":true,"lease_ms":1000`, "value: expected a number, got true"},
		{"drive", `"actuator":null`, "actuator: expected a text, got null"},
		{"set", `"set":{"actuators.wheel.slew":null}`, "set.actuators.wheel.slew: expected a number, got null"},
		{"set", `"set":{"a":1,"a":2}`, "set.a: given twice"},
		{"set", `"set":{"a":NaN}`, "JSON has neither NaN nor Infinity"},
		{"set", `"set":{"a":true}`, "set.a: expected a number, got true"},
		{"set", `"set":{"a":1e999}`, "set.a: expected a number below 1.8e308, got 1e999"},
		{"set", `"set":null`, "set: expected an object of paths and values, got null"},
		{"set", `"set":[1]`, "set: expected an object of paths and values, got a list"},
		{"set", `"set":{"a":1},"if_rev":null`, "if_rev: expected a whole number, got null"},
		{"set", `"set":{"a":1},"if_rev":-1`, "if_rev: expected a revision of at least 0"},
		{"set", `"set":{"a":1},"paths":["a"]`, "paths: verb set has no such key"},
		{"reset", `"paths":[]`, "paths: expected at least one path"},
		{"reset", `"paths":null`, "paths: expected a list of paths, got null"},
		{"reset", `"paths":[null]`, "paths[0]: expected a text, got null"},
		{"reset", `"paths":"a"`, `paths: expected a list of paths, got "a"`},
		{"reward", `"reward":"joy","value":null`, "value: expected a number, got null"},
		{"reward", `"reward":1,"value":1`, "reward: expected a text, got 1"},
		{"watch", `"lease_ms":1.5`, "lease_ms: expected a whole number of at most 19 digits, got 1.5"},
		{"watch", `"lease_ms":{}`, "lease_ms: expected a whole number, got an object"},
		{"watch", `"neurons":"eye"`, `neurons: expected a list of neurons, got "eye"`},
		{"watch", `"neurons":null`, "neurons: expected a list of neurons, got null"},
		{"watch", `"neurons":[]`, "neurons: expected at least one neuron; leave the key out to watch none"},
		{"watch", `"neurons":[3]`, "neurons[0]: expected a text, got 3"},
		{"watch", `"neurons":[` + strings.Repeat(`"eye",`, MaxNeurons) + `"eye"]`, "neurons: expected at most 32 neurons, got 33"},
		{"watch", `"spikes":1`, "spikes: expected true or false, got 1"},
		{"watch", `"learning":null`, "learning: expected true or false, got null"},
		{"watch", `"world":"floor"`, `world: expected true or false, got "floor"`},
		{"watch", `"spikes":false,"world":false`, "there is nothing to watch: expected spikes, learning or world to be true"},
		{"watch", `"world":true,"world":false`, "world: given twice"},
		{"watch", `"thing":"lamp"`, "thing: verb watch has no such key: expected id, ts, ttl_ms, lease_ms, spikes, neurons, " +
			"learning, world"},
		{"network", `"neurons":["eye"]`, "neurons: verb network has no such key: expected id, ts, ttl_ms"},
		{"world", `"world":true`, "world: verb world has no such key: expected id, ts, ttl_ms"},
		{"place", `"thing":null`, "thing: expected a text, got null"},
		{"place", `"thing":"lamp[0]","x":"1"`, `x: expected a number, got "1"`},
		{"place", `"thing":"lamp[0]","x":1,"y":null`, "y: expected a number, got null"},
		{"place", `"thing":"robot","heading":1e999`, "heading: expected a number below 1.8e308"},
		{"place", `"thing":"robot","X":1`, "X: verb place has no such key: expected id, ts, ttl_ms, thing, x, y, heading"},
		{"stimulate", `"stimulate":{"a":5}`, "stimulate.a: expected a train"},
		{"stimulate", `"stimulate":{"a":{"count":null}}`, "stimulate.a.count: expected a whole number, got null"},
		{"stimulate", `"stimulate":{"a":{"n":1}}`, "stimulate.a.n: a train has no such key"},
		{"stimulate", `"stimulate":{"a":{"count":99999999999}}`, "stimulate.a.count: expected 1 to 1000, got 99999999999"},
		{"stimulate", `"stimulate":{"a":{"count":0}}`, "stimulate.a.count: expected 1 to 1000, got 0"},
		{"get", `"paths":["a"],`, "not JSON"},
		{"get", `"paths":["a"`, "ends too early"},
		{"get", `"ts":null`, "ts: given twice"},
	} {
		text := `{"id":"x","ts":1,"ttl_ms":1,` + test.with + "}"
		if test.says == "ends too early" {
			text = strings.TrimSuffix(text, "}")
		}
		_, err := ParseRequest(test.verb, []byte(text))
		var refused *Error
		if !errors.As(err, &refused) || refused.Code != Malformed || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%s %s: %v, want %q", test.verb, test.with, err, test.says)
		}
	}
}

// The error distinguishes a request with something behind it from one that was cut short.
func TestRequestThatIsNotOneObject(t *testing.T) {
	for text, want := range map[string]string{
		`{"id":"x"}y`:    `not JSON from byte 10 on: "y"`,
		`{"id":"x"} {}`:  `not JSON from byte 11 on: "{}"`,
		`{"id":"x"}}`:    `not JSON from byte 10 on: "}"`,
		`{"id":nul`:      "ends too early, after 9 bytes",
		`{"paths":["a"]`: "ends too early, after 14 bytes",
		`null`:           "expected a JSON object, got null",
		`["x"]`:          "expected a JSON object, got a list",
		" ":              "expected a JSON object, got nothing",
	} {
		if _, err := ParseRequest("get", []byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}

// The topic of a request gives its verb and its user: Anonymous if no user can have the name.
func TestSplitRequest(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", MaxUser)
	for _, test := range []struct {
		topic, verb, user string
		request           bool
	}{
		{"flux/rover/req/set", "set", Anonymous, true},
		{"flux/rover/req/set/ann", "set", "ann", true},
		{"flux/rover/req/set/mqtt", "set", Anonymous, true},
		{"flux/rover/req/set/" + long, "set", long, true},
		{"flux/rover/req/estop/" + long + "x", "estop", Anonymous, true},
		{"flux/rover/req/estop/", "estop", Anonymous, true},
		{"flux/rover/req/estop/a/b", "estop", Anonymous, true},
		{"flux/rover/req/estop/a b", "estop", Anonymous, true},
		{"flux/rover/req/estop/\x1b[2J", "estop", Anonymous, true},
		{"flux/rover/req/estop/+", "estop", Anonymous, true},
		{"flux/rover/req/set/config", "set", Anonymous, true},
		{"flux/rover/req/set/overlay", "set", Anonymous, true},
		{"flux/rover/req/", "", Anonymous, true},
		{"flux/rover/res/set/ann", "", "", false},
		{"flux/rover2/req/set/ann", "", "", false},
		{"flux/rover/req", "", "", false},
		{"", "", "", false},
	} {
		verb, user, request := Topics("rover").SplitRequest(test.topic)
		if request != test.request || request && (verb != test.verb || user != test.user) {
			t.Errorf("%q: verb %q of %q, %v: want %q of %q, %v", test.topic, verb, user, request, test.verb, test.user, test.request)
		}
		if made := Topics("rover").RequestBy(verb, user); request && user != Anonymous && made != test.topic {
			t.Errorf("%q: RequestBy makes it %q", test.topic, made)
		}
	}
}

// ParseRequest accepts only what encoding/json reads to the same request, and never panics.
func FuzzParseRequest(f *testing.F) {
	one, rev := 1.0, Revision(7)
	for verb, r := range map[string]Request{
		"get":       {Paths: []string{"a", "b.*"}},
		"set":       {Set: map[string]float64{"a": 1.5, "b": -1e-300}, IfRevision: &rev},
		"reset":     {},
		"reward":    {Reward: "joy", Value: &one},
		"stimulate": {Stimulate: map[string]Train{"eye": {Count: 3, Every: 1000}}},
		"watch":     {Lease: 1000, Spikes: true, Neurons: []string{"eye", "wall[3]"}, Learning: true, World: true},
		"arm":       {Value: &one, ByHand: true, Fresh: true},
		"drive":     {Actuator: "wheel", Value: &one, Lease: 1000},
		"sense":     {Sensor: "eye", Value: &one, Lease: 1000},
		"zero":      {Sensor: "scale"},
		"network":   {},
		"world":     {},
		"place":     {Thing: "robot", X: &one, Y: &one, Heading: &one},
		"estop":     {},

		"load_robot": {File: "robot: r\n", Restart: true, Confirm: true, Back: true},
	} {
		r.ID, r.Time, r.TTL = "x", 1_700_000_000_000, 1000
		text, err := json.Marshal(r)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(verb, text)
	}
	f.Fuzz(func(t *testing.T, verb string, text []byte) {
		read, err := ParseRequest(verb, text)
		if err != nil {
			var refused *Error
			if !errors.As(err, &refused) || refused.Message == "" {
				t.Fatalf("refused with %v", err)
			}
			return
		}
		var loose Request
		if err := json.Unmarshal(text, &loose); err != nil {
			t.Fatalf("accepted, but encoding/json does not: %v", err)
		}
		again, err := json.Marshal(read)
		if err != nil {
			t.Fatal(err)
		}
		expected, err := json.Marshal(loose)
		if err != nil {
			t.Fatal(err)
		}
		if len(loose.Stimulate) == 0 && !reflect.DeepEqual(again, expected) { // ParseRequest bounds the counts of trains
			t.Errorf("read as %s, want %s", again, expected)
		}
	})
}
