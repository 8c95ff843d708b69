package protocol

import (
	"flag"
	"fmt"
	"go/ast"
	source "go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"fluxd/boards/sim/worlds"
)

var update = flag.Bool("update", false, "write the kinds of events into docs/mqtt.md and into the dashboard's page")

// The table in docs/mqtt.md is generated from the kinds of events.
func TestDocumentedEvents(t *testing.T) {
	const page, begin, end = "../../docs/mqtt.md", "<!-- events: go test ./bridge/protocol -update -->\n", "<!-- end of events -->\n"
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
	table.WriteString("\n| code | level | what has happened | what to do |\n|---|---|---|---|\n")
	for _, k := range EventKinds() {
		fmt.Fprintf(&table, "| `%s` | %s | %s | %s |\n", k.Code(), k.Level(), k.Meaning(), k.Remedy())
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
		t.Errorf("%s: its table of events is out of date: go test ./bridge/protocol -update", page)
	}
}

// The dashboard's page has the meaning of each event, and what to do about it.
func TestEventsOfThePage(t *testing.T) {
	const module = "../../ui/src/eventkinds.js"
	var want strings.Builder
	want.WriteString("// What each event means, and what to do about it. Made by go test ./bridge/protocol -update.\n")
	want.WriteString("export const eventKinds = {\n")
	for _, k := range EventKinds() {
		fmt.Fprintf(&want, "\t%s: {\n\t\tmeaning: %q,\n\t\tremedy: %q,\n\t},\n", k.Code(), k.Meaning(), k.Remedy())
	}
	want.WriteString("}\n")
	if *update {
		if err := os.WriteFile(module, []byte(want.String()), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if got, err := os.ReadFile(module); err != nil || string(got) != want.String() {
		t.Errorf("%s is out of date (%v): go test ./bridge/protocol -update, then make ui", module, err)
	}
}

// Every kind has a unique code, a known level and a meaning, and some code sends it.
func TestEveryKindOfEventIsSent(t *testing.T) {
	sent := sentEvents(t)
	codes := map[string]bool{}
	names := namesOfKinds(t)
	for i, k := range EventKinds() {
		if codes[k.Code()] || !isLevel(k.Code()) || k.Meaning() == "" || strings.ContainsAny(k.Meaning()+k.Remedy(), "|\n") {
			t.Errorf("%+v: expected a unique code that can be a level of a topic, and texts that fit a table", k)
		}
		codes[k.Code()] = true
		if k.Level() != LevelInfo && k.Level() != LevelWarning && k.Level() != LevelError {
			t.Errorf("%s: level %q", k.Code(), k.Level())
		}
		if byWorld := slices.ContainsFunc(worlds.Kinds,
			func(w worlds.Kind) bool { return slices.Contains(w.Events, k.Code()) }); !sent[names[i]] && !byWorld {
			t.Errorf("%s: no code sends it", k.Code())
		}
		delete(sent, names[i])
	}
	for name := range sent {
		t.Errorf("protocol.%s is sent, but is not in the table", name)
	}
	for _, w := range worlds.Kinds {
		for _, code := range w.Events {
			if k, ok := FindEventKind(code); !ok || k.Code() != code {
				t.Errorf("world %s sends %s, which is not in the table", w.Name, code)
			}
		}
	}
}

// namesOfKinds returns the names of the kinds in the source, in their order there.
func namesOfKinds(t *testing.T) (names []string) {
	file, err := source.ParseFile(token.NewFileSet(), "events.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(file, func(n ast.Node) bool {
		if v, is := n.(*ast.ValueSpec); is && len(v.Values) == 1 {
			if call, is := v.Values[0].(*ast.CallExpr); is && fmt.Sprint(call.Fun) == "kind" {
				names = append(names, v.Names[0].Name)
			}
		}
		return true
	})
	return names
}

// sentEvents returns the names of the kinds that are passed to event or Event anywhere in the code, except in tests.
func sentEvents(t *testing.T) map[string]bool {
	sent := map[string]bool{}
	err := filepath.WalkDir("../..", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		file, err := source.ParseFile(token.NewFileSet(), path, nil, 0)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(n ast.Node) bool {
			call, is := n.(*ast.CallExpr)
			if !is || len(call.Args) == 0 {
				return true
			}
			to, is := call.Fun.(*ast.SelectorExpr)
			what, named := call.Args[0].(*ast.SelectorExpr)
			if is && named && (to.Sel.Name == "event" || to.Sel.Name == "Event") && fmt.Sprint(what.X) == "protocol" {
				sent[what.Sel.Name] = true
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return sent
}
