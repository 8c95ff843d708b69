package daemon

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestDocNamesFilesAndFunctionsThatExist checks the table in doc.go that follows a spike from pin to pin.
func TestDocNamesFilesAndFunctionsThatExist(t *testing.T) {
	text, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	row := regexp.MustCompile(`(?m)^//\t(\S+\.go)\s{2,}(.+?)\s{2,}\S`)
	rows := row.FindAllStringSubmatch(string(text), -1)
	if len(rows) < 15 {
		t.Fatalf("%d rows in the table of doc.go: expected the whole way of a spike", len(rows))
	}
	for _, r := range rows {
		file := r[1]
		if strings.Contains(file, "/") {
			file = filepath.Join("..", "..", "..", file)
		}
		source, err := os.ReadFile(file)
		if err != nil {
			t.Error(err)
			continue
		}
		receiver := ""
		for name := range strings.SplitSeq(r[2], ", ") {
			if of, method, is := strings.Cut(name, "."); is {
				receiver, name = of, method
			}
			want := regexp.MustCompile(`(?m)^func \(\w+ \*?` + receiver + `\) ` + name + `\(`)
			if kind, is := strings.CutPrefix(name, "type "); is {
				want = regexp.MustCompile(`(?m)^type ` + kind + ` `)
			}
			if !want.Match(source) {
				t.Errorf("%s has no %s %s", r[1], receiver, name)
			}
		}
	}
}
