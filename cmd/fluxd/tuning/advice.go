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

// What a refusal advises. All of it can be followed: the paths and names that it says are there.

// mostSuggested bounds the paths that a refusal says may have been meant.
const mostSuggested = 3

// suggest names the parameters that may have been meant by an unknown path: those that end as it does or nearly so, name by name.
func (t *Tuner) suggest(path string) string {
	typed := strings.Split(protocol.Together(path), ".")
	type candidate struct {
		path    string
		letters int
	}
	var found []candidate
	for _, one := range t.shown {
		parts := strings.Split(protocol.Together(one.path), ".")
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
		return "; get without a path lists them all"
	}
	return ", did you mean " + strings.Join(names, " or ") + "?"
}

// numbered is the number of a member, or the star for all.
var numbered = regexp.MustCompile(`\[(\d+|\*)\]`)

// population says how a path is written that names a population as if it were one neuron; "" of any other path.
func (t *Tuner) population(path string) string {
	for _, one := range t.shown {
		p := t.all[one.members[0]]
		if p.of.Kind != Neuron && p.of.Kind != Synapse {
			continue
		}
		if name := numbered.ReplaceAllString(p.path, ""); name != p.path && (name == path || strings.HasSuffix(name, "."+path)) {
			return fmt.Sprintf("it is of a population: %s is for all of it, %s for one", protocol.Together(p.path), p.path)
		}
	}
	return ""
}
