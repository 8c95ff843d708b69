package configs

import (
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"fluxd/boards/sim/worlds"
	"fluxd/configs/circuits"
	"fluxd/configs/links"
	"fluxd/configs/rewards"
	"fluxd/configs/strict"
	"fluxd/sensors"
)

// tables returns the tables of docs/robot-file.md that are made from tags, by the name in the comment before each.
func tables() map[string]string {
	all := map[string]string{
		"the robot":         tableOf[Robot](),
		"board":             tableOf[Board](),
		"every sensor":      tableOf[Sensor](),
		"every encode":      tableOf[Encode](),
		"every actuator":    tableOf[Actuator](),
		"network":           tableOf[circuits.Network](),
		"neuron":            tableOf[circuits.Neuron](),
		"adaptation":        tableOf[circuits.Adaptation](),
		"habituation":       tableOf[circuits.Habituation](),
		"burst":             tableOf[circuits.Burst](),
		"noise":             tableOf[circuits.Noise](),
		"pattern":           tableOf[circuits.Pattern](),
		"modulation":        tableOf[circuits.Modulation](),
		"receptors":         tableOf[circuits.Receptors](),
		"synapse":           tableOf[circuits.Synapse](),
		"plastic":           tableOf[circuits.Plastic](),
		"stp":               tableOf[circuits.STP](),
		"ltp":               tableOf[circuits.LTP](),
		"rule":              tableOf[circuits.Rule](),
		"reward":            tableOf[rewards.Reward](),
		"credit":            tableOf[rewards.Credit](),
		"baseline":          tableOf[rewards.Baseline](),
		"critic":            tableOf[rewards.Critic](),
		"learnt":            tableOf[Learnt](),
		"tuning":            tableOf[Tuning](),
		"safety":            tableOf[Safety](),
		"emergency stop":    tableOf[EmergencyStop](),
		"start button":      tableOf[StartButton](),
		"status light":      tableOf[StatusLight](),
		"mqtt":              tableOf[links.MQTT](),
		"tls":               tableOf[links.TLS](),
		"fleet":             tableOf[links.Fleet](),
		"dashboard":         tableOf[links.Dashboard](),
		"metrics":           tableOf[links.Metrics](),
		"dashboard tls":     tableOf[links.Certificate](),
		"realtime":          tableOf[Realtime](),
		"recordings":        tableOf[Recordings](),
		"split":             tableOf[Split](),
		"compare":           tableOf[Compare](),
		"body":              tableOf[worlds.Body](),
		"mount":             tableOf[worlds.Mount](),
		"floor maze":        tableOf[worlds.FloorMaze](),
		"floor obstacle":    tableOf[worlds.FloorObstacle](),
		"floor lamp":        tableOf[worlds.FloorLamp](),
		"floor line":        tableOf[worlds.FloorLine](),
		"floor gap":         tableOf[worlds.FloorGap](),
		"floor food":        tableOf[worlds.FloorFood](),
		"floor start":       tableOf[worlds.FloorStart](),
		"floor motors":      tableOf[worlds.FloorMotors](),
		"floor battery":     tableOf[worlds.FloorBattery](),
		"phase":             tableOf[worlds.ConditioningPhase](),
		"time of recording": tableOf[sensors.TimeColumn](),
	}
	add := func(name, column string, kinds []strict.Kind) {
		all[name], all["keys of "+name] = strict.TableOfKinds(column, kinds), strict.TableOfKeys(column, kinds)
	}
	_, inWorlds := new(World).Kinds()
	add("worlds", "world", inWorlds)
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

func tableOf[T any]() string { return strict.TableOfStruct(reflect.TypeFor[T]()) }

// measuresOf describes a sensor: what it is, what it measures, its addresses, and its shortest interval.
func measuresOf(k sensors.Kind) string {
	var names, addresses []string
	unit := ""
	opts := k.New()
	d, err := strict.NewDecoder("defaults", []byte("{}"))
	if err != nil {
		panic(err) // {} is YAML
	}
	d.Value(d.Root(), opts, "", 0) // sets the defaults; missing keys do not matter
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
	if k.MinInterval != 0 {
		text += "; `every` at least " + strings.Replace(k.MinInterval.String(), "µ", "u", 1)
	}
	return text
}

// The tables of the documentation are made from tags: go test ./configs -run Tables -update writes them.
func TestTablesOfTheDocumentation(t *testing.T) {
	made := tables()
	var seen []string
	for _, file := range []string{"../docs/robot-file.md", "../docs/worlds.md"} {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		text := strings.ReplaceAll(string(data), "\r\n", "\n")
		for name, table := range made {
			mark := "<!-- table: " + name + " -->\n"
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
	}
	for name := range made {
		if !slices.Contains(seen, name) {
			t.Errorf("no page has the table <!-- table: %s -->", name)
		}
	}
}

// Every YAML block of the documentation that is a whole robot is accepted, without warnings.
func TestRobotsOfTheDocumentation(t *testing.T) {
	for file, least := range map[string]int{"../docs/robot-file.md": 4, "../docs/coding.md": 1} {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		robots := 0
		for i, part := range strings.Split(strings.ReplaceAll(string(data), "\r\n", "\n"), "\n```yaml\n")[1:] {
			block, _, closed := strings.Cut(part, "\n```")
			if !closed {
				t.Fatalf("%s: YAML block %d: expected its end", file, i)
			}
			if !strings.Contains("\n"+block, "\nrobot: ") {
				continue
			}
			robots++
			robot, err := Parse(fmt.Sprintf("%s, YAML block %d", file, i), []byte(block), recordings)
			if err != nil {
				t.Error(err)
			} else if len(robot.Warnings) > 0 {
				t.Error(robot.Warnings)
			}
		}
		if robots < least {
			t.Errorf("%s: %d whole robots: expected at least %d", file, robots, least)
		}
	}
}
