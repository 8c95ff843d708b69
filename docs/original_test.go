package docs

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// docs/model.md says where each idea of the original description lives. Every file and test that it names is there, and every row
// of its tables names at least one of each.
func TestWhereTheOriginalDescriptionLives(t *testing.T) {
	const root = "../"
	page, err := os.ReadFile(root + "docs/model.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, found := strings.Cut(string(page), "\n## The original description\n")
	if !found {
		t.Fatal("docs/model.md: expected a section \"The original description\"")
	}
	contents := map[string]string{} // of the files that are named
	var (
		files = regexp.MustCompile("`([\\w/-]+\\.(?:go|txt))`")
		tests = regexp.MustCompile("`((?:Test|Example)\\w+)`")
		rows  = 0
	)
	for line := range strings.Lines(section) {
		if !strings.HasPrefix(line, "|") || strings.HasPrefix(line, "|--") || strings.HasPrefix(line, "| idea ") {
			continue
		}
		rows++
		cells := strings.Split(line, "|")
		if len(cells) != 6 {
			t.Errorf("%s\texpected four cells: idea, decision, code, test", line)
			continue
		}
		if code := cells[3]; !files.MatchString(code) && !strings.Contains(code, "](") {
			t.Errorf("%s\tnames no file in its third cell", line)
		}
		if named := cells[4]; !tests.MatchString(named) || !files.MatchString(named) {
			t.Errorf("%s\tnames no test and its file in its fourth cell", line)
		}
	}
	if rows < 15 {
		t.Errorf("%d rows: expected the whole description", rows)
	}
	for _, match := range files.FindAllStringSubmatch(section, -1) {
		text, err := os.ReadFile(filepath.Join(root, match[1]))
		if err != nil {
			t.Error(err)
		}
		contents[match[1]] = string(text)
	}

	// The page as a whole also names tests without their files, as does the exact model.
	exact, err := os.ReadFile(root + "docs/exact-model.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, match := range tests.FindAllStringSubmatch(string(page)+string(exact), -1) {
		there := false
		for file, text := range contents {
			there = there || strings.HasSuffix(file, "_test.go") && strings.Contains(text, "\nfunc "+match[1]+"(")
		}
		if !there {
			t.Errorf("%s is in none of the test files that docs/model.md names", match[1])
		}
	}
}
