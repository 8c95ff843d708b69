package lab

import (
	"encoding/csv"
	"encoding/json"
	"io"
	"math"
	"slices"
	"strconv"
	"time"

	"fluxd/cmd/fluxd/tuning"
)

// The results as data for other programs. docs/simulate.md describes both forms.

type jsonReport struct {
	Robot  string      `json:"robot"`
	World  string      `json:"world"`
	Trials []jsonTrial `json:"trials"`
}

type jsonTrial struct {
	jsonSeeds
	jsonResult
	Untrained jsonScore     `json:"untrained,omitempty"`
	Trained   jsonScore     `json:"trained,omitempty"`
	Tests     []jsonTest    `json:"tests,omitempty"`
	Episodes  []jsonEpisode `json:"episodes,omitempty"`
}

// jsonScore has the numbers of a test's score, and reached as one of them.
type jsonScore map[string]*float64

type jsonTest struct {
	After float64   `json:"after_s"`
	Score jsonScore `json:"score"`
}

type jsonEpisode struct {
	jsonSeeds
	jsonResult
}

type jsonSeeds struct {
	Seed        uint64 `json:"seed"`
	NetworkSeed uint64 `json:"network_seed"`
}

type jsonResult struct {
	Seconds float64             `json:"seconds"`
	Spikes  uint64              `json:"spikes"`
	Reached *bool               `json:"reached,omitempty"`
	Score   map[string]*float64 `json:"score"`
	State   map[string]*float64 `json:"state,omitempty"`
}

// JSON writes the results of all trials as JSON.
func (r *Report) JSON(w io.Writer) error {
	all := jsonReport{Robot: r.e.Config.Name, World: r.e.world(), Trials: []jsonTrial{}}
	for _, t := range r.trials {
		one := jsonTrial{jsonSeeds: t.seeds(), Untrained: t.Untrained.test(), Trained: t.Trained.test()}
		for i := range t.Tests {
			one.Tests = append(one.Tests, jsonTest{t.Tests[i].After.Seconds(), t.Tests[i].test()})
		}
		switch {
		case r.e.many():
			one.Seconds, one.Score = t.length().Seconds(), map[string]*float64{}
			for _, name := range r.names() {
				one.Score[name] = finite(t.mean(func(e *Episode) float64 { return e.value(name) }))
			}
			for i := range t.Episodes {
				e := &t.Episodes[i]
				one.Spikes += e.Spikes
				one.Episodes = append(one.Episodes, jsonEpisode{e.seeds(), e.result()})
			}
		case len(t.Episodes) > 0:
			one.jsonResult = t.Episodes[0].result()
		default: // nothing but tests
			one.Score = map[string]*float64{}
		}
		all.Trials = append(all.Trials, one)
	}
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	return encoder.Encode(all)
}

// test returns the score of a test; nil if there was none.
func (e *Episode) test() jsonScore {
	if e == nil {
		return nil
	}
	score := jsonScore{}
	for _, v := range e.Values() {
		score[v.Name] = finite(v.Number)
	}
	if v := e.reached(); !math.IsNaN(v) {
		score["reached"] = &v
	}
	return score
}

// reached returns 1 if the goal was reached, 0 if it was not; NaN if there is none.
func (e *Episode) reached() float64 {
	switch {
	case e.World == nil || e.World.Goal == "":
		return math.NaN()
	case e.World.Reached:
		return 1
	}
	return 0
}

// seeds returns the seeds of a trial's first episode, or of its test.
func (t *Trial) seeds() jsonSeeds {
	if len(t.Episodes) == 0 {
		return t.Untrained.seeds()
	}
	return t.Episodes[0].seeds()
}

func (e *Episode) seeds() jsonSeeds { return jsonSeeds{e.Seed, e.NetworkSeed} }

// result returns the result of an episode.
func (e *Episode) result() jsonResult {
	r := jsonResult{Seconds: e.Length.Seconds(), Spikes: e.Spikes, Score: map[string]*float64{}}
	for _, v := range e.Values() {
		r.Score[v.Name] = finite(v.Number)
	}
	if e.World != nil && e.World.Goal != "" {
		r.Reached = &e.World.Reached
	}
	for name, v := range e.State {
		if r.State == nil {
			r.State = map[string]*float64{}
		}
		r.State[name] = finite(v)
	}
	return r
}

// finite returns a number that JSON can hold; nil for one that it cannot.
func finite(v float64) *float64 {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return nil
	}
	return &v
}

// CSV writes the results as a table with a row for each episode, and for each test if there are any. What did not come about is
// empty.
func (r *Report) CSV(w io.Writer) error {
	table := csv.NewWriter(w)
	columns, tested := r.columns(), r.e.Test > 0
	header := []string{"trial", "episode", "seed", "network_seed", "seconds", "spikes", "reached"}
	if tested {
		header = slices.Insert(header, 1, "phase", "trained_s")
	}
	for _, c := range columns {
		header = append(header, c.name)
	}
	if err := table.Write(header); err != nil {
		return err
	}
	for _, t := range r.trials {
		for _, row := range t.rows() {
			cells := []string{
				strconv.Itoa(t.Number), strconv.Itoa(row.Number), strconv.FormatUint(row.Seed, 10),
				strconv.FormatUint(row.NetworkSeed, 10), cell(row.Length.Seconds()), strconv.FormatUint(row.Spikes, 10),
				cell(row.reached()),
			}
			if tested {
				cells = slices.Insert(cells, 1, row.phase, cell(row.trained.Seconds()))
			}
			for _, c := range columns {
				cells = append(cells, cell(c.of(row.Episode)))
			}
			if err := table.Write(cells); err != nil {
				return err
			}
		}
	}
	table.Flush()
	return table.Error()
}

// A row is an episode in the table, or a test.
type row struct {
	phase   string
	trained time.Duration // how much training there has been at its end
	*Episode
}

// rows returns the rows of a trial in the order of time.
func (t *Trial) rows() (all []row) {
	tests := t.Tests
	if len(tests) == 0 {
		if t.Untrained != nil {
			tests = append(tests, Test{0, *t.Untrained})
		}
		if t.Trained != nil {
			tests = append(tests, Test{t.length(), *t.Trained})
		}
	}
	add := func(until time.Duration) { // the tests up to a time
		for ; len(tests) > 0 && tests[0].After <= until; tests = tests[1:] {
			phase := "test"
			switch {
			case len(all) == 0:
				phase = "untrained"
			case len(tests) == 1 && t.Trained != nil:
				phase = "trained"
			}
			all = append(all, row{phase, tests[0].After, &tests[0].Episode})
		}
	}
	if t.Untrained != nil {
		add(0)
	}
	trained := time.Duration(0)
	for i := range t.Episodes {
		add(trained + t.Episodes[i].Length - 1)
		trained += t.Episodes[i].Length
		all = append(all, row{"training", trained, &t.Episodes[i]})
	}
	add(never)
	return all
}

// A column is a column of the table that depends on the robot.
type column struct {
	name string
	of   func(*Episode) float64
}

// columns returns the columns: the numbers of the score, the rewards, and the weights.
func (r *Report) columns() (all []column) {
	for _, name := range r.names() {
		all = append(all, column{name, func(e *Episode) float64 { return e.value(name) }})
	}
	for i, reward := range r.e.Config.Rewards {
		all = append(all, column{"rewards." + reward.Name, func(e *Episode) float64 { return float64(e.Rewards[i]) }})
	}
	plastic := plasticOf(&r.e.Config.Network)
	if !r.e.Keep || len(plastic) == 0 {
		return all
	}
	for _, t := range r.trials {
		for _, row := range t.rows() {
			if row.Weights == nil || t.differs { // too many for a column each, or of different synapses
				return append(all, column{"weights.least", func(e *Episode) float64 { return e.Span.Least }},
					column{"weights.mean", func(e *Episode) float64 { return e.Span.Mean }},
					column{"weights.most", func(e *Episode) float64 { return e.Span.Most }})
			}
		}
	}
	paths := tuning.SynapsePaths(&r.e.Config.Network)
	for k, i := range plastic {
		all = append(all, column{paths[i] + ".weight", func(e *Episode) float64 { return e.Weights[k] }})
	}
	return all
}

// cell writes a number so that it can be read back exactly; NaN is empty.
func cell(v float64) string {
	if math.IsNaN(v) {
		return ""
	}
	return strconv.FormatFloat(v, 'g', -1, 64)
}
