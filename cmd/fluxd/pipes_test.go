//go:build unix

package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Reading a named pipe instead of a file may block forever. Every command refuses one and exits.
func TestNamedPipesAreRefused(t *testing.T) {
	folder := t.TempDir()
	pipe := filepath.Join(folder, "pipe.json")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(filepath.Join(folder, "run.csv"), 0o600); err != nil {
		t.Fatal(err)
	}
	log := filepath.Join(folder, "log.yaml")
	const start = "robot: r\nboard: {kind: sim}\nmqtt: {broker: none}\n"
	text := start + `network: {neurons: {a: {}}}
sensors:
  s: {device: log, file: run.csv, column: a, rate: 9 Hz, encode: {kind: latency, range: [0, 5], window: 9ms, to: a}}
`
	if err := os.WriteFile(log, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	net := filepath.Join(folder, "net.yaml")
	if err := os.WriteFile(net, []byte(start+"network: {neurons: {a: {pacemaker: 10ms}}}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	named := func(rest string) string {
		return write(t, "robot: r\nboard: {kind: sim}\nnetwork: {neurons: {a: {}}}\n"+strings.ReplaceAll(rest, "PIPE", pipe)+"\n")
	}
	for _, args := range [][]string{
		{"run", named("mqtt: {broker: 'tcp://127.0.0.1:1', user: x, password_file: PIPE}"), "--for", "1ms"},
		{"run", named("mqtt: {broker: 'ssl://127.0.0.1:1', tls: {ca: PIPE}}"), "--for", "1ms"},
		{"run", named("mqtt: {listen: '127.0.0.1:0', tls: {certificate: PIPE, key: PIPE}}"), "--for", "1ms"},
		{"run", named("mqtt: {listen: '127.0.0.1:0', fleet: {url: 'tls://127.0.0.1:1', user: x, password_file: PIPE}}"),
			"--for", "1ms"},
		{"run", named("mqtt: {listen: '127.0.0.1:0', fleet: {url: 'tls://127.0.0.1:1', ca: PIPE}}"), "--for", "1ms"},
		{"run", named("mqtt: {listen: '127.0.0.1:0', passwords: PIPE}"), "--for", "1ms"},
		{"run", named("mqtt: {broker: none}\nsafety: {watchdog: PIPE}"), "--for", "1ms"},
		{"check", pipe}, {"run", pipe}, {"sim", pipe}, {"halt", pipe}, {"pins", pipe}, {"probe", pipe},
		{"play", pipe, "--until", "1s"}, {"plot", pipe, "--until", "1s"},
		{"export", pipe}, {"import", pipe}, {"bench", "--net", pipe},
		{"play", net, "--until", "1s", "--input", pipe}, {"plot", net, "--until", "1s", "--input", pipe},
		{"sim", net, "--overlay", pipe}, {"run", net, "--overlay", pipe}, {"check", log}, {"run", log}, {"sim", log},
		{"play", net, "--until", "1s", "--output", pipe}, {"play", net, "--until", "1s", "--weights", pipe},
	} {
		code, _, errs := fluxd(args...)
		refused := slices.ContainsFunc([]string{
			"a named pipe: expected a regular file", "a pipe without a reader", "expected a file, got p", "safety.watchdog: ",
		}, func(part string) bool { return strings.Contains(errs, part) })
		if code == 0 || !refused {
			t.Errorf("%v: exit %d: %s", args, code, errs)
		}
	}
}

// Standard input may be a pipe without a writer. Ctrl-C ends the wait for it.
func TestStandardInputCanBeInterrupted(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	name := fmt.Sprintf("/dev/fd/%d", r.Fd())
	if _, err := os.Stat(name); err != nil {
		t.Skip("no /dev/fd here")
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan int, 1)
	var errs strings.Builder
	go func() { ended <- execute(ctx, []string{"check", name}, &errs, &errs) }()
	cancel()
	select {
	case code := <-ended:
		if code == 0 || !strings.Contains(errs.String(), "interrupted while reading") {
			t.Errorf("exit %d: %s", code, errs.String())
		}
	case <-time.After(patience):
		t.Fatal("it still waits")
	}
}
