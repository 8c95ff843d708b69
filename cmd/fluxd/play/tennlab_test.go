package play

import (
	"compress/gzip"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"fluxd/configs/circuits"
	"fluxd/configs/tennlab"
	"fluxd/core"
)

// Imported networks reproduce every count of output spikes and every action of their published runs.
func TestCartPoleNetworksReproduceTheirRuns(t *testing.T) {
	for _, name := range []string{"cartpole-42", "cartpole-48"} {
		for _, step := range []time.Duration{time.Millisecond, 7 * time.Microsecond} {
			t.Run(fmt.Sprint(name, " at ", step), func(t *testing.T) { cartPole(t, name, step) })
		}
	}
}

func cartPole(t *testing.T, name string, step time.Duration) {
	data, err := os.ReadFile("testdata/tennlab/" + name + ".json")
	if err != nil {
		t.Fatal(err)
	}
	text, err := tennlab.Import(name, data, step)
	if err != nil {
		t.Fatal(err)
	}
	network, err := core.Build(parse(t, string(text)))
	if err != nil {
		t.Fatal(err)
	}
	index := circuits.Index(parse(t, string(text)))
	var published struct {
		Associated struct {
			Parameters struct {
				Factor float64 `json:"spike_value_factor"`
			} `json:"proc_params"`
		} `json:"Associated_Data"`
	}
	if err := json.Unmarshal(data, &published); err != nil {
		t.Fatal(err)
	}

	const stepsPerControl = 24
	control := core.Tick(stepsPerControl * step.Microseconds())
	rows, header := readRun(t, name)
	var spikes []core.Spike
	for k, row := range rows {
		from := core.Tick(k) * control
		var want [2]int
		var counts [2]int
		action := -1
		for column, field := range header {
			number, err := strconv.Atoi(row[column])
			switch {
			case strings.HasPrefix(field, "in") && err == nil:
				neuron := index["n"+field[2:]][0]
				water, err := network.PourWater(neuron, published.Associated.Parameters.Factor)
				if err != nil {
					t.Fatal(err)
				}
				for j := range number {
					if err := network.Pour(from+core.Tick(3*j)*core.Tick(step.Microseconds()), neuron, water); err != nil {
						t.Fatal(err)
					}
				}
			case field == "out0":
				want[0] = number
			case field == "out1":
				want[1] = number
			case field == "action":
				action = number
			}
		}
		spikes = network.Advance(from+control, spikes[:0])
		for _, s := range spikes {
			switch s.Neuron {
			case index["n8"][0]:
				counts[0]++
			case index["n9"][0]:
				counts[1]++
			}
		}
		if counts != want {
			t.Fatalf("control step %d: outputs fired %v times, published %v", k, counts, want)
		}
		chosen := 0
		if counts[1] > counts[0] {
			chosen = 1
		}
		if chosen != action {
			t.Fatalf("control step %d: action %d, published %d", k, chosen, action)
		}
	}
	if len(rows) < 1000 {
		t.Errorf("only %d control steps", len(rows))
	}
}

func readRun(t *testing.T, name string) (rows [][]string, header []string) {
	t.Helper()
	f, err := os.Open("testdata/tennlab/" + name + ".csv.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	unzipped, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	rows, err = csv.NewReader(unzipped).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return rows[1:], rows[0]
}
