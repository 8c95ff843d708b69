// Package spelling finds the name that somebody may have meant by one that nothing has.
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
	// MostKnown bounds the names that are compared: comparing more takes longer than anybody waits.
	MostKnown = 10_000
	// longest bounds the names that are compared, in bytes.
	longest = 128
	// mostShown bounds the names that are equally near.
	mostShown = 3
)

// Nearest returns the known names that are most like the given one, at most three; none when nothing is like it.
func Nearest(name string, known []string) (best []string) {
	if len(known) > MostKnown {
		return nil
	}
	distance := longest
	for _, k := range known {
		d, like := Distance(name, k)
		if !like || d > distance {
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

// Distance counts the letters in which a name differs from a known one, and says whether it may be meant for that.
func Distance(name, known string) (letters int, like bool) {
	if len(name) > longest || len(known) > longest {
		return longest, false
	}
	letters = levenshtein.ComputeDistance(strings.ToLower(name), strings.ToLower(known))
	return letters, letters <= min(1+len(name)/3, len(name)-1)
}

// Hint returns " (did you mean x?)" for the known name most like the given one, or "" when none is like it.
func Hint(name string, known []string) string {
	near := Nearest(name, known)
	if len(near) == 0 {
		return ""
	}
	return fmt.Sprintf(" (did you mean %s?)", near[0])
}

// Meant returns ", did you mean x?" for the nearest names, or "" when there is none.
func Meant(name string, known []string) string {
	near := Nearest(name, known)
	if len(near) == 0 {
		return ""
	}
	return ", did you mean " + strings.Join(near, " or ") + "?"
}

// Advice names what may have been meant by an unknown name: the nearest known names, or else some of them.
func Advice(name string, known []string) string {
	if near := Meant(name, known); near != "" {
		return near
	}
	if len(known) == 0 {
		return ": the configuration has none"
	}
	return ": there are " + Some(known)
}

// Some shows some of a list.
func Some(all []string) string {
	const most = 4
	if len(all) <= most {
		return strings.Join(all, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(all[:most], ", "), len(all)-most)
}
