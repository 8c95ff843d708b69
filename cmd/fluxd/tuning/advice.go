package tuning

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"fluxd/bridge/protocol"
	"fluxd/configs/spelling"
)

// mostSuggested bounds the paths that a refusal suggests.
const mostSuggested = 3

// suggest returns the parameters that an unknown path may mean: those of the device, neuron or reward with this name, or else
// those whose last names are the same or nearly so.
func (t *Tuner) suggest(path string) string {
	if parts := t.partsNamed(path); parts != nil {
		return "; try " + strings.Join(parts[:min(len(parts), mostSuggested)], " or ")
	}
	typed := strings.Split(protocol.PopulationPath(path), ".")
	type candidate struct {
		path    string
		letters int
	}
	var found []candidate
	for _, one := range t.entries {
		parts := strings.Split(protocol.PopulationPath(one.path), ".")
		if len(parts) < len(typed) {
			continue
		}
		parts = parts[len(parts)-len(typed):]
		c := candidate{path: one.path}
		for i := range parts {
			letters, like := spelling.Distance(typed[i], parts[i])
			if !like && letters > 0 {
				c.path = ""
				break
			}
			c.letters += letters
		}
		if c.path != "" {
			found = append(found, c)
		}
	}
	slices.SortStableFunc(found, func(a, b candidate) int { return cmp.Compare(a.letters, b.letters) })
	var names []string
	for _, c := range found {
		if c.letters == found[0].letters && len(names) < mostSuggested {
			names = append(names, c.path)
		}
	}
	if names == nil {
		return "; fluxctl get lists all parameters of a running robot"
	}
	return ", did you mean " + strings.Join(names, " or ") + "?"
}

// partsNamed returns a pattern in quotes for the parameters of each part with a name: 'sensors.left_range.*'.
func (t *Tuner) partsNamed(name string) (patterns []string) {
	for _, one := range t.entries {
		p := t.all[one.members[0]]
		of := protocol.PopulationPath(p.path[:max(0, strings.LastIndex(p.path, "."))])
		pattern := "'" + of + ".*'"
		named := p.of.Kind != Synapse && strings.HasSuffix(strings.TrimSuffix(of, "[*]"), "."+name)
		if named && !slices.Contains(patterns, pattern) {
			patterns = append(patterns, pattern)
		}
	}
	return patterns
}

// numbered matches the number of a member, or the star for all members.
var numbered = regexp.MustCompile(`\[(\d+|\*)\]`)

// population returns the advice for a path that names a population as if it were one neuron; "" for any other path.
func (t *Tuner) population(path string) string {
	for _, one := range t.entries {
		p := t.all[one.members[0]]
		if p.of.Kind != Neuron && p.of.Kind != Synapse {
			continue
		}
		if name := numbered.ReplaceAllString(p.path, ""); name != p.path && (name == path || strings.HasSuffix(name, "."+path)) {
			return fmt.Sprintf("it is of a population: %s is for all of it, %s for one", protocol.PopulationPath(p.path), p.path)
		}
	}
	return ""
}
