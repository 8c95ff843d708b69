package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

// A robot under another name at an embedded broker prints where its page is, and --open opens it there.
func TestRunOpensItsPage(t *testing.T) {
	if testing.Short() || runtime.GOOS != "linux" {
		t.Skip("starts a robot, and a program in place of xdg-open")
	}
	folder := t.TempDir()
	opened := filepath.Join(folder, "opened")
	script := fmt.Sprintf("#!/bin/sh\nprintf %%s \"$1\" > '%s.part' && mv '%s.part' '%s'\n", opened, opened, opened)
	if err := os.WriteFile(filepath.Join(folder, "xdg-open"), []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", folder+":"+os.Getenv("PATH"))
	file := write(t, `robot: written
board: {kind: sim, world: table}
network: {neurons: {a: {pacemaker: 10ms}}}
mqtt: {listen: '127.0.0.1:0'}
dashboard: {listen: '127.0.0.1:0'}
`)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var stdout, stderr bytes.Buffer
	ended := make(chan int, 1)
	go func() {
		ended <- execute(ctx, []string{"run", file, "--plain", "--open", "--name", "red"}, &stdout, &stderr)
	}()
	var url string
	for end := time.Now().Add(2 * time.Minute); ; time.Sleep(20 * time.Millisecond) {
		if text, err := os.ReadFile(opened); err == nil {
			url = string(text)
			break
		}
		if time.Now().After(end) {
			t.Fatal("the page was not opened")
		}
	}
	answer, err := http.Get(url + "robot.json")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	var robot struct{ Robot string }
	if err := json.NewDecoder(answer.Body).Decode(&robot); err != nil || robot.Robot != "red" {
		t.Errorf("%+v, %v: expected the robot red", robot, err)
	}
	cancel()
	if code := <-ended; code != 0 {
		t.Errorf("exit code %d: %s", code, stderr.String())
	}
	first, _, _ := strings.Cut(stdout.String(), "\n")
	if want := "red is running; ctrl-C stops it. Its page: " + url; first != want {
		t.Errorf("printed %q, expected %q", first, want)
	}
}

// A robot without a browser, or without a page, runs on.
func TestPageThatCannotBeOpened(t *testing.T) {
	for _, c := range []struct {
		opener []string
		url    string
	}{{[]string{"no-such-program-for-pages"}, "http://localhost/"}, {[]string{"true"}, ""}} {
		failed := make(chan error)
		go func() { failed <- openWith(c.opener, c.url) }()
		if err := <-failed; err == nil {
			t.Errorf("%v %q: expected an error", c.opener, c.url)
		}
	}
}

func TestWrongNameAndBroker(t *testing.T) {
	for _, c := range []struct{ flag, value, want string }{
		{"--name", "a/b", `robot: "a/b": expected letters, digits, _ and -`},
		{"--broker", "host", `mqtt.broker: "host": expected embedded, none, tcp://host:1883 or ssl://host:8883`},
	} {
		var stdout, stderr bytes.Buffer
		if code := execute(t.Context(), []string{"run", "lightseeker", c.flag, c.value}, &stdout, &stderr); code != exitConfig ||
			!strings.Contains(stderr.String(), c.want) {
			t.Errorf("%s %s: exit code %d, %s, expected %q", c.flag, c.value, code, stderr.String(), c.want)
		}
	}
}
