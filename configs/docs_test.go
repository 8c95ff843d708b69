package configs

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"fluxd/configs/strict"
	"fluxd/sensors"
)

// tables are those of docs/robot-file.md that the kinds make, by the name in the comment before each.
func tables() map[string]string {
	all := map[string]string{}
	add := func(name, column string, kinds []strict.Kind) {
		all[name], all["keys of "+name] = strict.TableOfKinds(column, kinds), strict.TableOfKeys(column, kinds)
	}
	_, devices := new(Sensor).Kinds()
	for i, k := range sensors.Kinds {
		devices[i].About = measuresOf(k)
	}
	add("sensors", "device", devices)
	_, encoders := new(Encode).Kinds()
	add("encoders", "kind", encoders)
	_, actuators := new(Actuator).Kinds()
	add("actuators", "device", actuators)
	_, decoders := new(Decode).Kinds()
	add("decoders", "kind", decoders)
	_, expanders := new(Expander).Kinds()
	add("expanders", "device", expanders)
	return all
}

// measuresOf says what a sensor is, what it measures and where it is on a bus.
func measuresOf(k sensors.Kind) string {
	var names, addresses []string
	unit := ""
	opts := k.New()
	d, err := strict.NewDecoder("defaults", []byte("{}"))
	if err != nil {
		panic(err) // it is YAML
	}
	d.Value(d.Root(), opts, "", 0) // what is missing does not matter
	for _, m := range opts.Measures() {
		of := " (" + m.Unit + ")"
		if m.Unit == "" {
			of = ""
		}
		if names, unit = append(names, "`"+m.Name+"`"+of), of; m.Name == "" {
			names = nil
		}
	}
	text := k.About
	if names == nil {
		text += unit
	} else {
		text += "; `measure`: " + strings.Join(names, ", ")
	}
	for _, a := range k.Addresses {
		addresses = append(addresses, fmt.Sprintf("0x%02x", a))
	}
	if len(addresses) > 4 {
		addresses = []string{addresses[0] + " to " + addresses[len(addresses)-1]}
	}
	if addresses != nil {
		text += "; at " + strings.Join(addresses, ", ")
	}
	return text
}

// The tables of the documentation are those that the kinds make: go test ./configs -run Tables -update writes them.
func TestTablesOfTheDocumentation(t *testing.T) {
	const file = "../docs/robot-file.md"
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	text := strings.ReplaceAll(string(data), "\r\n", "\n")
	made := tables()
	var seen []string
	for name, table := range made {
		mark := "<!-- made from the kinds: " + name + " -->\n"
		before, rest, found := strings.Cut(text, mark)
		if !found {
			continue
		}
		seen = append(seen, name)
		old := ""
		for strings.HasPrefix(rest, "|") {
			line, after, _ := strings.Cut(rest, "\n")
			old, rest = old+line+"\n", after
		}
		if old != table && !*update {
			t.Errorf("%s: %s:\n%s\nwant\n%s", file, name, old, table)
		}
		text = before + mark + table + rest
	}
	if *update {
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"sensors", "encoders", "actuators", "decoders", "expanders", "keys of sensors", "keys of actuators", "keys of encoders", "keys of decoders"} {
		if !slices.Contains(seen, name) {
			t.Errorf("%s has no table of %s", file, name)
		}
	}
}
