package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"
)

// widest is how many columns a line of Go may have.
const widest = 130

// plainer has words that this project wore out, and a plainer one for each. Text that is written later imitates what is there.
var plainer = map[string]string{
	"told":         "reported, said, shown",
	"tells":        "reports, says, shows",
	"whoever":      "the user, the client, or the passive",
	"of its own":   "separate, own, itself",
	"of their own": "separate, own", // but "one of its own timers" is plain
	"wish":         "target, request",
	"wishes":       "targets, requests",
	"deed":         "action",
	"deeds":        "actions",
	"shall":        "must, or the present tense",
	"lest":         "so that ... not",
	"anew":         "again",
	"for ever":     "forever",
	"beholder":     "reader",
}

var worn = regexp.MustCompile(`(?i)\b(told|tells|whoever|wish|wishes|deed|deeds|shall|lest|anew|for ever|beholder)\b|\bof (its|their) own([^ ]|$)`)

// Lines of Go fit on a screen, but for the text of raw strings and for tags, which cannot be broken; and what is written for people to
// read, in the source and in the documentation, is in plain words.
func TestPlainWords(t *testing.T) {
	err := filepath.WalkDir(root, func(path string, entry os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := entry.Name()
		if entry.IsDir() && (name == "testdata" || name == "bin" || strings.HasPrefix(name, ".") && path != root) {
			return filepath.SkipDir
		}
		goFile := strings.HasSuffix(name, ".go")
		if !goFile && !strings.HasSuffix(name, ".md") && !strings.HasSuffix(name, ".yaml") && name != "Makefile" || name == "words_test.go" {
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		raw := false // within a raw string
		for i, line := range strings.Split(string(text), "\n") {
			ticks := strings.Count(line, "`")
			if goFile && utf8.RuneCountInString(line) > widest && !raw && ticks == 0 {
				t.Errorf("%s:%d: %d columns: expected at most %d", path, i+1, utf8.RuneCountInString(line), widest)
			}
			if goFile && ticks&1 == 1 && !strings.HasPrefix(strings.TrimSpace(line), "//") {
				raw = !raw
			}
			for _, word := range worn.FindAllString(line, -1) {
				t.Errorf("%s:%d: %q: expected a plainer word: %s", path, i+1, word, plainer[strings.ToLower(strings.TrimRight(word, ".,;:!?)\"`"))])
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
