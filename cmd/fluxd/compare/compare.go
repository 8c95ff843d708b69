// Package compare compares a robot's labels with those that were recorded with its input: how often does it decide as its
// teacher did?
//
//	c, err := compare.New(config, body)
//	for at, ok := c.Due(); ok; at, ok = c.Due() {
//		// advance the robot to at
//		c.Observe()
//	}
//	err = c.Report(os.Stdout)
package compare

import (
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
	"time"

	"fluxd/actuators"
	"fluxd/cmd/fluxd/hardware"
	"fluxd/configs"
	"fluxd/sensors"
)

// A Comparison counts how often a robot's label and the recorded one agree.
type Comparison struct {
	Result
	recording *sensors.Recording
	column    string
	label     *actuators.Label // of the robot's body; nil if it is not open
	times     *sensors.Timeline
	list      *sensors.Playlist // which part is compared; nil: the whole
	endings   []sensors.Ending  // of the rows of that part
	passed    int               // rows that were compared, in all rounds
}

// A Result is what a comparison has counted so far.
type Result struct {
	names    []string // labels: the actuator's choices in their order, then others as they are met
	counts   map[[2]string]int
	agreed   int
	compared int
}

// none is the label of an actuator that has no command yet.
const none = "(none)"

// New makes the comparison that a configuration asks for, nil if it asks for none, and lets it and the recordings of the body's
// sensors play config.Recordings.Part. Its errors have the lines of the mistakes.
func New(config *configs.Robot, body *hardware.Body) (*Comparison, error) {
	c, err := whole(config, body)
	if err != nil {
		return nil, err
	}
	if err := split(config, body.Sensors, c); err != nil {
		return nil, config.Mistake("recordings.split", "%v", err)
	}
	return c, nil
}

// whole makes the comparison with a whole recording.
func whole(config *configs.Robot, body *hardware.Body) (*Comparison, error) {
	c := config.Compare
	if c == nil {
		return nil, nil
	}
	rec, err := body.Recording(c.File)
	if err != nil {
		return nil, body.Wrong("compare.file", err)
	}
	if _, err := rec.Word(0, c.Column); err != nil {
		return nil, body.Wrong("compare.column", err)
	}
	times, err := rec.Evenly(c.Every)
	if c.Time != nil {
		times, err = rec.Timed(c.Time.Column, c.Time.Unit)
	}
	if err != nil {
		return nil, body.Wrong("compare.time", err)
	}
	found := slices.IndexFunc(config.Actuators, func(a configs.Named[configs.Actuator]) bool {
		return a.Name == c.Actuator && a.Value.Device == "label"
	})
	if found < 0 {
		return nil, fmt.Errorf("compare: actuator %q: expected the name of an actuator of device label", c.Actuator)
	}
	cmp := &Comparison{recording: rec, column: c.Column, times: times, Result: Result{counts: map[[2]string]int{}}}
	for _, a := range body.Actuators {
		if a.Name == c.Actuator {
			cmp.label = a.Label
		}
	}
	for _, name := range config.Actuators[found].Value.Options.(*actuators.LabelOpts).Names {
		cmp.add(name)
	}
	return cmp, nil
}

func (c *Result) add(name string) {
	if !slices.Contains(c.names, name) {
		c.names = append(c.names, name)
	}
}

// play compares a part of the recording instead of the whole, the one that the sensors play. Call it before the first Due.
func (c *Comparison) play(list *sensors.Playlist) { c.list, c.endings = list, list.Endings(c.times) }

// Length returns how long the comparison lasts; 0 if its part is played again and again.
func (c *Comparison) Length() time.Duration {
	switch {
	case c.list == nil:
		return c.times.End()
	case c.list.Loops():
		return 0
	}
	return c.list.End()
}

// next returns the next row that is compared, and when it ends; false when there is none.
func (c *Comparison) next() (sensors.Ending, bool) {
	if c.list == nil {
		return sensors.Ending{Row: c.passed, At: c.times.Start(min(c.passed, c.recording.Rows()-1) + 1)}, c.passed < c.recording.Rows()
	}
	if len(c.endings) == 0 || c.passed >= len(c.endings) && !c.list.Loops() {
		return sensors.Ending{}, false
	}
	next := c.endings[c.passed%len(c.endings)]
	next.At += time.Duration(c.passed/len(c.endings)) * c.list.End()
	return next, true
}

// Due returns the last microsecond of the next recorded row, so that the robot has as much time to decide as the teacher had.
func (c *Comparison) Due() (time.Duration, bool) {
	next, ok := c.next()
	if !ok {
		return 0, false
	}
	return next.At - time.Microsecond, true
}

// Observe compares the label that the robot gives now with the recorded row that is due. It reports whether they are the same.
func (c *Comparison) Observe() bool { return c.Record(c.label.Name()) }

// Record compares a label, "" for none, with the recorded row that is due. It reports whether they are the same.
func (c *Comparison) Record(given string) bool {
	next, _ := c.next()
	recorded, err := c.recording.Word(next.Row, c.column)
	if err != nil { // impossible: New has checked the column, Due the row
		panic(err)
	}
	c.passed++
	if given == "" {
		given = none
	}
	c.add(recorded)
	c.add(given)
	c.counts[[2]string{recorded, given}]++
	c.compared++
	if recorded == given {
		c.agreed++
	}
	return recorded == given
}

// Accuracy returns the share of the recorded commands that the robot gave, too; NaN if none was compared.
func (c *Result) Accuracy() float64 { return float64(c.agreed) / float64(c.compared) }

// Report writes the accuracy, and a confusion table, with a row for each recorded label and a column for each of the robot's.
func (c *Result) Report(w io.Writer) error {
	if c.compared == 0 {
		_, err := fmt.Fprintln(w, "accuracy: nothing was compared; run longer")
		return err
	}
	percent := 100 * float64(c.agreed) / float64(c.compared)
	fmt.Fprintf(w, "accuracy %.1f %% (%d of %d recorded commands)\n\n", percent, c.agreed, c.compared)
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(table, "recorded \\ given\t")
	for _, name := range c.names {
		fmt.Fprintf(table, "%s\t", name)
	}
	fmt.Fprintln(table, "recall\t")
	for _, recorded := range c.names {
		total := 0
		for _, given := range c.names {
			total += c.counts[[2]string{recorded, given}]
		}
		if total == 0 {
			continue
		}
		fmt.Fprintf(table, "%s\t", recorded)
		for _, given := range c.names {
			fmt.Fprintf(table, "%d\t", c.counts[[2]string{recorded, given}])
		}
		fmt.Fprintf(table, "%.1f %%\t\n", 100*float64(c.counts[[2]string{recorded, recorded}])/float64(total))
	}
	return table.Flush()
}
