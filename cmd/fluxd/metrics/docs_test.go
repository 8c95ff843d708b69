package metrics

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the table of metrics into docs/watch-over.md")

// The table in the documentation is that of the code.
func TestDocumentedMetrics(t *testing.T) {
	const page, begin, end = "../../../docs/watch-over.md", "<!-- metrics: go test ./cmd/fluxd/metrics -update -->\n",
		"<!-- end of metrics -->\n"
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, found := strings.Cut(string(text), begin)
	_, after, closed := strings.Cut(rest, end)
	if !found || !closed {
		t.Fatalf("%s: expected a place for the table, between %q and %q", page, begin, end)
	}
	var table strings.Builder
	table.WriteString("\n| metric | kind | labels | what it is |\n|---|---|---|---|\n")
	names := map[string]bool{}
	for _, f := range families {
		if names[f.name] || strings.ContainsAny(f.help, "|\n") || (f.kind == counter) != strings.HasSuffix(f.name, "_total") ||
			!strings.HasSuffix(f.help, ".") {
			t.Errorf("%s: expected a unique name, that of a counter with _total, and a help that fits a table", f.name)
		}
		names[f.name] = true
		labels := ""
		if len(f.labels) > 0 {
			labels = "`" + strings.Join(f.labels, "`, `") + "`"
		}
		fmt.Fprintf(&table, "| `%s` | %s | %s | %s |\n", f.name, f.kind, labels, f.help)
	}
	table.WriteString("\n")
	want := before + begin + table.String() + end + after
	if *update {
		if err := os.WriteFile(page, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if string(text) != want {
		t.Errorf("%s: its table of metrics is out of date: go test ./cmd/fluxd/metrics -update", page)
	}
}
