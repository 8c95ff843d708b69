package fleet

import (
	"path"
	"slices"
	"time"

	"fluxd/bridge/protocol"
	"fluxd/cmd/fluxctl/link"
	"fluxd/cmd/fluxctl/outcome"
	"fluxd/cmd/internal/printable"
)

// State says whether a robot can be reached.
type State string

// The states of a robot.
const (
	Online      State = "online"      // its health comes
	Offline     State = "offline"     // the broker has lost its connection
	Silent      State = "silent"      // it has not left, but no health comes
	Unreachable State = "unreachable" // its broker does not answer
	Searching   State = "searching"   // its broker has not answered yet
)

// silence is how long a robot that runs may publish no health. It publishes it once a second.
const silence = 3 * time.Second

// A Robot is what is known of a robot.
type Robot struct {
	Name    string          // printable; see Topics
	Topics  protocol.Topics // "" if its name is none that a robot can have: it gets no requests
	Broker  *link.Broker    // nil: its broker does not answer
	Place   string          // of the broker: its URL without the password
	Failure error           // why its broker does not answer
	Status  *protocol.Status
	Health  *protocol.Health

	statusAt time.Time // when Status was received
	heardAt  time.Time // when Health was received; zero if the broker had retained it
}

// State returns the state at a time.
func (r *Robot) State(now time.Time) State {
	switch {
	case r.Failure != nil:
		return Unreachable
	case r.Broker == nil:
		return Searching
	case r.Status != nil && r.Status.State == protocol.Offline && !r.heardAt.After(r.statusAt):
		return Offline
	case !r.heardAt.IsZero() && now.Sub(r.heardAt) < silence:
		return Online
	}
	return Silent
}

// HealthAge returns the time since the last health was published, or false if there was none. Of a retained one it is the
// difference between two clocks, which may be set differently.
func (r *Robot) HealthAge(now time.Time) (time.Duration, bool) {
	switch {
	case !r.heardAt.IsZero():
		return now.Sub(r.heardAt), true
	case r.Health != nil && r.Health.Time > 0:
		return max(0, now.Sub(time.UnixMilli(r.Health.Time))), true
	}
	return 0, false
}

// Ready returns an error if the robot cannot be asked for anything at a time.
func (r *Robot) Ready(now time.Time) error {
	switch state := r.State(now); {
	case r.Failure != nil:
		return r.Failure
	case r.Topics == "":
		return outcome.Absentf("%s", r.problem(now))
	case state == Offline:
		return outcome.Absentf("offline")
	case r.Broker == nil:
		return outcome.Absentf("its broker has not answered")
	}
	return nil // one that is silent may answer all the same
}

// Version returns the version of the robot's daemon; "" if it is unknown.
func (r *Robot) Version() string {
	if r.Health != nil && r.Health.Version != "" {
		return r.Health.Version
	}
	if r.Status != nil {
		return r.Status.Version
	}
	return ""
}

// Protocol returns the version of the protocol that the robot speaks; 0 if it does not state one.
func (r *Robot) Protocol() int {
	version := 0
	if r.Status != nil {
		version = r.Status.Protocol
	}
	if r.Health != nil {
		version = max(version, r.Health.Protocol)
	}
	return version
}

// safety returns the safety, and the word for it.
func (r *Robot) safety() (protocol.Safety, string) {
	if r.Health == nil {
		return protocol.Safety{}, ""
	}
	s := r.Health.Safety
	word := shorten(s.State, 12)
	if s.ByHand {
		word += " by hand"
	}
	return s, word
}

// shorten cuts a text from the network. Long names would push the rest of a line out of sight.
func shorten(text string, most int) string {
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most-3]) + "..."
	}
	return text
}

// Match returns a function that reports whether a name fits a pattern, such as rover* or rover[1-3]. The empty pattern fits all.
// It returns an error for a pattern that is not valid.
func Match(pattern string) (func(name string) bool, error) {
	if _, err := path.Match(pattern, ""); err != nil {
		return nil, err
	}
	return func(name string) bool {
		fits, _ := path.Match(pattern, name) // the pattern is valid
		return pattern == "" || fits
	}, nil
}

// topicsOf returns the topics of a robot; "" if no robot can have the name.
func topicsOf(name string) protocol.Topics {
	if protocol.CheckName(name) != nil || printable.Line(name) != name {
		return ""
	}
	return protocol.Topics(name)
}

// byName sorts robots by their names, in natural order.
func byName(robots []*Robot, natural func(a, b string) int) {
	slices.SortStableFunc(robots, func(a, b *Robot) int { return natural(a.Name, b.Name) })
}
