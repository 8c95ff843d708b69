package main

import (
	"fmt"
	"regexp"
	"strings"

	"fluxd/bridge/protocol"
)

// Paths may be shortened: motor_l.threshold is network.neurons.motor_l.threshold. The robot itself takes whole paths alone, since
// what a short one means may change with its configuration.

// mostCandidates bounds how many paths are listed that a short one may mean.
const mostCandidates = 8

// resolve makes whole paths of short ones. What fits nothing stays as it is: the robot says what is wrong with it.
func (r *remote) resolve(typed []string) ([]string, error) {
	var whole []string
	for _, path := range typed {
		if r.known[path].Path == "" {
			found := r.candidates(path)
			switch {
			case len(found) > mostCandidates:
				return nil, fmt.Errorf("%s: it may be one of %d: %s and %d more: type more of it",
					path, len(found), strings.Join(found[:mostCandidates], ", "), len(found)-mostCandidates)
			case len(found) > 1:
				return nil, fmt.Errorf("%s: it may be %s: type more of it", path, strings.Join(found, " or "))
			case len(found) == 1:
				path = found[0]
			}
		}
		whole = append(whole, path)
	}
	return whole, nil
}

// candidates are the whole paths that a short one may mean, with its wildcards. A path that is whole already is its only
// candidate, also where another ends with it.
func (r *remote) candidates(short string) []string {
	fits := regexp.MustCompile(`^(?:(.*)\.)?(?:` + pattern(short) + `|` + pattern(protocol.Together(short)) + `)$`)
	found := map[string]bool{}
	for path := range r.known {
		if parts := fits.FindStringSubmatch(path); parts != nil {
			found[strings.TrimPrefix(parts[1]+"."+short, ".")] = true
		}
	}
	if found[short] {
		return []string{short}
	}
	return inOrder(found)
}

// pattern is a path with wildcards, which stand for any characters but a dot, as a regular expression.
func pattern(path string) string {
	return strings.ReplaceAll(regexp.QuoteMeta(path), `\*`, `[^.]*`)
}

// unitOf returns the unit of what a path stands for, which has values. A number is not set for parameters in different units.
func (r *remote) unitOf(path string, values map[string]protocol.Reading) (string, error) {
	fits := regexp.MustCompile(`^` + pattern(path) + `$`)
	unit, of := "", ""
	for _, one := range inOrder(values) {
		if one != path && !fits.MatchString(one) {
			continue
		}
		u := r.parameter(one).Unit
		if of != "" && u != unit {
			return "", fmt.Errorf("it stands for %s in %s and for %s in %s: set them apart", of, named(unit), one, named(u))
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
