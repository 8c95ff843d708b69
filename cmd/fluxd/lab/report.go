package lab

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"fluxd/boards/sim/worlds"
)

// A Report writes the results of an experiment as text: a line for each episode, and a summary of all.
type Report struct {
	e      *Experiment
	trials []*Trial
}

// NewReport returns the report of an experiment that begins.
func NewReport(e *Experiment) *Report { return &Report{e: e} }

// Add writes what came of the next trial. The text is the same for the same experiment on every machine.
func (r *Report) Add(w io.Writer, t *Trial) error {
	r.trials = append(r.trials, t)
	if r.e.Test > 0 {
		return r.tests(w, t)
	}
	for i := range t.Episodes {
		if err := r.episode(w, t, &t.Episodes[i]); err != nil {
			return err
		}
	}
	return nil
}

func (r *Report) episode(w io.Writer, t *Trial, one *Episode) error {
	var err error
	print := func(format string, args ...any) {
		if err == nil {
			_, err = fmt.Fprintf(w, format, args...)
		}
	}
	if r.e.Trials > 1 {
		print("trial %d", t.Number)
	}
	if r.e.many() {
		if r.e.Trials > 1 {
			print(", ")
		}
		print("episode %d", one.Number)
	}
	if r.e.Trials > 1 || r.e.many() {
		print(" (seed %d): ", one.Seed)
	}
	if one.World != nil {
		print("%s; ", one.World.Text)
	}
	print("%v simulated, %d spikes, %d arrivals\n", one.Length, one.Spikes, one.Deliveries)
	if err == nil && one.Comparison != nil {
		err = one.Comparison.Report(w)
	}
	return err
}

// tests writes what came of the tests of a trial.
func (r *Report) tests(w io.Writer, t *Trial) error {
	line := ""
	if r.e.Trials > 1 {
		line = fmt.Sprintf("trial %d (seed %d): ", t.Number, t.seeds().Seed)
	}
	if t.Trained != nil {
		line += "trained: " + t.Trained.text() + "; "
	}
	if _, err := fmt.Fprintf(w, "%suntrained: %s\n", line, t.Untrained.text()); err != nil {
		return err
	}
	if last := t.Trained; r.e.Trials == 1 && last != nil && last.Comparison != nil {
		return last.Comparison.Report(w)
	}
	return nil
}

// text returns the score of a test as words.
func (e *Episode) text() string {
	var all []string
	if e.World != nil {
		all = append(all, e.World.Text)
	}
	if e.Comparison != nil {
		all = append(all, fmt.Sprintf("accuracy %.1f %%", 100*e.Comparison.Accuracy()))
	}
	if len(all) == 0 {
		return fmt.Sprintf("%d spikes", e.Spikes)
	}
	return strings.Join(all, ", ")
}

// Summary writes what the trials have in common: how many have reached the goal, and the mean and the spread of each number.
func (r *Report) Summary(w io.Writer) error {
	goal, reached, all := r.goal()
	if goal == "" && len(r.names()) == 0 {
		if _, err := fmt.Fprintf(w, "the world %s has no score: nothing moves there\n", r.e.world()); err != nil {
			return err
		}
	}
	if r.e.Test > 0 {
		return r.testSummary(w)
	}
	if all < 2 {
		return nil
	}
	if goal != "" {
		each := "trials"
		if r.e.many() {
			each = "episodes"
		}
		if _, err := fmt.Fprintf(w, "%s in %d of %d %s\n", goal, reached, all, each); err != nil {
			return err
		}
	}
	return r.table(w)
}

// testSummary writes what the tests of the trials have in common.
func (r *Report) testSummary(w io.Writer) error {
	if len(r.trials) < 2 {
		return nil
	}
	kinds := []struct {
		name string
		of   func(*Trial) *Episode
	}{{"untrained", func(t *Trial) *Episode { return t.Untrained }}}
	if r.trials[0].Trained != nil {
		kinds = append(kinds, kinds[0])
		kinds[0].name, kinds[0].of = "trained", func(t *Trial) *Episode { return t.Trained }
	}
	var reached []string
	var rows []tableRow
	for _, kind := range kinds {
		goal, count := "", 0
		for _, t := range r.trials {
			if s := kind.of(t).World; s != nil {
				if goal = s.Goal; s.Reached {
					count++
				}
			}
		}
		if goal != "" {
			if len(reached) > 0 {
				goal = "" // it stands before
			}
			reached = append(reached, strings.ReplaceAll(fmt.Sprintf("%s: %s in %d of %d trials", kind.name, goal, count,
				len(r.trials)), ":  ", ": "))
		}
	}
	for _, name := range r.names() {
		for _, kind := range kinds {
			one := tableRow{name: name + ", " + kind.name}
			for _, t := range r.trials {
				one.all = append(one.all, kind.of(t).value(name))
			}
			rows = append(rows, one)
		}
	}
	if len(reached) > 0 {
		if _, err := fmt.Fprintln(w, strings.Join(reached, "; ")); err != nil {
			return err
		}
	}
	return writeTable(w, "over trials", rows)
}

// world returns the name of the world.
func (e *Experiment) world() string { return e.Config.Board.World }

// goal returns the goal of the world, how many episodes have reached it, and how many there were.
func (r *Report) goal() (goal string, reached, all int) {
	for _, t := range r.trials {
		for i := range t.Episodes {
			all++
			if s := t.Episodes[i].World; s != nil {
				if goal = s.Goal; s.Reached {
					reached++
				}
			}
		}
	}
	return goal, reached, all
}

// Values returns the numbers of an episode's score, always in the same order. One that is not a number did not come about.
func (e *Episode) Values() (all []worlds.Value) {
	if e.World != nil {
		all = append(all, e.World.Values...)
	}
	if e.Comparison != nil {
		all = append(all, worlds.Value{Name: "accuracy", Number: e.Comparison.Accuracy()})
	}
	return all
}

// value returns a number of an episode's score; NaN if it has none with this name.
func (e *Episode) value(name string) float64 {
	for _, v := range e.Values() {
		if v.Name == name {
			return v.Number
		}
	}
	return math.NaN()
}

// names returns the names of the numbers of all scores.
func (r *Report) names() (names []string) {
	add := func(e *Episode) {
		for _, v := range e.Values() {
			if !slices.Contains(names, v.Name) {
				names = append(names, v.Name)
			}
		}
	}
	for _, t := range r.trials {
		for i := range t.Episodes {
			add(&t.Episodes[i])
		}
		if t.Untrained != nil {
			add(t.Untrained)
		}
	}
	return names
}

// mean returns the mean of a number over the episodes of a trial that have it; NaN if none has.
func (t *Trial) mean(of func(*Episode) float64) float64 {
	var all []float64
	for i := range t.Episodes {
		all = append(all, of(&t.Episodes[i]))
	}
	return newSpread(all).mean
}

// table writes the mean and the spread of each number: over the trials, of which each counts as the mean of its episodes, or over
// the episodes of a single trial.
func (r *Report) table(w io.Writer) error {
	type row struct {
		name string
		of   func(*Episode) float64
	}
	var rows []row
	for _, name := range r.names() {
		rows = append(rows, row{name, func(e *Episode) float64 { return e.value(name) }})
	}
	if !r.equallyLong() {
		rows = append(rows, row{"seconds", func(e *Episode) float64 { return e.Length.Seconds() }})
	}
	rows = append(rows, row{"spikes", func(e *Episode) float64 { return float64(e.Spikes) }})
	each := "over trials"
	if len(r.trials) == 1 {
		each = "over episodes"
	}
	var table []tableRow
	for _, row := range rows {
		one := tableRow{name: row.name}
		for _, t := range r.trials {
			if len(r.trials) > 1 {
				one.all = append(one.all, t.mean(row.of))
				continue
			}
			for i := range t.Episodes {
				one.all = append(one.all, row.of(&t.Episodes[i]))
			}
		}
		table = append(table, one)
	}
	return writeTable(w, each, table)
}

// A tableRow is a number in all trials or episodes.
type tableRow struct {
	name string
	all  []float64
}

// writeTable writes the mean and the spread of numbers.
func writeTable(w io.Writer, title string, rows []tableRow) error {
	width := len(title)
	for _, row := range rows {
		width = max(width, len(row.name))
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(table, "\n%-*s\tmean\tdeviation\tleast\tmedian\tmost\tcount\t\n", width, title)
	for _, row := range rows {
		s := newSpread(row.all)
		fmt.Fprintf(table, "%-*s\t%s\t%s\t%s\t%s\t%s\t%d\t\n", width, row.name, number(s.mean), number(s.deviation), number(s.least),
			number(s.median), number(s.most), s.count)
	}
	return table.Flush()
}

// equallyLong reports whether all episodes lasted as long.
func (r *Report) equallyLong() bool {
	first := r.trials[0].Episodes[0].Length
	for _, t := range r.trials {
		for i := range t.Episodes {
			if t.Episodes[i].Length != first {
				return false
			}
		}
	}
	return true
}

// number writes a number for people, with four digits.
func number(v float64) string {
	switch {
	case math.IsNaN(v):
		return "-"
	case math.Abs(v) >= 1000 && math.Abs(v) < 1e15:
		return strconv.FormatFloat(v, 'f', 0, 64)
	}
	return strconv.FormatFloat(v, 'g', 4, 64)
}

// A spread describes some numbers.
type spread struct {
	count               int // of them
	mean, deviation     float64
	least, median, most float64
}

// newSpread describes numbers, without those that are NaN. The deviation is that of a sample, with n - 1. What cannot be computed
// from so few numbers is NaN.
func newSpread(of []float64) spread {
	all := slices.DeleteFunc(slices.Clone(of), math.IsNaN)
	n := len(all)
	if n == 0 {
		none := math.NaN()
		return spread{0, none, none, none, none, none}
	}
	slices.Sort(all)
	sum := 0.0
	for _, v := range all {
		sum += v
	}
	s := spread{n, sum / float64(n), math.NaN(), all[0], all[n/2], all[n-1]}
	if n%2 == 0 {
		s.median = (all[n/2-1] + all[n/2]) / 2
	}
	if n > 1 {
		squares := 0.0
		for _, v := range all {
			d := v - s.mean
			squares += float64(d * d) // rounded, so that no processor fuses it with the addition
		}
		s.deviation = math.Sqrt(squares / float64(n-1))
	}
	return s
}

// length returns the simulated time of a trial.
func (t *Trial) length() (all time.Duration) {
	for i := range t.Episodes {
		all += t.Episodes[i].Length
	}
	return all
}
