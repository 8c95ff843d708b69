package fleet

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"fluxd/bridge/protocol"
)

// Shown is a robot as list --json prints it.
type Shown struct {
	Robot    string   `json:"robot"`
	State    State    `json:"state"`
	Version  string   `json:"version"`            // of the daemon; empty: unknown
	Protocol int      `json:"protocol,omitempty"` // that the robot speaks; absent: it does not state one
	Safety   string   `json:"safety"`             // "armed", "disarmed" or "stopped"; empty: unknown
	ByHand   bool     `json:"by_hand,omitempty"`
	Address  string   `json:"address"`                // of its machine; of one with a broker of its own that of the broker
	Broker   string   `json:"broker"`                 // the URL of the broker
	Age      *float64 `json:"health_age_s,omitempty"` // seconds since the last health
	Problem  string   `json:"problem,omitempty"`
}

// Show returns a robot for list --json.
func (r *Robot) Show(now time.Time) Shown {
	s := Shown{Robot: r.Name, State: r.State(now), Version: r.Version(), Protocol: r.Protocol(), Broker: r.Place,
		Address: r.address(), Problem: r.problem(now)}
	if r.Health != nil {
		s.Safety, s.ByHand = r.Health.Safety.State, r.Health.Safety.ByHand
	}
	if age, known := r.HealthAge(now); known {
		seconds := age.Round(time.Millisecond).Seconds()
		s.Age = &seconds
	}
	return s
}

// address returns where the robot's machine is, or where its broker is.
func (r *Robot) address() string {
	if r.Health != nil && r.Health.Address != "" {
		return r.Health.Address
	}
	_, host, _ := strings.Cut(r.Place, "://")
	return host
}

// problem returns why the robot gets no requests, or what else is wrong with it; "" for nothing.
func (r *Robot) problem(now time.Time) string {
	switch {
	case r.Failure != nil:
		first, _, _ := strings.Cut(r.Failure.Error(), "\n")
		return first
	case r.Topics == "":
		return "no robot can have this name: another client may have made it up"
	}
	if err := protocol.CheckVersion(protocol.Version, r.Protocol()); err != nil {
		return err.(*protocol.Error).Message
	}
	return ""
}

// List prints a table of robots.
func List(robots []*Robot, now time.Time, out io.Writer) error {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "ROBOT\tSTATE\tSAFETY\tVERSION\tADDRESS\tHEALTH")
	var notes []string
	for _, r := range robots {
		_, safety := r.safety()
		age := "none"
		if d, known := r.HealthAge(now); known {
			age = ago(d)
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\n", shorten(r.Name, 40), r.State(now), dash(safety), dash(shorten(r.Version(), 32)),
			shorten(r.address(), 48), age)
		if problem := r.problem(now); problem != "" {
			notes = append(notes, r.Name+": "+problem)
		}
	}
	if err := table.Flush(); err != nil {
		return err
	}
	for _, note := range notes {
		if _, err := fmt.Fprintln(out, note); err != nil {
			return err
		}
	}
	return nil
}

func dash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}

// ago writes an age with two digits at least.
func ago(d time.Duration) string {
	switch {
	case d < 10*time.Second:
		return fmt.Sprintf("%.1f s ago", d.Seconds())
	case d < 2*time.Minute:
		return fmt.Sprintf("%.0f s ago", d.Seconds())
	case d < 2*time.Hour:
		return fmt.Sprintf("%.0f min ago", d.Minutes())
	case d < 48*time.Hour:
		return fmt.Sprintf("%.0f h ago", d.Hours())
	}
	return fmt.Sprintf("%.0f days ago", d.Hours()/24)
}
