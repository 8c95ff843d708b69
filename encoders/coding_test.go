package encoders_test

import (
	"bytes"
	"compress/gzip"
	"encoding/csv"
	"flag"
	"fmt"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"periph.io/x/conn/v3/physic"

	"fluxd/core"
	"fluxd/encoders"
)

var update = flag.Bool("update", false, "write the table and the drawing of docs/coding.md, and the golden file")

// A pairing is an encoder whose spikes go to a decoder, without a network between them.
type pairing struct {
	name     string // as the page has it
	encoder  encoders.EncoderOptions
	neurons  int
	decoder  encoders.DecoderOptions
	inputs   []int         // of the decoder, by neuron; nil: neuron k is input k
	frame    time.Duration // a pacemaker of this period starts the frames of a first-spike decoder
	bothWays bool          // commands from -1 to 1 stand for the range
	changes  bool          // the receiver knows the first reading, and adds the command
	drawn    bool
}

// readEvery is the time between two readings. Readings are shares of the range, in millionths.
const readEvery = 10 * ms

// places are the commands of neurons at even distances.
func places(count int) (all []encoders.Named[encoders.Choice]) {
	for i := range count {
		all = append(all, encoders.Named[encoders.Choice]{Name: fmt.Sprint(i),
			Value: encoders.Choice{Micro: int64(i) * encoders.FullScale / int64(count-1)}})
	}
	return all
}

func pairings() []pairing {
	whole, rate := lx(0, 1_000_000), 100*physic.Hertz
	step := encoders.Amount{Micro: 50_000, Unit: "lx"}
	up, down := encoders.Command(0), encoders.Command(encoders.FullScale)
	intervals := [2]time.Duration{50 * ms, 5 * ms}
	sum := &encoders.TraceOpts{Forward: "up", Backward: "down", Step: 50_000}
	vector := func(count int, window time.Duration) encoders.DecoderOptions {
		return &encoders.PopulationVectorOpts{Window: window, Values: places(count)}
	}
	count := func(full physic.Frequency, window time.Duration) encoders.DecoderOptions {
		return &encoders.CountOpts{Neuron: "a", Full: full, Window: window}
	}
	return []pairing{
		{name: "`rate`, 100 Hz | `count`, 100 ms", encoder: &encoders.RateOpts{Range: whole, Max: rate}, decoder: count(rate, 100*ms),
			drawn: true},
		{name: "`rate`, 100 Hz | `count`, 400 ms", encoder: &encoders.RateOpts{Range: whole, Max: rate}, decoder: count(rate, 400*ms)},
		{name: "`poisson`, 100 Hz | `count`, 100 ms", encoder: &encoders.PoissonOpts{Range: whole, Max: rate},
			decoder: count(rate, 100*ms), drawn: true},
		{name: "`poisson`, 100 Hz | `count`, 400 ms", encoder: &encoders.PoissonOpts{Range: whole, Max: rate},
			decoder: count(rate, 400*ms)},
		{name: "`bens-spiker`, box of 16 | `count`, 160 ms",
			encoder: &encoders.BensSpikerOpts{Range: whole, Readings: 16, Filter: "box", Threshold: 900_000}, decoder: count(rate, 160*ms),
			drawn: true},
		{name: "`bens-spiker`, triangle of 16 | `count`, 100 ms",
			encoder: &encoders.BensSpikerOpts{Range: whole, Readings: 16, Filter: "triangle", Threshold: 900_000},
			decoder: count(rate, 100*ms)},
		{name: "`burst`, 8 spikes, 10 to 4 ms | `count`, 50 ms",
			encoder: &encoders.BurstOpts{Range: whole, Most: 8, Intervals: [2]time.Duration{10 * ms, 4 * ms}},
			decoder: count(160*physic.Hertz, 50*ms), drawn: true},
		{name: "`isi`, 50 to 5 ms | `isi`", encoder: &encoders.ISIOpts{Range: whole, Intervals: intervals},
			decoder: &encoders.ISIDecoderOpts{Neuron: "a", Intervals: intervals, Commands: [2]encoders.Command{up, down}}, drawn: true},
		{name: "`latency`, 10 ms | `first-spike`", encoder: &encoders.LatencyOpts{Range: whole, Window: 10 * ms}, frame: readEvery,
			decoder: &encoders.FirstSpikeOpts{Window: 10 * ms, Start: "s", Neuron: "a", Commands: [2]encoders.Command{up, down}},
			inputs:  []int{encoders.FrameSpike}, drawn: true},
		{name: "`phase`, 50 ms | `first-spike`", encoder: &encoders.PhaseOpts{Range: whole, Period: 50 * ms, Share: 500_000},
			frame: 50 * ms, inputs: []int{encoders.FrameSpike},
			decoder: &encoders.FirstSpikeOpts{Window: 25 * ms, Start: "s", Neuron: "a", Commands: [2]encoders.Command{down, up}}},
		{name: "`population`, 8, rate of 100 Hz | `population-vector`, 50 ms", neurons: 8, decoder: vector(8, 50*ms), drawn: true,
			encoder: &encoders.PopulationOpts{Range: whole, Places: "linear", Strength: "rate", Max: rate}},
		{name: "`population`, 8, spike | `population-vector`, 10 ms", neurons: 8, decoder: vector(8, 10*ms), drawn: true,
			encoder: &encoders.PopulationOpts{Range: whole, Places: "linear", Strength: "spike", Least: 250_000}},
		{name: "`population`, 8, rate of 100 Hz | `winner-take-all`, 50 ms", neurons: 8,
			encoder: &encoders.PopulationOpts{Range: whole, Places: "linear", Strength: "rate", Max: rate},
			decoder: &encoders.WinnerTakeAllOpts{Window: 50 * ms, Choices: places(8)}, drawn: true},
		{name: "`argyle`, 4, 8 spikes | `population-vector`, 10 ms", neurons: 4, decoder: vector(4, 10*ms),
			encoder: &encoders.ArgyleOpts{BinnedOpts: encoders.BinnedOpts{Range: whole, Most: 8, Interval: 1250 * us}}},
		{name: "`flip-flop`, 2, 8 spikes | `push-pull`, 10 ms", neurons: 2, inputs: []int{encoders.Backward, encoders.Forward},
			bothWays: true,
			encoder:  &encoders.FlipFlopOpts{BinnedOpts: encoders.BinnedOpts{Range: whole, Most: 8, Interval: 1250 * us}},
			decoder:  &encoders.PushPullOpts{Full: 800 * physic.Hertz, Window: 10 * ms, Forward: "up", Backward: "down"}},
		{name: "`delta`, 5 %, split | `trace`, no decay", neurons: 2, decoder: sum, changes: true, drawn: true,
			encoder: &encoders.DeltaOpts{Step: step, Change: "split"}},
		{name: "`step-forward`, 5 %, split | `trace`, no decay", neurons: 2, decoder: sum, changes: true, drawn: true,
			encoder: &encoders.StepForwardOpts{Step: step, Change: "split"}},
		{name: "`moving-window`, 5 %, 8 readings, split | `trace`, no decay", neurons: 2, decoder: sum, changes: true,
			encoder: &encoders.MovingWindowOpts{Step: step, Readings: 8, Change: "split"}},
	}
}

// run encodes and decodes readings. It returns what is decoded at the end of each millisecond, as a share of the range, and the
// ticks of all spikes.
func (p *pairing) run(t *testing.T, readings []int64) (decoded []float64, spikes []core.Tick) {
	t.Helper()
	if spreading, is := p.encoder.(encoders.Spreading); is {
		spreading.Spread(p.neurons)
	}
	encoder, err := p.encoder.Open(readEvery)
	if err != nil {
		t.Fatal(err)
	}
	decoder, err := p.decoder.Open()
	if err != nil {
		t.Fatal(err)
	}
	every := core.Tick(readEvery.Microseconds())
	end := core.Tick(len(readings)) * every
	type event struct {
		at    core.Tick
		input int
	}
	var all []event
	if frame := core.Tick(p.frame.Microseconds()); frame > 0 {
		for at := core.Tick(0); at < end; at += frame {
			all = append(all, event{at, encoders.FrameStart})
		}
	}
	for i, reading := range readings {
		for _, a := range encoder.Encode(core.Tick(i)*every, reading, nil) {
			if a.At >= end {
				continue
			}
			neuron := max(a.Input, 0)
			if p.inputs != nil {
				neuron = p.inputs[neuron]
			}
			all = append(all, event{a.At, neuron})
			spikes = append(spikes, a.At)
		}
	}
	slices.SortStableFunc(all, func(a, b event) int { return int(a.at - b.at) })
	first, share := float64(readings[0])/1e6, float64(readings[0])/1e6
	for at := core.Tick(1000); at <= end; at += 1000 {
		for len(all) > 0 && all[0].at < at {
			decoder.Advance(all[0].at)
			decoder.Spike(all[0].at, all[0].input)
			all = all[1:]
		}
		decoder.Advance(at - 1)
		command, known := decoder.Command()
		switch value := float64(command) / encoders.FullScale; {
		case !known: // what was decoded before stays
		case p.bothWays:
			share = (value + 1) / 2
		case p.changes:
			share = first + value
		default:
			share = value
		}
		decoded = append(decoded, share)
	}
	return decoded, spikes
}

// sine returns the sine of so many turns. It rounds each product, so that all machines get the same.
func sine(turns float64) float64 {
	turns -= math.Floor(turns)
	if turns > 0.5 {
		return -sine(turns - 0.5)
	}
	if turns > 0.25 {
		turns = 0.5 - turns
	}
	x := float64(turns * 2 * math.Pi)
	sum := 0.0
	for k := 19.0; k > 1; k -= 2 {
		sum = float64(float64(x*x)/float64(k*(k-1))) * float64(1-sum)
	}
	return float64(x * float64(1-sum))
}

// A signal is readings for some time, and the name of its column.
type signal struct {
	name     string
	readings []int64
}

func signals(t *testing.T) []signal {
	const count = 2000 // 20 s
	all := []signal{{name: "step"}, {name: "sine"}, {name: "chirp"}, {name: "ranges"}}
	for i := range count {
		seconds := float64(i) / 100
		all[0].readings = append(all[0].readings, 200_000+600_000*int64(i/100%2))
		all[1].readings = append(all[1].readings, int64(500_000+float64(400_000*sine(seconds/2))))
		// From 0.1 Hz to 2 Hz.
		turns := float64(0.1*seconds) + float64(float64(0.0475*seconds)*seconds)
		all[2].readings = append(all[2].readings, int64(500_000+float64(400_000*sine(turns))))
	}
	// 120 s of the front range sensor of a SCITOS G5, 9 a second, up to 5 m.
	ranges := ranges(t)
	for i := range 12_000 {
		all[3].readings = append(all[3].readings, ranges[i*9/100])
	}
	return all
}

// ranges returns the recorded ranges, as shares of 5 m.
func ranges(t *testing.T) (shares []int64) {
	t.Helper()
	data, err := os.ReadFile("../configs/robots/scitos-g5.csv.gz")
	if err != nil {
		t.Fatal(err)
	}
	unzipped, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(unzipped).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	column := slices.Index(rows[0], "S1")
	for _, row := range rows[1:] {
		metres, err := strconv.ParseFloat(row[column], 64)
		if err != nil {
			t.Fatal(err)
		}
		shares = append(shares, int64(metres*200_000))
	}
	return shares
}

// rms returns the root of the mean square of the difference of what is decoded from the readings some milliseconds before,
// without the first second.
func rms(decoded []float64, readings []int64, delay int) float64 {
	sum, count := 0.0, 0
	for i := 1000; i+delay < len(decoded); i++ {
		far := decoded[i+delay] - float64(readings[i/10])/1e6
		sum += float64(far * far)
		count++
	}
	return math.Sqrt(sum / float64(count))
}

// longestDelay is the longest that is tried, in milliseconds.
const longestDelay = 400

// TestCoding measures all pairs of codes that docs/coding.md compares, and holds the page and its drawing to the figures:
// go test ./encoders -run Coding -update writes them.
func TestCoding(t *testing.T) {
	all := signals(t)
	var table strings.Builder
	table.WriteString("| encoder | decoder | delay | step | sine | chirp | ranges |\n|---|---|---|---|---|---|---|\n")
	var panels []codePanel
	for _, p := range pairings() {
		var cells []string
		chirp, spikes := p.run(t, all[2].readings)
		delay := 0
		for d := range longestDelay + 1 {
			if rms(chirp, all[2].readings, d) < rms(chirp, all[2].readings, delay) {
				delay = d
			}
		}
		if p.drawn {
			panels = append(panels, codePanel{p.name, chirp, all[2].readings, spikes})
		}
		for _, s := range all {
			decoded, spikes := p.run(t, s.readings)
			seconds := float64(len(s.readings)) / 100
			cells = append(cells, fmt.Sprintf("**%.1f** (%.0f)", 100*rms(decoded, s.readings, delay), float64(len(spikes))/seconds))
		}
		fmt.Fprintf(&table, "| %s | %d ms | %s |\n", p.name, delay, strings.Join(cells, " | "))
	}
	const page, picture = "../docs/coding.md", "../docs/coding.svg"
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, found := strings.Cut(strings.ReplaceAll(string(text), "\r\n", "\n"), "<!-- table: codes -->\n")
	if !found {
		t.Fatalf("%s: expected a comment before the table", page)
	}
	old := ""
	for strings.HasPrefix(rest, "|") {
		line, after, _ := strings.Cut(rest, "\n")
		old, rest = old+line+"\n", after
	}
	drawn := drawCodes(panels)
	if *update {
		if err := os.WriteFile(page, []byte(before+"<!-- table: codes -->\n"+table.String()+rest), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(picture, []byte(drawn), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if old != table.String() {
		t.Errorf("the table is\n%s\nmeasured\n%s", old, table.String())
	}
	if shown, err := os.ReadFile(picture); err != nil || string(shown) != drawn {
		t.Errorf("the picture is not what is measured now (%v): make plots", err)
	}
}
