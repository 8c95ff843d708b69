package journal

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"fluxd/bridge/protocol"
)

// renewal is how much later than the end of a lease its renewal may come.
const renewal = time.Second

// Of returns the entry for a request that was carried out, and false for one that changes nothing. What arms, disarms and stops
// the robot, sets a zero, or puts things of the world elsewhere, is no entry: the robot reports it, with what it knows beside.
func Of(verb, user string, r protocol.Request, to protocol.Response) (Entry, bool) {
	e := Entry{User: user}
	lease := time.Duration(r.Lease) * time.Millisecond
	switch verb {
	case "set", "reset":
		e.Detail = fmt.Sprintf(", revision %d", to.Rev)
		for _, path := range slices.Sorted(maps.Keys(to.Applied)) {
			e.event(protocol.Tuned, path, "= %s", number(to.Applied[path]))
		}
	case "reward":
		e.event(protocol.Rewarded, r.Reward, "%s (%s)", number(*r.Value), spikes(to.Spikes))
	case "stimulate":
		for _, neuron := range slices.Sorted(maps.Keys(r.Stimulate)) {
			e.event(protocol.Stimulated, neuron, "(%s)", spikes(r.Stimulate[neuron].Count))
		}
	case "save":
		e.event(protocol.Saved, "", "")
	case "load":
		e.event(protocol.Loaded, "", "")
	case "drive":
		e.event(protocol.Driven, r.Actuator, "= %s", number(*r.Value))
		e.Hold = lease + renewal
	case "sense":
		e.event(protocol.Sensed, r.Sensor, "= %s for %v", number(*r.Value), lease)
		e.Hold = lease + renewal
	default:
		return Entry{}, false
	}
	return e, e.Kind != protocol.EventKind{}
}

// event makes an entry of a kind, and adds an item unless its subject is empty.
func (e *Entry) event(kind protocol.EventKind, subject, format string, args ...any) {
	e.Kind = kind
	if subject != "" {
		e.Items = append(e.Items, Item{subject, fmt.Sprintf(format, args...)})
	}
}

func spikes(n int) string {
	if n == 1 {
		return "1 spike"
	}
	return fmt.Sprintf("%d spikes", n)
}

func number(x float64) string { return strconv.FormatFloat(x, 'g', -1, 64) }
