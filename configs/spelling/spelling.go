// Package spelling suggests known names for a misspelt one.
//
//	spelling.Meant("moter_l", []string{"motor_l", "motor_r", "eye"}) // ", did you mean motor_l?"
package spelling

import (
	"fmt"
	"slices"
	"strings"

	"github.com/agnivade/levenshtein"
)

const (
	// MostKnown bounds the known names that a name is compared with: more would take too long.
	MostKnown = 10_000
	// longest is the length of the longest name that is compared, in bytes.
	longest = 128
	// mostShown is the largest number of suggestions.
	mostShown = 3
)

// Nearest returns the known names that are most similar to a name, at most three; none if no name is similar.
func Nearest(name string, known []string) (best []string) {
	if len(known) > MostKnown {
		return nil
	}
	distance := longest
	for _, k := range known {
		d, similar := Distance(name, k)
		if !similar || d > distance {
			continue
		}
		if d < distance {
			best, distance = best[:0], d
		}
		if len(best) < mostShown && !slices.Contains(best, k) {
			best = append(best, k)
		}
	}
	return best
}

// Distance returns the number of letters in which a name differs from a known one, and whether they are similar enough for a
// misspelling.
func Distance(name, known string) (letters int, similar bool) {
	if len(name) > longest || len(known) > longest {
		return longest, false
	}
	letters = levenshtein.ComputeDistance(strings.ToLower(name), strings.ToLower(known))
	return letters, letters <= min(1+len(name)/3, len(name)-1)
}

// Hint returns " (did you mean x?)" for the most similar known name, or "" if none is similar.
func Hint(name string, known []string) string {
	near := Nearest(name, known)
	if len(near) == 0 {
		return ""
	}
	return fmt.Sprintf(" (did you mean %s?)", near[0])
}

// Meant returns ", did you mean x or y?" for the most similar known names, or "" if none is similar.
func Meant(name string, known []string) string {
	near := Nearest(name, known)
	if len(near) == 0 {
		return ""
	}
	return ", did you mean " + strings.Join(near, " or ") + "?"
}

// Advice returns the end of a message about an unknown name: Meant, or else some of the known names.
func Advice(name string, known []string) string {
	if near := Meant(name, known); near != "" {
		return near
	}
	if len(known) == 0 {
		return ": the configuration has none"
	}
	return ": there are " + Some(known)
}

// Some returns the first names of a list, and the number of the others.
func Some(all []string) string {
	const most = 4
	if len(all) <= most {
		return strings.Join(all, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(all[:most], ", "), len(all)-most)
}
