package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// full is a disk with room for so many more bytes.
type full struct{ room int }

var errFull = errors.New("no space left on device")

func (f *full) Write(text []byte) (int, error) {
	n := min(f.room, len(text))
	if f.room -= n; n < len(text) {
		return n, errFull
	}
	return n, nil
}

// Every command fails and reports it if its result cannot be written, even if only the last bytes are lost.
func TestNoCommandLosesItsResult(t *testing.T) {
	if testing.Short() {
		t.Skip("every command several times")
	}
	idle := write(t, `robot: idle
board: {kind: sim, world: table}
network: {neurons: {a: {pacemaker: 10ms}}}
mqtt: {broker: none}
sensors:
  s: {device: bh1750, bus: I2C1, address: 0x23, every: 40ms, encode: {kind: delta, step: 1 lx, to: a}}
`)
	tennlab := filepath.Join(t.TempDir(), "risp.json")
	if err := os.WriteFile(tennlab, []byte(`{"Properties": {"node_properties": [{"name": "Threshold", "index": 0, "size": 1}],
 "edge_properties": [{"name": "Weight", "index": 0, "size": 1}, {"name": "Delay", "index": 1, "size": 1}]},
 "Nodes": [{"id": 0, "values": [1]}], "Edges": [], "Inputs": [0], "Outputs": [0],
 "Associated_Data": {"other": {"proc_name": "risp"},
 "proc_params": {"discrete": true, "leak_mode": "none", "min_potential": 0, "spike_value_factor": 1}}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	lines := map[string][][]string{
		"fluxd":      {{"--help"}, {"--version"}},
		"run":        {{"run", "--list"}, {"run", idle, "--for", "20ms", "--plain"}},
		"sim":        {{"sim", "lightseeker", "--for", "1s"}, {"sim", "wallfollow", "--for", "2s"}},
		"check":      {{"check", idle}},
		"pins":       {{"pins"}, {"pins", idle}},
		"probe":      {{"probe", idle}},
		"play":       {{"play", idle, "--until", "1s"}},
		"plot":       {{"plot", idle, "--until", "100ms"}},
		"export":     {{"export", idle}},
		"import":     {{"import", tennlab}},
		"schema":     {{"schema"}},
		"bench":      {{"bench", "--write", "a"}},
		"help":       {{"help", "run"}},
		"bash":       {{"completion", "bash"}},
		"zsh":        {{"completion", "zsh"}},
		"fish":       {{"completion", "fish"}},
		"powershell": {{"completion", "powershell"}},
		"completion": {{"completion", "--help"}},
		"halt":       {{"halt", idle}},
		"init":       {{"init", "rover", "--yes", "--output", "-"}},
		"doctor":     {{"doctor", "--help"}}, // what it finds differs from one call to the next
		"pair":       {{"pair", "--help"}},   // its result, a password, is different each time
	}
	root := commands(func(io.Writer) *slog.Logger { return slog.New(slog.DiscardHandler) })
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	var walk func(c *cobra.Command)
	walk = func(c *cobra.Command) {
		all, known := lines[c.Name()]
		if !known && !c.Hidden {
			t.Errorf("%s: no command line in this test that makes it print a result", c.CommandPath())
		}
		for _, args := range all {
			code, result, errs := fluxd(args...)
			if code != 0 || result == "" {
				t.Errorf("%v: exit %d, wrote %d bytes: %s", args, code, len(result), errs)
				continue
			}
			for _, room := range []int{0, len(result) / 2, len(result) - 1} {
				var errs bytes.Buffer
				code := execute(context.Background(), args, &full{room}, &errs)
				if code != exitFailure || !strings.Contains(errs.String(), errFull.Error()) {
					t.Errorf("%v with room for %d of %d bytes: exit %d: %s", args, room, len(result), code, errs.String())
				}
			}
		}
		for _, inner := range c.Commands() {
			walk(inner)
		}
	}
	walk(root)
}
