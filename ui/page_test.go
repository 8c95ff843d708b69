package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dop251/goja"
	"github.com/evanw/esbuild/pkg/api"
)

// The tests of the page's modules are the files *.test.js in src and its folders. They run in goja, an interpreter in Go, so that
// neither Node nor a browser is needed, and in virtual time: a timer is due as soon as nothing else happens before it.
func TestModules(t *testing.T) {
	scripts, err := filepath.Glob("src/*.test.js")
	if err != nil || len(scripts) == 0 {
		t.Fatalf("src/*.test.js: no tests, %v", err)
	}
	below, err := filepath.Glob("src/*/*.test.js")
	if err != nil || len(below) == 0 {
		t.Fatalf("src/*/*.test.js: no tests, %v", err)
	}
	scripts = append(scripts, below...)
	for _, script := range scripts {
		t.Run(strings.TrimSuffix(filepath.Base(script), ".test.js"), func(t *testing.T) {
			t.Parallel()
			runScript(t, script)
		})
	}
}

// runScript runs the tests of a file, each under its name.
func runScript(t *testing.T, script string) {
	w := newWorld(t)
	if _, err := w.RunScript(script, bundleScript(t, script)); err != nil {
		t.Fatal(err)
	}
	if len(w.tests) == 0 {
		t.Fatal("the file has no tests: expected test(name, function)")
	}
	for _, one := range w.tests {
		t.Run(one.name, func(t *testing.T) {
			if err := w.run(one.body); err != nil {
				t.Error(err)
			}
		})
	}
}

// bundleScript returns a test and all that it imports as one script that goja understands.
func bundleScript(t *testing.T, script string) string {
	t.Helper()
	folder, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	result := api.Build(api.BuildOptions{
		AbsWorkingDir: folder,
		EntryPoints:   []string{script},
		Alias:         aliases(),
		Bundle:        true,
		Format:        api.FormatIIFE,
		Target:        api.ES2017,
		Charset:       api.CharsetUTF8,
		Loader:        map[string]api.Loader{".css": api.LoaderEmpty},
		Sourcemap:     api.SourceMapInline,
	})
	for _, message := range result.Errors {
		t.Errorf("%s: %s", script, message.Text)
	}
	if len(result.OutputFiles) != 1 {
		t.Fatalf("%s: %d files, expected one", script, len(result.OutputFiles))
	}
	return string(result.OutputFiles[0].Contents)
}

// A world is what a browser gives a page, as far as the modules under test use it.
type world struct {
	*goja.Runtime
	tests  []namedTest
	now    time.Duration
	timers []*timer
	count  int64
}

type namedTest struct {
	name string
	body goja.Callable
}

type timer struct {
	number int64
	due    time.Duration
	every  time.Duration // 0: once
	call   goja.Callable
}

// epoch is when the tests begin, in milliseconds since 1970.
const epoch = 1_700_000_000_000

func newWorld(t *testing.T) *world {
	w := &world{Runtime: goja.New()}
	w.SetTimeSource(func() time.Time { return time.UnixMilli(epoch).Add(w.now) })
	set := func(name string, value any) {
		if err := w.Set(name, value); err != nil {
			t.Fatal(err)
		}
	}
	set("test", func(name string, body goja.Callable) { w.tests = append(w.tests, namedTest{name, body}) })
	set("setTimeout", func(call goja.Callable, ms float64) int64 { return w.start(call, ms, false) })
	set("setInterval", func(call goja.Callable, ms float64) int64 { return w.start(call, ms, true) })
	for _, name := range []string{"clearTimeout", "clearInterval"} {
		set(name, func(number int64) {
			w.timers = slices.DeleteFunc(w.timers, func(one *timer) bool { return one.number == number })
		})
	}
	set("utf8", func(text string) goja.ArrayBuffer { return w.NewArrayBuffer([]byte(text)) })
	set("fromUTF8", func(buffer goja.ArrayBuffer, from, to int) string { return string(buffer.Bytes()[from:to]) })
	set("print", func(text string) { t.Log(text) })
	if _, err := w.RunScript("browser.js", `
		globalThis.TextEncoder = class { encode(text) { return new Uint8Array(utf8(text)) } }
		globalThis.TextDecoder = class { decode(b) { return fromUTF8(b.buffer, b.byteOffset, b.byteOffset + b.byteLength) } }
		let random = 1
		globalThis.crypto = {getRandomValues(to) { return to.map((_, i) => to[i] = (random = random * 48271 % 2147483647) & 255) }}
		globalThis.queueMicrotask = f => { Promise.resolve().then(f) }
		globalThis.console = {warn: print, log: print, error: print}
		globalThis.localStorage = {kept: {}, getItem(k) { return this.kept[k] ?? null }, setItem(k, v) { this.kept[k] = String(v) }}
	`); err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *world) start(call goja.Callable, ms float64, again bool) int64 {
	w.count++
	one := &timer{number: w.count, due: w.now + time.Duration(max(0, ms)*1e6), call: call}
	if again {
		one.every = max(time.Millisecond, time.Duration(ms*1e6))
	}
	w.timers = append(w.timers, one)
	return one.number
}

// longest is how much virtual time a test may take: beyond, it waits for what never comes.
const longest = 24 * time.Hour

// run runs a test until its promise is settled.
func (w *world) run(body goja.Callable) error {
	w.timers = nil
	result, err := body(goja.Undefined())
	if err != nil {
		return err
	}
	promise, is := result.Export().(*goja.Promise)
	if !is {
		return nil
	}
	for end := w.now + longest; promise.State() == goja.PromiseStatePending; {
		if len(w.timers) == 0 || w.now > end {
			return errNeverSettled
		}
		next := slices.MinFunc(w.timers, func(a, b *timer) int { return int(a.due - b.due) })
		w.now = max(w.now, next.due)
		if next.due += next.every; next.every == 0 {
			w.timers = slices.DeleteFunc(w.timers, func(one *timer) bool { return one == next })
		}
		if _, err := next.call(goja.Undefined()); err != nil {
			return err
		}
	}
	if promise.State() == goja.PromiseStateRejected {
		return rejection{promise.Result()}
	}
	return nil
}
