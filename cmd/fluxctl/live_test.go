package main

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"testing"
)

func TestWatchIntoAPipe(t *testing.T) {
	broker := "--broker=" + online(t, "r1", "").URL()
	for _, test := range []struct{ flag, line string }{
		{"--json", `{"topic":"flux/r1/param/eye/threshold","payload":{"v":55,"rev":1,"src":"mqtt"}}`},
		{"--json=false", `param/eye/threshold {"v":55,"rev":1,"src":"mqtt"}`},
	} {
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		reader, writer := io.Pipe()
		ended := make(chan int, 1)
		go func() {
			ended <- run(ctx, []string{patiently, broker, "watch", test.flag}, writer, io.Discard)
			writer.Close()
		}()
		found, changed := false, false
		for lines := bufio.NewScanner(reader); !found && lines.Scan(); {
			found = lines.Text() == test.line
			if !changed { // after the first line, watch has subscribed
				changed = true
				if code, _, problems := fluxctl(t, broker, "set", "eye/threshold=55mV"); code != exitOK {
					t.Fatal(problems)
				}
			}
		}
		if !found {
			t.Errorf("watch %s did not show the change", test.flag)
		}
		cancel()
		go io.Copy(io.Discard, reader)
		if code := <-ended; code != exitOK {
			t.Errorf("watch ended with %d after ctrl-C", code)
		}
		if test.flag == "--json" { // a fresh robot for the second case
			broker = "--broker=" + online(t, "r1", "").URL()
		}
	}
}

// spikes prints one line per spike, with its time and neuron.
func TestSpikesAsLines(t *testing.T) {
	b := online(t, "rover", "")
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	reader, writer := io.Pipe()
	ended := make(chan int, 1)
	go func() {
		ended <- run(ctx, []string{patiently, "--broker", b.URL(), "spikes", "--json"}, writer, io.Discard)
		writer.Close()
	}()
	lines := bufio.NewScanner(reader)
	for range 3 {
		if !lines.Scan() {
			t.Fatal("no spikes")
		}
		var one struct {
			At     int64 `json:"at_us"`
			Neuron string
		}
		if err := json.Unmarshal(lines.Bytes(), &one); err != nil || one.Neuron != "motor" || one.At%1500 != 0 {
			t.Fatalf("%s: %v", lines.Bytes(), err)
		}
	}
	cancel()
	go io.Copy(io.Discard, reader)
	if code := <-ended; code != exitOK {
		t.Errorf("ended with %d", code)
	}
}
