package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// mayImport is the house rule: which of our packages each of our packages may use. Data flows one way, and only the daemon knows
// all the others.
var mayImport = map[string][]string{
	"core":                 nil,
	"encoders":             {"core"},
	"files":                nil,
	"sensors":              {"files"},
	"actuators":            nil,
	"boards/expanders":     nil,
	"boards/linux":         nil,
	"boards/raspberrypi":   {"boards/linux"},
	"boards/sim":           nil,
	"bridge":               {"bridge/protocol", "bridge/transport", "bridge/users"},
	"bridge/broker":        {"bridge/protocol", "bridge/users", "files"},
	"bridge/protocol":      {"files"},
	"bridge/transport":     nil,
	"bridge/users":         {"bridge/protocol"},
	"configs":              {"configs/spelling", "configs/amounts", "core", "files"},
	"configs/spelling":     nil,
	"configs/amounts":      nil,
	"cmd/fluxctl":          {"bridge/protocol", "bridge/transport", "bridge/users", "cmd/internal/picture", "configs/spelling", "configs/amounts", "files"},
	"cmd/fluxd":            {"bridge/broker", "bridge/protocol", "cmd/fluxd/bench", "cmd/fluxd/daemon", "cmd/internal/picture", "configs", "files"},
	"cmd/internal/picture": {"bridge/protocol"},
	"cmd/fluxd/bench":      {"cmd/fluxd/daemon", "configs", "core", "files"},
	"cmd/fluxd/daemon":     {"actuators", "boards/expanders", "boards/linux", "boards/raspberrypi", "boards/sim", "bridge", "bridge/broker", "bridge/protocol", "configs", "configs/amounts", "configs/spelling", "core", "encoders", "files", "sensors"},
}

// onlyIn is where a large library may be linked: what needs it is there, and nothing else pays for it.
var onlyIn = map[string]string{
	"github.com/nats-io/":                 "bridge/broker",
	"github.com/eclipse/paho.mqtt.golang": "bridge cmd/fluxctl",
	"golang.org/x/crypto/bcrypt":          "bridge/users",
	"periph.io/x/devices/":                "sensors",
}

// coreMayImport is all that the engine uses of the standard library: no clock, no goroutines, no input or output.
var coreMayImport = []string{"cmp", "crypto/sha256", "encoding/binary", "errors", "fmt", "hash", "maps", "math", "math/bits", "slices", "strconv"}

func TestWhoMayImportWhom(t *testing.T) {
	const root = "../.."
	seen := map[string]bool{}
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() && (strings.HasPrefix(entry.Name(), ".") || entry.Name() == "testdata") && path != root {
			return filepath.SkipDir
		}
		if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		folder, err := filepath.Rel(root, filepath.Dir(path))
		if err != nil {
			return err
		}
		folder = filepath.ToSlash(folder)
		seen[folder] = true
		allowed, known := mayImport[folder]
		if !known {
			t.Errorf("%s: a package that the house rules do not know", folder)
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		for _, spec := range file.Imports {
			imported, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			if ours, found := strings.CutPrefix(imported, "fluxd/"); found && !slices.Contains(allowed, ours) {
				t.Errorf("%s imports %s: it may import %v", path, ours, allowed)
			}
			for library, where := range onlyIn {
				if strings.HasPrefix(imported, library) && !slices.Contains(strings.Fields(where), folder) {
					t.Errorf("%s imports %s: only %s may", path, imported, where)
				}
			}
			if folder == "core" && !slices.Contains(coreMayImport, imported) {
				t.Errorf("%s imports %s: the engine may import %v", path, imported, coreMayImport)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for folder := range mayImport {
		if !seen[folder] {
			t.Errorf("%s: named in the house rules, but not there", folder)
		}
	}
}

// mayOpen lists who opens files itself: package files, and what reads or writes the system's own, whose names no user gives, or makes a
// new one. A watchdog is a device, and is opened as one.
var mayOpen = []string{"files/files.go", "boards/linux/", "boards/raspberrypi/", "cmd/fluxd/bench/machine.go", "cmd/fluxd/daemon/kept.go", "cmd/fluxd/daemon/machine_linux.go", "cmd/fluxd/daemon/realtime.go",
	"cmd/fluxd/daemon/switches_linux.go", "cmd/fluxd/daemon/sync_unix.go", "cmd/fluxd/daemon/telemetry.go", "cmd/fluxd/daemon/watchdogs.go", "bridge/users/users.go"}

// A file that a user names may be a pipe, a device or endless: only package files knows what to do then.
func TestWhoMayOpenFiles(t *testing.T) {
	const root = "../.."
	opens := map[string]bool{"os.Open": true, "os.OpenFile": true, "os.ReadFile": true, "os.Create": true, "os.DirFS": true, "tls.LoadX509KeyPair": true, "ioutil.ReadFile": true}
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() && (strings.HasPrefix(entry.Name(), ".") || entry.Name() == "testdata") && path != root {
			return filepath.SkipDir
		}
		if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		name, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		name = filepath.ToSlash(name)
		if slices.ContainsFunc(mayOpen, func(one string) bool { return strings.HasPrefix(name, one) }) {
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if call, is := n.(*ast.SelectorExpr); is {
				if of, is := call.X.(*ast.Ident); is && opens[of.Name+"."+call.Sel.Name] {
					t.Errorf("%s uses %s.%s: open what a user names with package files", name, of.Name, call.Sel.Name)
				}
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
