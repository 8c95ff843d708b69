package lab

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// The pictures in the documentation are what the robots do: make plots draws them again.
func TestPicturesOfTheRobots(t *testing.T) {
	for name, length := range map[string]time.Duration{
		"explorer": 3 * time.Minute, "linefollower": 30 * time.Second, "hexapod": 20 * time.Second, "lightseeker": time.Minute,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel() // in virtual time
			file := filepath.Join("..", "..", "..", "docs", "worlds", name+".svg")
			e := one(load(t, name), length)
			if e.Picture = filepath.Join(t.TempDir(), name+".svg"); *update {
				e.Picture = file
			}
			e.text(t)
			made, err := os.ReadFile(e.Picture)
			if err != nil {
				t.Fatal(err)
			}
			kept, err := os.ReadFile(file)
			if err != nil || !bytes.Equal(made, kept) {
				t.Errorf("%s: %v, or the robot drives otherwise than the picture shows: make plots draws it again", file, err)
			}
		})
	}
}
