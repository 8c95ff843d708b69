package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"fluxd/cmd/fluxd/bench"
)

func TestBenchPrintsJSON(t *testing.T) {
	code, out, errs := fluxd("bench", "--only", "c", "--steps", "1000", "--json")
	var report bench.Report
	if err := json.Unmarshal([]byte(out), &report); code != 0 || err != nil {
		t.Fatalf("exit %d, %v\n%s%s", code, err, out, errs)
	}
	if report.Format != bench.Format || report.Version != version || report.Memory != nil ||
		len(report.Runs) != 1 || report.Runs[0].Spikes != 433 {
		t.Errorf("%+v", report)
	}
	if errs != "measuring static/c\n" {
		t.Errorf("progress without a terminal: %q", errs)
	}
}

func TestBenchMeasuresANetworkFromAFile(t *testing.T) {
	code, text, errs := fluxd("bench", "--write", "c")
	if code != 0 {
		t.Fatal(errs)
	}
	file := filepath.Join(t.TempDir(), "c.txt")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	code, out, errs := fluxd("bench", "--net", file, "--steps", "1000")
	if code != 0 || !strings.Contains(out, " 433 ") || !strings.Contains(out, "NS/EVENT") {
		t.Errorf("exit %d\n%s%s", code, out, errs)
	}
	if err := os.WriteFile(file, []byte(strings.Replace(text, "\n0 8 1 10\n", "\n0 800 1 10\n", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	code, _, errs = fluxd("bench", "--net", file)
	if code != exitConfig || !strings.Contains(errs, file+":2:1: to 800: expected 0 to 49") {
		t.Errorf("exit %d: %s", code, errs)
	}
	if code, _, errs := fluxd("bench", "--net", file+".none"); code != exitConfig || !strings.Contains(errs, file+".none: ") {
		t.Errorf("exit %d: %s", code, errs)
	}
}

func TestBenchRefuses(t *testing.T) {
	for _, c := range []struct {
		args []string
		says string
	}{
		{[]string{"--only", "a,z"}, `figure "z": expected some of a, b, c, d, workers, sparse`},
		{[]string{"--write", "z"}, `network "z": expected a, b, c or d`},
		{[]string{"--steps", "-1"}, "--steps -1"},
		{[]string{"--warmup", "-1"}, "--warmup -1"},
		{[]string{"--net", "x", "--only", "a"}, "--net with --only: expected one of them"},
		{[]string{"--only", "a", "--plot", "x.svg"}, "--plot draws the figure growth: expected --only growth"},
		{[]string{"more"}, `fluxd: bench: expected no arguments, got 1: "more"`},
	} {
		if code, _, errs := fluxd(append([]string{"bench"}, c.args...)...); code != exitConfig || !strings.Contains(errs, c.says) {
			t.Errorf("%v: exit %d, %s", c.args, code, errs)
		}
	}
}
