package main

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// mayImport is the architecture: after each of our packages the packages of ours that it may import, and does. Data flows one
// way, and only the daemon knows nearly all the others. Tests may import more.
const mayImport = `
actuators:
	options
boards/expanders:
	options
boards/header:
boards/linux:
	boards/header
boards/overlays:
	boards/header
boards/raspberrypi:
	boards/header
	boards/linux
	boards/overlays
boards/sim:
	boards/header
	splitmix64
boards/sim/chips:
	boards/sim
boards/sim/worlds:
	boards/sim
	boards/sim/chips
	configs/spelling
	options
	splitmix64
bridge:
	bridge/homeassistant
	bridge/journal
	bridge/leases
	bridge/packetreader
	bridge/protocol
	bridge/recent
	bridge/transport
	bridge/users
bridge/broker:
	bridge/protocol
	bridge/users
	files
bridge/dashboard:
	bridge/webserver
bridge/homeassistant:
	bridge/protocol
bridge/journal:
	bridge/protocol
bridge/leases:
	bridge/protocol
bridge/packetreader:
	bridge/protocol
	bridge/users
bridge/pairing:
	bridge/protocol
bridge/protocol:
	files
bridge/recent:
bridge/transport:
	files
bridge/users:
	bridge/protocol
bridge/webserver:
	bridge/protocol
	files
browser_test:
cmd/fluxctl:
	bridge/pairing
	bridge/protocol
	bridge/users
	cmd/fluxctl/fleet
	cmd/fluxctl/link
	cmd/fluxctl/live
	cmd/fluxctl/loadrobot
	cmd/fluxctl/outcome
	cmd/fluxctl/pairs
	cmd/fluxctl/tables
	cmd/fluxctl/views
	cmd/internal/manual
	cmd/internal/parameters
	cmd/internal/picture
	cmd/internal/printable
	cmd/internal/terminal
	cmd/internal/usage
	configs/amounts
	configs/spelling
	files
cmd/fluxctl/fleet:
	bridge/protocol
	cmd/fluxctl/link
	cmd/fluxctl/live
	cmd/fluxctl/outcome
	cmd/internal/picture
	cmd/internal/printable
cmd/fluxctl/link:
	bridge/protocol
	bridge/transport
	cmd/fluxctl/outcome
cmd/fluxctl/live:
	cmd/internal/printable
	cmd/internal/terminal
cmd/fluxctl/loadrobot:
	bridge/protocol
	cmd/internal/usage
	files
cmd/fluxctl/outcome:
cmd/fluxctl/pairs:
	bridge/pairing
	bridge/transport
	cmd/fluxctl/link
	cmd/fluxctl/outcome
	files
cmd/fluxctl/tables:
	bridge/protocol
	configs/amounts
cmd/fluxctl/views:
	bridge/protocol
	cmd/internal/picture
	cmd/internal/printable
	configs/amounts
cmd/fluxd:
	boards/header
	boards/overlays
	boards/raspberrypi
	boards/sim/worlds
	bridge/broker
	bridge/protocol
	cmd/fluxd/bench
	cmd/fluxd/daemon
	cmd/fluxd/diagram
	cmd/fluxd/doctor
	cmd/fluxd/hardware
	cmd/fluxd/lab
	cmd/fluxd/logs
	cmd/fluxd/machine
	cmd/fluxd/pair
	cmd/fluxd/play
	cmd/fluxd/scaffold
	cmd/internal/manual
	cmd/fluxd/robotfile
	cmd/fluxd/screen
	cmd/fluxd/trial
	cmd/internal/parameters
	cmd/internal/terminal
	cmd/internal/usage
	configs
	configs/circuits
	configs/tennlab
	core
	files
cmd/fluxd/bench:
	actuators
	cmd/fluxd/daemon
	cmd/fluxd/machine
	cmd/fluxd/play
	configs
	configs/links
	core
	files
	splitmix64
cmd/fluxd/compare:
	actuators
	cmd/fluxd/hardware
	configs
	sensors
cmd/fluxd/daemon:
	actuators
	boards/sim
	boards/sim/worlds
	bridge
	bridge/protocol
	cmd/fluxd/compare
	cmd/fluxd/hardware
	cmd/fluxd/inspect
	cmd/fluxd/kept
	cmd/fluxd/logs
	cmd/fluxd/machine
	cmd/fluxd/metrics
	cmd/fluxd/pretend
	cmd/fluxd/reach
	cmd/fluxd/reward
	cmd/fluxd/safety
	cmd/fluxd/sense
	cmd/fluxd/surroundings
	cmd/fluxd/tap
	cmd/fluxd/tuning
	configs
	configs/rewards
	configs/spelling
	core
	encoders
	files
	sensors
cmd/fluxd/diagram:
	boards/header
	configs
	sensors
cmd/fluxd/doctor:
	boards/header
	boards/linux
	boards/overlays
	boards/raspberrypi
	cmd/fluxd/hardware
	configs
	core
	files
	sensors
cmd/fluxd/draw:
	boards/sim/worlds
cmd/fluxd/hardware:
	actuators
	boards/expanders
	boards/header
	boards/linux
	boards/raspberrypi
	boards/sim
	boards/sim/worlds
	cmd/fluxd/logs
	configs
	encoders
	options
	sensors
cmd/fluxd/inspect:
	bridge/protocol
	cmd/fluxd/reward
	cmd/fluxd/tuning
	configs
	core
cmd/fluxd/kept:
	cmd/fluxd/machine
	configs
	files
cmd/fluxd/lab:
	boards/sim/worlds
	cmd/fluxd/compare
	cmd/fluxd/daemon
	cmd/fluxd/draw
	cmd/fluxd/play
	cmd/fluxd/tuning
	cmd/internal/parameters
	configs
	configs/amounts
	configs/circuits
	core
	files
	sensors
cmd/fluxd/logs:
cmd/fluxd/machine:
cmd/fluxd/metrics:
	actuators
	bridge
	bridge/protocol
	bridge/webserver
	cmd/fluxd/machine
cmd/fluxd/pair:
	bridge/pairing
	bridge/protocol
	bridge/users
	cmd/internal/usage
	configs
	files
cmd/fluxd/play:
	configs
	configs/circuits
	configs/strictjson
	core
	files
cmd/fluxd/pretend:
	boards/sim
	bridge/protocol
	cmd/fluxd/sense
	configs
	configs/spelling
	sensors
cmd/fluxd/reach:
	bridge
	bridge/broker
	bridge/dashboard
	bridge/protocol
	bridge/transport
	bridge/webserver
	cmd/fluxd/logs
	cmd/fluxd/metrics
	configs
	configs/links
cmd/fluxd/reward:
	boards/sim/worlds
	configs/rewards
	core
cmd/fluxd/robotfile:
	cmd/fluxd/daemon
	cmd/fluxd/hardware
	cmd/fluxd/logs
	cmd/fluxd/machine
	cmd/fluxd/trial
	configs
cmd/fluxd/safety:
	actuators
	bridge/protocol
	cmd/fluxd/hardware
	cmd/fluxd/machine
	sensors
cmd/fluxd/scaffold:
	boards/header
	configs
	configs/spelling
cmd/fluxd/screen:
	bridge/protocol
	cmd/fluxd/daemon
	cmd/internal/picture
	cmd/internal/terminal
cmd/fluxd/sense:
	bridge/protocol
	cmd/fluxd/hardware
	configs
	sensors
cmd/fluxd/surroundings:
	boards/sim/worlds
	bridge/protocol
	cmd/fluxd/reward
	configs
cmd/fluxd/tap:
	bridge/protocol
cmd/fluxd/trial:
	bridge/protocol
	cmd/fluxd/kept
	configs
	core
	files
cmd/fluxd/tuning:
	bridge/protocol
	cmd/fluxd/kept
	configs
	configs/amounts
	configs/links
	configs/rewards
	configs/spelling
	configs/strict
	core
	encoders
	options
	sensors
cmd/internal/manual:
	cmd/internal/manual/pages
cmd/internal/manual/pages:
	cmd/internal/usage
cmd/internal/parameters:
	bridge/protocol
	cmd/internal/picture
	configs/amounts
cmd/internal/picture:
	bridge/protocol
cmd/internal/printable:
cmd/internal/terminal:
cmd/internal/usage:
configs:
	actuators
	boards/expanders
	boards/header
	boards/sim/worlds
	configs/circuits
	configs/links
	configs/rewards
	configs/spelling
	configs/strict
	core
	encoders
	files
	options
	sensors
configs/amounts:
configs/circuits:
	configs/spelling
	configs/strict
	configs/strictjson
	core
	splitmix64
configs/links:
	configs/strict
configs/rewards:
	configs/spelling
	configs/strict
	core
	sensors
configs/spelling:
configs/strict:
	configs/amounts
	configs/spelling
configs/strictjson:
	configs/strict
configs/tennlab:
	configs
	configs/circuits
	configs/strict
	configs/strictjson
core:
	lagged
docs:
encoders:
	core
	lagged
	options
files:
hil_test:
lagged:
	splitmix64
monitor_test:
options:
sensors:
	files
	options
	splitmix64
splitmix64:
`

// libraries holds the modules of others to their rooms: after each direct dependency of go.mod the packages that may import it,
// and do. What only tests use has none.
const libraries = `
github.com/HdrHistogram/hdrhistogram-go:
	cmd/fluxd/bench
	cmd/fluxd/machine
github.com/agnivade/levenshtein:
	configs/spelling
github.com/chromedp/cdproto:
github.com/chromedp/chromedp:
github.com/cockroachdb/datadriven:
github.com/coder/websocket:
	bridge/dashboard
github.com/coreos/go-systemd/v22:
	cmd/fluxd/machine
github.com/eclipse/paho.mqtt.golang:
	bridge
	bridge/packetreader
	bridge/transport
	cmd/fluxctl
	cmd/fluxctl/fleet
	cmd/fluxctl/link
	cmd/fluxctl/live
github.com/google/uuid:
	bridge
	cmd/fluxctl
	cmd/fluxctl/fleet
	cmd/fluxctl/link
github.com/nats-io/nats-server/v2:
	bridge/broker
github.com/nats-io/nats.go:
	bridge/broker
github.com/spf13/cobra:
	cmd/fluxctl
	cmd/fluxctl/loadrobot
	cmd/fluxd
	cmd/fluxd/pair
	cmd/internal/manual
	cmd/internal/manual/pages
	cmd/internal/usage
github.com/spf13/pflag:
	cmd/internal/manual/pages
github.com/warthog618/go-gpiocdev:
	boards/linux
github.com/prometheus/client_model:
github.com/prometheus/common:
golang.org/x/crypto:
	bridge/users
golang.org/x/image:
	cmd/fluxd/draw
golang.org/x/net:
	bridge/transport
golang.org/x/sys:
	boards/linux
	bridge/broker
	cmd/fluxd/doctor
	cmd/fluxd/machine
	core
golang.org/x/term:
	cmd/fluxctl
	cmd/internal/terminal
golang.org/x/time:
	bridge
	bridge/broker
	bridge/dashboard
	bridge/packetreader
	bridge/webserver
gopkg.in/yaml.v3:
	configs
	configs/circuits
	configs/strict
periph.io/x/conn/v3:
	actuators
	boards/expanders
	boards/linux
	boards/sim
	boards/sim/chips
	boards/sim/worlds
	cmd/fluxd/daemon
	cmd/fluxd/hardware
	cmd/fluxd/pretend
	configs
	configs/circuits
	configs/links
	configs/strict
	encoders
	sensors
periph.io/x/devices/v3:
	sensors
periph.io/x/host/v3:
	boards/linux
pgregory.net/rapid:
`

// coreMayImport is all that the engine uses of the standard library: no clock, no goroutines, no input or output.
const coreMayImport = "cmp crypto/sha256 encoding/binary errors fmt hash maps math math/bits slices strconv sync/atomic " +
	"fluxd/lagged golang.org/x/sys/cpu"

// A package fits in the head: its files without the tests, and their lines.
const (
	mostFiles = 20
	mostLines = 2500
)

// mayBeLarge lists what may exceed that: one engine, and lists of kinds with a file each.
var mayBeLarge = []string{"actuators", "boards/sim/chips", "boards/sim/worlds", "core", "encoders", "sensors"}

// A source is a Go file of ours that is no test, for any operating system.
type source struct {
	folder, name string // from the root of the module, with slashes
	lines        int
	tree         *ast.File
}

func (s source) imports(t *testing.T) []string {
	var all []string
	for _, spec := range s.tree.Imports {
		imported, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, imported)
	}
	return all
}

const root = "../.."

// sources returns all of them, and the folders of all packages, those of tests alone too.
func sources(t *testing.T) ([]source, map[string]bool) {
	t.Helper()
	var all []source
	folders := map[string]bool{}
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() && (strings.HasPrefix(entry.Name(), ".") || entry.Name() == "testdata" || isModule(path)) && path != root {
			return filepath.SkipDir
		}
		if !strings.HasSuffix(path, ".go") {
			return nil
		}
		name, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		folder := filepath.ToSlash(filepath.Dir(name))
		folders[folder] = true
		if strings.HasSuffix(path, "_test.go") {
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		tree, err := parser.ParseFile(token.NewFileSet(), path, text, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		all = append(all, source{folder, filepath.ToSlash(name), bytes.Count(text, []byte("\n")), tree})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all, folders
}

// isModule reports whether a folder is a module by itself, such as ui: fluxd imports nothing of it.
func isModule(folder string) bool {
	_, err := os.Stat(filepath.Join(folder, "go.mod"))
	return err == nil
}

// permissions reads a table: a name with a colon, and after it what it may.
func permissions(t *testing.T, table string) map[string][]string {
	t.Helper()
	all := map[string][]string{}
	name := ""
	for _, word := range strings.Fields(table) {
		if next, found := strings.CutSuffix(word, ":"); found {
			if _, twice := all[next]; twice {
				t.Errorf("%s: twice in the table", next)
			}
			name, all[next] = next, nil
			continue
		}
		if slices.Contains(all[name], word) {
			t.Errorf("%s: %s: twice in the table", name, word)
		}
		all[name] = append(all[name], word)
	}
	return all
}

func TestWhoMayImportWhom(t *testing.T) {
	all, folders := sources(t)
	allowed := permissions(t, mayImport)
	for folder := range folders {
		if _, known := allowed[folder]; !known {
			t.Errorf("%s: a package that the table does not have: add it to mayImport", folder)
		}
	}
	used := map[[2]string]bool{}
	for _, file := range all {
		for _, imported := range file.imports(t) {
			ours, found := strings.CutPrefix(imported, "fluxd/")
			if !found {
				continue
			}
			used[[2]string{file.folder, ours}] = true
			if !slices.Contains(allowed[file.folder], ours) {
				t.Errorf("%s imports %s: it may import %v", file.name, ours, allowed[file.folder])
			}
		}
	}
	for folder, list := range allowed {
		if !folders[folder] {
			t.Errorf("%s: in the table, but not there: remove it from mayImport", folder)
		}
		for _, ours := range list {
			if folders[folder] && !used[[2]string{folder, ours}] {
				t.Errorf("%s may import %s but does not: remove the permission from mayImport", folder, ours)
			}
		}
	}
}

// room is the name of a package before its paragraph.
var room = regexp.MustCompile("\\*\\*`([a-z0-9_/]+)`\\*\\*")

// The map in CONTRIBUTING.md has a paragraph for each package.
func TestMapNamesEveryPackage(t *testing.T) {
	text, err := os.ReadFile(root + "/CONTRIBUTING.md")
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(text), "\n## The map\n")
	rooms, _, found := strings.Cut(after, "\n## ")
	if !found {
		t.Fatal("CONTRIBUTING.md has no map")
	}
	named := map[string]bool{}
	for line := range strings.Lines(rooms) {
		for _, m := range room.FindAllStringSubmatch(line, -1) {
			named[m[1]] = true
		}
	}
	_, folders := sources(t)
	for folder := range folders {
		if !named[folder] {
			t.Errorf("%s: a package without a paragraph in the map of CONTRIBUTING.md", folder)
		}
	}
	for folder, is := range named {
		if is && !folders[folder] {
			t.Errorf("%s: in the map of CONTRIBUTING.md, but not there", folder)
		}
	}
}

// links returns the packages of ours that a program links: its own, and those that it imports, and those that they import.
func links(t *testing.T, all []source, program string) map[string]bool {
	t.Helper()
	imports := map[string][]string{}
	for _, file := range all {
		for _, imported := range file.imports(t) {
			if ours, found := strings.CutPrefix(imported, "fluxd/"); found {
				imports[file.folder] = append(imports[file.folder], ours)
			}
		}
	}
	linked, next := map[string]bool{}, []string{program}
	for len(next) > 0 {
		folder := next[0]
		next = next[1:]
		if !linked[folder] {
			linked[folder] = true
			next = append(next, imports[folder]...)
		}
	}
	if !linked["bridge/protocol"] {
		t.Fatalf("%s links %v: expected bridge/protocol among them, or this test follows imports wrongly", program,
			slices.Sorted(maps.Keys(linked)))
	}
	return linked
}

// A client links no broker, whatever the packages that it imports come to import.
func TestRemoteControlLinksNoBroker(t *testing.T) {
	all, _ := sources(t)
	linked := links(t, all, "cmd/fluxctl")
	for _, folder := range permissions(t, libraries)["github.com/nats-io/nats-server/v2"] {
		if linked[folder] {
			t.Errorf("cmd/fluxctl links %s, and with it a broker", folder)
		}
	}
}

// Templates call methods by names that are known only when the program runs. A program with a template therefore keeps every
// exported method of every type that it uses: fluxd grows from 25.3 MB to 28.6 MB (stripped, linux/amd64). So does one that calls
// MethodByName with a name that is no literal. cobra has templates, too, but the linker drops them while nobody sets one.
func TestNothingKeepsUnusedMethods(t *testing.T) {
	all, _ := sources(t)
	fluxd, fluxctl := links(t, all, "cmd/fluxd"), links(t, all, "cmd/fluxctl")
	for _, file := range all {
		if !fluxd[file.folder] && !fluxctl[file.folder] {
			continue
		}
		for _, imported := range file.imports(t) {
			if imported == "text/template" || imported == "html/template" {
				t.Errorf("%s imports %s, with which the program keeps unused methods: write the text with fmt", file.name, imported)
			}
		}
		ast.Inspect(file.tree, func(n ast.Node) bool {
			call, is := n.(*ast.CallExpr)
			if !is {
				return true
			}
			selector, is := call.Fun.(*ast.SelectorExpr)
			if !is {
				return true
			}
			switch name := selector.Sel.Name; name {
			case "SetHelpTemplate", "SetUsageTemplate", "SetVersionTemplate":
				t.Errorf("%s calls %s of cobra, with which the program keeps unused methods: write the text with fmt", file.name, name)
			case "MethodByName":
				if _, literal := call.Args[0].(*ast.BasicLit); !literal {
					t.Errorf("%s calls MethodByName with a name that is no literal: the program keeps unused methods", file.name)
				}
			}
			return true
		})
	}
}

// The engine imports a few packages of the standard library, and nothing that could read a clock or wait.
func TestEngineImports(t *testing.T) {
	all, _ := sources(t)
	allowed, used := strings.Fields(coreMayImport), map[string]bool{}
	for _, file := range all {
		if file.folder != "core" {
			continue
		}
		for _, imported := range file.imports(t) {
			used[imported] = true
			if !slices.Contains(allowed, imported) {
				t.Errorf("%s imports %s: the engine may import %v", file.name, imported, allowed)
			}
		}
	}
	for _, one := range allowed {
		if !used[one] {
			t.Errorf("the engine may import %s but does not: remove it from coreMayImport", one)
		}
	}
}

func TestWhoMayUseWhichLibrary(t *testing.T) {
	all, folders := sources(t)
	rooms := permissions(t, libraries)
	direct := directDependencies(t)
	for _, library := range direct {
		if _, known := rooms[library]; !known {
			t.Errorf("go.mod requires %s, which the table does not have: add it to libraries", library)
		}
	}
	used := map[[2]string]bool{}
	for _, file := range all {
		for _, imported := range file.imports(t) {
			if first, _, _ := strings.Cut(imported, "/"); !strings.Contains(first, ".") {
				continue // ours, or the standard library
			}
			library := ""
			for one := range rooms {
				if (imported == one || strings.HasPrefix(imported, one+"/")) && len(one) > len(library) {
					library = one
				}
			}
			used[[2]string{library, file.folder}] = true
			switch {
			case library == "":
				t.Errorf("%s imports %s, which the table does not have: add it to libraries", file.name, imported)
			case !slices.Contains(rooms[library], file.folder):
				t.Errorf("%s imports %s: only %v may", file.name, imported, rooms[library])
			}
		}
	}
	for library, list := range rooms {
		if !slices.Contains(direct, library) {
			t.Errorf("%s: in the table, but no direct dependency in go.mod: remove it from libraries", library)
		}
		for _, folder := range list {
			switch {
			case !folders[folder]:
				t.Errorf("%s: %s may import it but is not there: remove it from libraries", library, folder)
			case !used[[2]string{library, folder}]:
				t.Errorf("%s: %s may import it but does not: remove it from libraries", library, folder)
			}
		}
	}
}

// directDependencies lists the modules that go.mod requires without "// indirect".
func directDependencies(t *testing.T) []string {
	t.Helper()
	text, err := os.ReadFile(root + "/go.mod")
	if err != nil {
		t.Fatal(err)
	}
	var direct []string
	for line := range strings.Lines(string(text)) {
		words := strings.Fields(strings.TrimPrefix(line, "require "))
		if len(words) == 2 && strings.HasPrefix(words[1], "v") {
			direct = append(direct, words[0])
		}
	}
	if len(direct) == 0 {
		t.Fatal("go.mod requires nothing, or this test does not understand it")
	}
	return direct
}

func TestPackageSize(t *testing.T) {
	all, _ := sources(t)
	files, lines := map[string]int{}, map[string]int{}
	for _, file := range all {
		files[file.folder]++
		lines[file.folder] += file.lines
	}
	for folder := range files {
		if (files[folder] > mostFiles || lines[folder] > mostLines) && !slices.Contains(mayBeLarge, folder) {
			t.Errorf("%s has %d files and %d lines without tests: at most %d and %d", folder, files[folder], lines[folder], mostFiles,
				mostLines)
		}
	}
}

// The packages that make test runs without the race detector have no goroutines, in their tests neither.
func TestSequentialPackages(t *testing.T) {
	text, err := os.ReadFile(root + "/Makefile")
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(text), "\nSEQUENTIAL := ")
	line, _, found := strings.Cut(after, "\n")
	if !found {
		t.Fatal("the Makefile does not say which packages are SEQUENTIAL")
	}
	// A change of a network is prepared beside it. Only these files know that, and make race runs the test of it by name.
	besides := []string{"core/network.go", "core/prepare_test.go"}
	if !strings.Contains(string(text), "./core -run TestPreparingBesideTheRunningNetwork") {
		t.Error("the Makefile does not run TestPreparingBesideTheRunningNetwork under the race detector")
	}
	sequential := strings.Fields(line)
	checked := 0
	err = filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.HasSuffix(path, ".go") {
			return err
		}
		name, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		folder := filepath.ToSlash(filepath.Dir(name))
		if !slices.ContainsFunc(sequential, func(one string) bool {
			one = strings.TrimPrefix(one, "./")
			below, all := strings.CutSuffix(one, "/...")
			return folder == one || all && (folder == below || strings.HasPrefix(folder, below+"/"))
		}) {
			return nil
		}
		checked++
		if slices.Contains(besides, filepath.ToSlash(name)) {
			return nil
		}
		tree, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		for _, spec := range tree.Imports {
			if strings.HasPrefix(spec.Path.Value, `"sync`) || spec.Path.Value == `"testing/synctest"` {
				t.Errorf("%s imports %s: remove ./%s from SEQUENTIAL in the Makefile", name, spec.Path.Value, folder)
			}
		}
		ast.Inspect(tree, func(n ast.Node) bool {
			selector, is := n.(*ast.SelectorExpr)
			if _, starts := n.(*ast.GoStmt); starts || is && (selector.Sel.Name == "Go" || selector.Sel.Name == "Parallel" ||
				selector.Sel.Name == "RunParallel") {
				t.Errorf("%s starts a goroutine: remove ./%s from SEQUENTIAL in the Makefile", name, folder)
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if checked == 0 {
		t.Errorf("no file is of %v", sequential)
	}
}

// mayOpen lists who opens files itself: package files, and what reads or writes the system's own, whose names no user gives, or
// makes a new one. A watchdog is a device, and is opened as one.
const mayOpen = `
boards/linux/
boards/raspberrypi/
bridge/users/users.go
cmd/fluxd/bench/machine.go
cmd/fluxd/doctor/system.go
cmd/fluxd/kept/kept.go
cmd/fluxd/machine/
files/
`

// A file that a user names may be a pipe, a device or endless: only package files knows what to do then.
func TestWhoMayOpenFiles(t *testing.T) {
	all, _ := sources(t)
	opens := []string{"os.Open", "os.OpenFile", "os.ReadFile", "os.Create", "os.DirFS", "tls.LoadX509KeyPair", "ioutil.ReadFile"}
	allowed, used := strings.Fields(mayOpen), map[string]bool{}
	for _, source := range all {
		ast.Inspect(source.tree, func(n ast.Node) bool {
			selector, is := n.(*ast.SelectorExpr)
			if !is {
				return true
			}
			of, is := selector.X.(*ast.Ident)
			if !is || !slices.Contains(opens, of.Name+"."+selector.Sel.Name) {
				return true
			}
			at := slices.IndexFunc(allowed, func(one string) bool { return strings.HasPrefix(source.name, one) })
			if at < 0 {
				t.Errorf("%s uses %s.%s: open what a user names with package files", source.name, of.Name, selector.Sel.Name)
				return true
			}
			used[allowed[at]] = true
			return true
		})
	}
	for _, one := range allowed {
		if !used[one] {
			t.Errorf("%s may open files but does not: remove it from mayOpen", one)
		}
	}
}
