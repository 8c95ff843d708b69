package configs

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
)

var update = flag.Bool("update", false, "write golden files and the tables of the documentation")

// recordings are the data files of the robots in testdata.
var recordings = fstest.MapFS{"run.csv": {Data: []byte("S1,OUTPUT\n1,go\n")}}

// Each robot in testdata/bad has its mistakes listed in the golden file beside it.
func TestBadRobots(t *testing.T) {
	files, err := filepath.Glob("testdata/bad/*.yaml")
	if err != nil || len(files) < 20 {
		t.Fatalf("%d robots in testdata/bad, %v: expected at least 20", len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".yaml"), func(t *testing.T) {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			robot, err := Parse("robot.yaml", data, recordings)
			var all Errors
			if robot != nil || !errors.As(err, &all) || len(all) == 0 {
				t.Fatalf("accepted, or refused without Errors: %v", err)
			}
			golden := strings.TrimSuffix(file, ".yaml") + ".golden"
			got := err.Error() + "\n"
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if got != strings.ReplaceAll(string(want), "\r\n", "\n") {
				t.Errorf("got:\n%s\nexpected:\n%s", got, want)
			}
		})
	}
}

func TestGoodRobots(t *testing.T) {
	files, err := filepath.Glob("testdata/good/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no robots in testdata/good: %v", err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Parse(file, data, recordings); err != nil {
			t.Error(err)
		}
	}
}
