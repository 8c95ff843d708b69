package bench

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
)

// WriteTable writes the report as tables for people: first the cost of an event, then the rest.
func (r *Report) WriteTable(w io.Writer) error {
	m := r.Machine
	const head = "fluxd %s on %s, %d cores, %s/%s, %s; one core is used, for workers/d two\n"
	fmt.Fprintf(w, head, r.Version, m.Processor, m.Cores, m.System, m.Arch, m.Go)
	if len(r.Runs) > 0 {
		table := section(w, "\nWITH INPUTS\tNEURONS\tSYNAPSES\tNS/EVENT\tP10..P90\tTARGET\t"+
			"EVENTS/S\tUS/MS\tTIMES REAL TIME\tHZ\tSPIKES\tALLOCS/MS")
		for i := range r.Runs {
			run := &r.Runs[i]
			spikes := thousands(float64(run.Spikes))
			if run.Checked {
				spikes += " ok"
			}
			fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s..%s\t%s\t%s\t%s\t%s\t%.1f\t%s\t%.3g\n",
				run.Name, thousands(float64(run.Neurons)), thousands(float64(run.Synapses)), digits(run.NsPerEvent),
				digits(run.NsPerEventLow), digits(run.NsPerEventHigh), atMost(run.Target), millions(run.EventsPerSecond),
				digits(run.UsPerStep), digits(run.RealTime), run.RateHz, spikes, run.AllocationsPerStep)
		}
		if err := table.Flush(); err != nil {
			return err
		}
	}
	if err := r.writeRest(w); err != nil {
		return err
	}
	if len(r.Growth) > 0 {
		table := section(w, "\nGROWTH\t\tNEURONS\tSYNAPSES\tHZ\tNS/EVENT\tUS/MS\tBYTES/SYNAPSE")
		for i := range r.Growth {
			g := &r.Growth[i]
			fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%.1f\t%s\t%s\t%s\n", g.Axis, digits(g.Value), thousands(float64(g.Neurons)),
				thousands(float64(g.Synapses)),
				g.RateHz, digits(g.NsPerEvent), digits(g.UsPerStep), digits(g.BytesPerSynapse))
		}
		if err := table.Flush(); err != nil {
			return err
		}
	}
	for _, remark := range r.Remarks {
		fmt.Fprintln(w, "\n"+remark)
	}
	return nil
}

// writeRest writes the figures that are single values.
func (r *Report) writeRest(w io.Writer) error {
	type row struct {
		name, unit    string
		value, target float64
		bounded       bool // there is a target, which may be 0
	}
	var rows []row
	for _, i := range r.Idle {
		name := "idle " + i.Network + ", never fired"
		if i.Ran {
			name = "idle " + i.Network + ", after spikes"
		}
		rows = append(rows, row{name, "us per simulated ms", i.UsPerStep, i.Target, true})
	}
	if s := r.Silent; s != nil {
		name := "silent, " + thousands(float64(s.Neurons)) + " neurons"
		rows = append(rows, row{name, "us per simulated ms", s.UsPerStep, 0, false}, row{name, "wake-ups", float64(s.Wakeups), 0, true},
			row{name, "MB", float64(s.Bytes) / 1e6, 0, false})
	}
	if m := r.Memory; m != nil {
		rows = append(rows, row{"memory, static synapse", "bytes", m.BytesPerStatic, m.TargetBytesPerStatic, true},
			row{"memory, plastic synapse", "bytes", m.BytesPerPlastic, m.TargetBytesPerPlastic, true},
			row{"memory, plastic, long-term part only", "bytes", m.BytesPerLongTerm, m.TargetBytesPerLongTerm, true},
			row{"memory, neuron", "bytes", m.BytesPerNeuron, m.TargetBytesPerNeuron, true})
	}
	if x := r.Reflex; x != nil {
		for _, l := range []struct {
			name         string
			daemon, bare float64
		}{{"p50", x.Daemon.P50, x.Bare.P50}, {"p99", x.Daemon.P99, x.Bare.P99}, {"p99.9", x.Daemon.P999, x.Bare.P999}} {
			rows = append(rows, row{"reflex, edge to write, " + l.name, "us", l.daemon, 0, false},
				row{"reflex, a bare channel, " + l.name, "us", l.bare, 0, false})
		}
		rows = append(rows, row{"reflex against the bare channel, p50", "times", x.RatioP50, x.TargetRatio, true},
			row{"reflex against the bare channel, p99", "times", x.RatioP99, x.TargetRatio, true})
	}
	if x := r.Robot; x != nil {
		rows = append(rows, row{"start of the demo robot", "ms", x.Start * 1e3, x.TargetStart * 1e3, true},
			row{"start with the embedded broker", "ms", x.StartWithBroker * 1e3, x.TargetStart * 1e3, true})
		if x.WakeUps != nil {
			rows = append(rows, row{"robot at rest", "wake-ups a second", *x.WakeUps, 0, false})
		}
	}
	for i := range r.Runs {
		run := &r.Runs[i]
		network, many := strings.CutPrefix(run.Name, "delays/")
		if ten := r.run("static/" + network); many && ten != nil && ten.NsPerEvent > 0 {
			name := network + ", 10,000 delays against " + strconv.Itoa(ten.Delays)
			rows = append(rows, row{name, "times the ns/event", run.NsPerEvent / ten.NsPerEvent, 0, false})
		}
		if run.Synapses >= 10_000_000 {
			rows = append(rows, row{"building " + thousands(float64(run.Synapses)) + " synapses", "s", run.BuildSeconds, 10, true})
		}
	}
	if len(rows) == 0 {
		return nil
	}
	table := section(w, "\nOTHER FIGURES\tVALUE\tTARGET\tUNIT")
	for _, v := range rows {
		target := ""
		if v.bounded {
			target = "<= " + digits(v.target)
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", v.name, digits(v.value), target, v.unit)
	}
	return table.Flush()
}

// run returns the run of a name, or nil.
func (r *Report) run(name string) *Run {
	if i := slices.IndexFunc(r.Runs, func(run Run) bool { return run.Name == name }); i >= 0 {
		return &r.Runs[i]
	}
	return nil
}

func section(w io.Writer, head string) *tabwriter.Writer {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, head)
	return table
}

func atMost(target float64) string {
	if target == 0 {
		return ""
	}
	return "<= " + digits(target)
}

// digits writes a value with three significant digits, or as a whole number from 1,000 on.
func digits(x float64) string {
	if x >= 1000 || x <= -1000 {
		return thousands(x)
	}
	return strconv.FormatFloat(x, 'g', 3, 64)
}

func millions(x float64) string { return digits(x/1e6) + " M" }

// thousands writes a whole number with commas between thousands.
func thousands(x float64) string {
	text := strconv.FormatFloat(x, 'f', 0, 64)
	for i := len(text) - 3; i > 0 && text[i-1] != '-'; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}
