package lab

import (
	"encoding/csv"
	"encoding/json"
	"io"
	"math"
	"strconv"
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
	Episodes []jsonEpisode `json:"episodes,omitempty"`
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
		last := &t.Episodes[len(t.Episodes)-1]
		one := jsonTrial{jsonSeeds: t.Episodes[0].seeds(), jsonResult: last.result()}
		if r.e.Episodes > 1 {
			one.State = nil // of each episode
			one.Seconds, one.Spikes, one.Reached = t.length().Seconds(), 0, nil
			for name := range one.Score {
				one.Score[name] = finite(t.mean(func(e *Episode) float64 { return e.value(name) }))
			}
			for i := range t.Episodes {
				e := &t.Episodes[i]
				one.Spikes += e.Spikes
				one.Episodes = append(one.Episodes, jsonEpisode{e.seeds(), e.result()})
			}
		}
		all.Trials = append(all.Trials, one)
	}
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	return encoder.Encode(all)
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

// CSV writes the results as a table with a row for each episode. What did not come about is empty.
func (r *Report) CSV(w io.Writer) error {
	table := csv.NewWriter(w)
	names := r.names()
	header := append([]string{"trial", "episode", "seed", "network_seed", "seconds", "spikes", "reached"}, names...)
	if err := table.Write(header); err != nil {
		return err
	}
	for _, t := range r.trials {
		for i := range t.Episodes {
			e := &t.Episodes[i]
			reached := ""
			if e.World != nil && e.World.Goal != "" {
				reached = map[bool]string{false: "0", true: "1"}[e.World.Reached]
			}
			row := []string{
				strconv.Itoa(t.Number), strconv.Itoa(e.Number), strconv.FormatUint(e.Seed, 10), strconv.FormatUint(e.NetworkSeed, 10),
				cell(e.Length.Seconds()), strconv.FormatUint(e.Spikes, 10), reached,
			}
			for _, name := range names {
				row = append(row, cell(e.value(name)))
			}
			if err := table.Write(row); err != nil {
				return err
			}
		}
	}
	table.Flush()
	return table.Error()
}

// cell writes a number so that it can be read back exactly; NaN is empty.
func cell(v float64) string {
	if math.IsNaN(v) {
		return ""
	}
	return strconv.FormatFloat(v, 'g', -1, 64)
}
