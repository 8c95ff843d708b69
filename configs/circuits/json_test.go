package circuits_test

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"fluxd/configs/circuits"
)

// Errors in JSON use the words of a user, not those of Go's library.
func TestJSONErrors(t *testing.T) {
	neuron := `{"name": "a", "threshold": 100, "leak": 1000, "floor": 0, "refractory_us": 0}`
	marked := "\xef\xbb\xbf{\"format\": \"flux-network/1\", \"neurons\": [" + neuron + "], \"synapses\": []}"
	if _, err := circuits.ParseJSON("x", []byte(marked)); err != nil {
		t.Errorf("a byte-order mark: %v", err)
	}
	for _, c := range []struct{ text, want string }{
		{"{\"format\": \"flux-network/1\",\n \"neurons\": 5}", "x:2:14: neurons: got a number: expected a list"},
		{"{\"format\": \"flux-network/1\",\n \"neurons\": [" + strings.Replace(neuron, "100", `"many"`, 1) + "]}",
			"got text: expected a number"},
		{"{\"neurons\": [" + strings.Replace(neuron, `us": 0`, `us": 0.5`, 1) + "]}", "got a number 0.5: expected a whole number"},
		{"{\"neurons\": [" + strings.Replace(neuron, `"a"`, `true`, 1) + "]}", "got true or false: expected text"},
		{"{\"neurons\": [[]]}", "got a list: expected an object"},
		{"{\"neurons\":\n [" + neuron + ",]}", "x:2:" + fmt.Sprint(len(neuron)+4) + `: not JSON: "]" is not expected here`},
		{"robot: r\n", `x:1:1: not JSON: "r" is not expected here`},
		{"{\"a", "it ends too early"},
		{"", "it ends too early"},
	} {
		_, err := circuits.ParseJSON("x", []byte(c.text))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, expected %q", c.text, err, c.want)
		}
		for _, word := range []string{"unmarshal", "strconv", "json:", "float64", "int64", "struct", "looking for", "[]"} {
			if err != nil && strings.Contains(err.Error(), word) {
				t.Errorf("%s: %v: the library's word %q", c.text, err, word)
			}
		}
	}
}

// A neuron without a threshold, a leak or a refractory period is refused. The error gives the default of the robot file.
func TestJSONHasNoDefaults(t *testing.T) {
	fields := reflect.TypeFor[circuits.Neuron]()
	standard := func(field string) string {
		f, _ := fields.FieldByName(field)
		return f.Tag.Get("default")
	}
	refractory, err := time.ParseDuration(standard("Refractory"))
	if err != nil {
		t.Fatal(err)
	}
	const whole = `{"name": "a", "threshold": 0, "leak": 0, "refractory_us": 0}`
	text := func(neuron string) []byte {
		return []byte("{\"format\": \"flux-network/1\", \"neurons\": [\n" + neuron + "], \"synapses\": []}")
	}
	if _, err := circuits.ParseJSON("x", text(whole)); err != nil {
		t.Errorf("fields that are 0: %v", err)
	}
	for _, c := range []struct{ part, absent, standard string }{
		{`"threshold": 0, `, "threshold", standard("Threshold")},
		{`"leak": 0, `, "leak", standard("Leak")},
		{`, "refractory_us": 0`, "refractory_us", strconv.FormatInt(refractory.Microseconds(), 10)},
	} {
		want := "x:2:1: neurons[0]." + c.absent +
			": expected a number: a network as JSON has no defaults; the robot file's default is " + c.standard
		_, err := circuits.ParseJSON("x", text(strings.Replace(whole, c.part, "", 1)))
		if err == nil || err.Error() != want {
			t.Errorf("without %s: %v, expected %q", c.absent, err, want)
		}
	}
}
