package docs

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// docs/original.md says where each idea of the original description lives. Every file and test that it names is there, and every
// row of its tables names at least one of each.
func TestWhereTheOriginalDescriptionLives(t *testing.T) {
	const root = "../"
	page, err := os.ReadFile(root + "docs/original.md")
	if err != nil {
		t.Fatal(err)
	}
	contents := map[string]string{} // of the files that are named
	var (
		files = regexp.MustCompile("`([\\w/-]+\\.(?:go|txt))`")
		tests = regexp.MustCompile("`((?:Test|Example)\\w+)`")
		rows  = 0
	)
	for line := range strings.Lines(string(page)) {
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
	for _, match := range files.FindAllStringSubmatch(string(page), -1) {
		text, err := os.ReadFile(filepath.Join(root, match[1]))
		if err != nil {
			t.Error(err)
		}
		contents[match[1]] = string(text)
	}

	// Two other pages name tests without their files.
	all := string(page)
	for _, name := range []string{"model.md", "exact-model.md"} {
		other, err := os.ReadFile(root + "docs/" + name)
		if err != nil {
			t.Fatal(err)
		}
		all += string(other)
	}
	for _, match := range tests.FindAllStringSubmatch(all, -1) {
		there := false
		for file, text := range contents {
			there = there || strings.HasSuffix(file, "_test.go") && strings.Contains(text, "\nfunc "+match[1]+"(")
		}
		if !there {
			t.Errorf("%s is in none of the test files that docs/original.md names", match[1])
		}
	}
}
