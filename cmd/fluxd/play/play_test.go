package play

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"fluxd/configs"
	"fluxd/core"
)

const relay = `
robot: relay
board: {kind: sim}
network:
  neurons: {a: {}, b: {count: 2}}
  synapses: [{from: a, to: b, weight: [100, 60], delay: 5ms}]
mqtt: {broker: none}
`

// relayed runs the relay on one processor and on two, and checks that the results are the same.
func relayed(t *testing.T, input string, until time.Duration) (string, error) {
	t.Helper()
	var alone, shared bytes.Buffer
	opts := Options{Source: "spikes.csv", Input: strings.NewReader(input), Until: until, Output: &alone}
	err := Run(context.Background(), parse(t, relay), opts)
	opts.Input, opts.Output, opts.Workers = strings.NewReader(input), &shared, 2
	if err2 := Run(context.Background(), parse(t, relay), opts); fmt.Sprint(err2) != fmt.Sprint(err) ||
		shared.String() != alone.String() {
		t.Errorf("on two processors: %v, %q; on one: %v, %q", err2, shared.String(), err, alone.String())
	}
	return alone.String(), err
}

// An input line fires its neuron, or pours its weight. Spikes at the end of the time are not written.
func TestRun(t *testing.T) {
	out, err := relayed(t, "time_us,neuron,weight\n0,a,\n3000,b[1],60\n7000,a,100\n20000,b,\n95000,a,\n", 100*time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"time_us,neuron", "0,a", "5000,b[0]", "5000,b[1]", "7000,a", "12000,b[0]", "20000,b[0]", "20000,b[1]",
		"95000,a", ""}
	if got := strings.Split(out, "\n"); !slices.Equal(got, want) {
		t.Errorf("got %q\nwant %q", got, want)
	}
	if at100, err := relayed(t, "time_us,neuron\n95000,a\n", 100*time.Millisecond+time.Microsecond); err != nil ||
		!strings.HasSuffix(at100, "100000,b[0]\n") {
		t.Errorf("a microsecond longer: %q, %v", at100, err)
	}
}

func TestRunRefusesBadInputByLine(t *testing.T) {
	for input, says := range map[string]string{
		"":                                 "spikes.csv:1:1: expected the header line",
		"a,b\n":                            "spikes.csv:1:1: expected the header line",
		"time_us,neuron\n0,a\n1,c\n":       `spikes.csv:3:1: no neuron is named "c"`,
		"time_us,neuron\n-1,a\n":           `spikes.csv:2:1: time_us "-1"`,
		"time_us,neuron\n1.5,a\n":          `spikes.csv:2:1: time_us "1.5"`,
		"time_us,neuron\n1\n":              "spikes.csv:2:1: 1 columns",
		"time_us,neuron,weight\n1,a,x\n":   `spikes.csv:2:1: neuron a: weight "x"`,
		"time_us,neuron,weight\n1,a,1e9\n": "spikes.csv:2:1: neuron a: weight: 1e+09 units need more than 2^31 microseconds",
		"time_us,neuron\n1,\"a\n":          "spikes.csv:2:1: ",
	} {
		out, err := relayed(t, input, time.Second)
		var all configs.Errors
		if !errors.As(err, &all) || !strings.HasPrefix(err.Error(), says) || out != "" {
			t.Errorf("%q: wrote %q, %v; want %q", input, out, err, says)
		}
	}
}

func TestRunWritesLearntWeights(t *testing.T) {
	text := strings.Replace(relay, "delay: 5ms}", "delay: 5ms, plastic: {window: 1ms, ltp: {rate: 2}}}", 1)
	var weights bytes.Buffer
	opts := Options{Input: strings.NewReader("time_us,neuron\n0,a\n"), Until: time.Second, Weights: &weights}
	err := Run(context.Background(), parse(t, text), opts)
	want := `[
 {
  "synapse": 0,
  "from": "a",
  "to": "b[0]",
  "weight": 102
 },
 {
  "synapse": 1,
  "from": "a",
  "to": "b[1]",
  "weight": 60
 }
]
`
	if err != nil || weights.String() != want {
		t.Errorf("%s %v", weights.String(), err)
	}
}

func parse(t testing.TB, text string) core.Description {
	t.Helper()
	robot, err := configs.Parse("test", []byte(text), nil)
	if err != nil {
		t.Fatal(err)
	}
	return robot.Network
}

// The pupil has one plastic synapse.
const pupil = `
robot: pupil
board: {kind: sim}
network:
  neurons: {a: {pacemaker: 5ms}, b: {}}
  synapses: [{from: a, to: b, weight: 100, plastic: {window: 5ms, ltp: {rate: 1}, max: 1000000}}]
mqtt: {broker: none}
`

// Learnt weights can be exported without the robot, even beyond the configured limits.
func TestExportLearnt(t *testing.T) {
	file := filepath.Join(t.TempDir(), "pupil.learnt")
	wide, narrow := parse(t, pupil), parse(t, strings.Replace(pupil, "max: 1000000", "max: 120", 1))
	network, err := core.Build(wide)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(network.Learn(map[int]float64{0: 140}), os.WriteFile(file, network.Snapshot(1), 0o600)); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := ExportLearnt(&out, narrow, file); err != nil {
		t.Fatal(err)
	}
	var all []LearntWeight
	if err := json.Unmarshal(out.Bytes(), &all); err != nil || len(all) != 1 ||
		all[0] != (LearntWeight{From: "a", To: "b", Weight: 140}) {
		t.Errorf("%+v, %v", all, err)
	}
	if narrow.Synapses[0].Plastic.Max != 120 {
		t.Error("the configuration was changed")
	}
	if err := ExportLearnt(&out, narrow, file+".gone"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("without a file: %v", err)
	}
}
