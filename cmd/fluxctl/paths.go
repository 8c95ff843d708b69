package main

import (
	"fmt"
	"regexp"
	"strings"

	"fluxd/bridge/protocol"
)

// Users may shorten a path to its last names: motor_l.threshold for network.neurons.motor_l.threshold. The robot accepts only
// whole paths, because the meaning of a short one changes with its configuration.

// mostCandidates bounds how many candidates for a short path an error lists.
const mostCandidates = 8

// resolve completes short paths. A path without candidates stays unchanged: the robot then reports what is wrong with it.
func (r *remote) resolve(typed []string) ([]string, error) {
	var whole []string
	for _, path := range typed {
		if r.known[path].Path == "" {
			found := r.candidates(path)
			switch {
			case len(found) > mostCandidates:
				return nil, fmt.Errorf("%s: ambiguous, it may be one of %d: %s and %d more: type more of the path",
					path, len(found), strings.Join(found[:mostCandidates], ", "), len(found)-mostCandidates)
			case len(found) > 1:
				return nil, fmt.Errorf("%s: ambiguous, it may be %s: type more of the path", path, strings.Join(found, " or "))
			case len(found) == 1:
				path = found[0]
			}
		}
		whole = append(whole, path)
	}
	return whole, nil
}

// candidates returns the whole paths that a short one may mean, with its wildcards. A path that is already whole is its only
// candidate, even if another path ends with it.
func (r *remote) candidates(short string) []string {
	endsIn := regexp.MustCompile(`^(?:(.*)\.)?(?:` + pattern(short) + `|` + pattern(protocol.PopulationPath(short)) + `)$`)
	found := map[string]bool{}
	for path := range r.known {
		if parts := endsIn.FindStringSubmatch(path); parts != nil {
			found[strings.TrimPrefix(parts[1]+"."+short, ".")] = true
		}
	}
	if found[short] {
		return []string{short}
	}
	return inOrder(found)
}

// pattern returns a path as a regular expression. Its wildcards * match any characters but a dot.
func pattern(path string) string {
	return strings.ReplaceAll(regexp.QuoteMeta(path), `\*`, `[^.]*`)
}

// unitOf returns the unit of the parameters that a path stands for. It is an error if they have different units: one number
// cannot be set for all of them.
func (r *remote) unitOf(path string, values map[string]protocol.Reading) (string, error) {
	matches := regexp.MustCompile(`^` + pattern(path) + `$`)
	unit, of := "", ""
	for _, one := range inOrder(values) {
		if one != path && !matches.MatchString(one) {
			continue
		}
		u := r.parameter(one).Unit
		if of != "" && u != unit {
			return "", fmt.Errorf("the path stands for %s in %s and for %s in %s: set them separately", of, named(unit), one, named(u))
		}
		unit, of = u, one
	}
	return unit, nil
}

func named(unit string) string {
	if unit == "" {
		return "pure numbers"
	}
	return unit
}
