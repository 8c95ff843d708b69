// Package parameters reads changes of a robot's parameters as people type them: with short paths, and units as in the robot file.
//
//	known := parameters.Known{}
//	for _, p := range description.Parameters {
//		known[p.Path] = p
//	}
//	texts, err := parameters.Changes([]string{"eye_l.refractory=5ms"})
//	paths, err := known.Resolve([]string{"eye_l.refractory"}) // network.neurons.eye_l.refractory
//	unit, err := known.Unit(paths[0], paths)                  // us
//	value, err := amounts.Parse(texts["eye_l.refractory"], unit)
package parameters

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"fluxd/bridge/protocol"
	"fluxd/cmd/internal/picture"
	"fluxd/configs/amounts"
)

// Known are the parameters of a robot, by path. Those of a large population are one entry.
type Known map[string]protocol.Parameter

// Parameter returns the description of a parameter. A neuron of a large population has the population's entry.
func (k Known) Parameter(path string) protocol.Parameter {
	if p, known := k[path]; known {
		return p
	}
	p := k[protocol.PopulationPath(path)]
	p.Count = 0
	return p
}

// ParseChanges reads path=value arguments, or a path and a value, and returns the values by path. It checks only that a value
// begins with a number: the units are known later, from the robot's parameters.
func ParseChanges(args []string) (map[string]string, error) {
	if len(args) == 2 && !strings.Contains(args[0], "=") {
		args = []string{args[0] + "=" + args[1]}
	}
	return Changes(args)
}

// Changes reads path=value arguments, like ParseChanges.
func Changes(args []string) (map[string]string, error) {
	changes := map[string]string{}
	for _, arg := range args {
		path, text, found := strings.Cut(arg, "=")
		if !found || path == "" {
			return nil, fmt.Errorf("%q: expected path=value, such as eye_l.threshold=90", arg)
		}
		text = strings.TrimSpace(text)
		if value, err := strconv.ParseFloat(leadingNumber.FindString(text), 64); err != nil || math.IsInf(value, 0) {
			return nil, fmt.Errorf("%s: expected a number with its unit as in the robot file, such as 5ms, got %q", path, text)
		}
		if _, twice := changes[path]; twice {
			return nil, Twice(path)
		}
		changes[path] = text
	}
	return changes, nil
}

// Twice is the error of a path that is given twice.
func Twice(path string) error { return fmt.Errorf("%s: given twice, expected once", path) }

// leadingNumber matches the number at the beginning of an amount.
var leadingNumber = regexp.MustCompile(`^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?`)

// Users may shorten a path to its last names: motor_l.threshold for network.neurons.motor_l.threshold. The robot accepts only
// whole paths, because the meaning of a short one changes with its configuration.

// mostCandidates bounds how many candidates for a short path an error lists.
const mostCandidates = 8

// Resolve completes short paths. A path without candidates stays unchanged: the robot then reports what is wrong with it.
func (k Known) Resolve(typed []string) ([]string, error) {
	var whole []string
	for _, path := range typed {
		if k[path].Path == "" {
			found := k.candidates(path)
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
func (k Known) candidates(short string) []string {
	endsIn := regexp.MustCompile(`^(?:(.*)\.)?(?:` + pattern(short) + `|` + pattern(protocol.PopulationPath(short)) + `)$`)
	found := map[string]bool{}
	for path := range k {
		if parts := endsIn.FindStringSubmatch(path); parts != nil {
			found[strings.TrimPrefix(parts[1]+"."+short, ".")] = true
		}
	}
	if found[short] {
		return []string{short}
	}
	return slices.SortedFunc(maps.Keys(found), picture.Natural)
}

// pattern returns a path as a regular expression. Its wildcards * match any characters but a dot.
func pattern(path string) string {
	return strings.ReplaceAll(regexp.QuoteMeta(path), `\*`, `[^.]*`)
}

// Unit returns the unit of the parameters among all that a path stands for. It is an error if they have different units: one
// number cannot be set for all of them.
func (k Known) Unit(path string, all []string) (string, error) {
	matches := regexp.MustCompile(`^` + pattern(path) + `$`)
	unit, of := "", ""
	for _, one := range all {
		if one != path && !matches.MatchString(one) {
			continue
		}
		u := k.Parameter(one).Unit
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

// Refused returns the error of a robot that has refused a change, with the allowed range in the parameter's unit. Another error
// stays as it is.
func (k Known) Refused(err error) error {
	var of *protocol.Error
	if !errors.As(err, &of) {
		return err
	}
	return &Refusal{of, k.Parameter(of.Path).Unit}
}

// Refusal is an error of a robot whose amounts are shown in a unit.
type Refusal struct {
	Of   *protocol.Error
	Unit string
}

// Error returns path, reason and allowed range.
func (r *Refusal) Error() string {
	message := strings.TrimPrefix(r.Of.Path+": "+r.Of.Message, ": ")
	if r.Of.Min != nil && r.Of.Max != nil {
		message += fmt.Sprintf(" (allowed: %s to %s)", amounts.Format(*r.Of.Min, r.Unit), amounts.Format(*r.Of.Max, r.Unit))
	}
	return message
}

// Unwrap returns the robot's error.
func (r *Refusal) Unwrap() error { return r.Of }
