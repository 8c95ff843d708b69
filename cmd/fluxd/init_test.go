package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"fluxd/cmd/fluxd/hardware"
	"fluxd/cmd/fluxd/scaffold"
	"fluxd/configs"
)

// Without a terminal init takes the defaults. Its file is valid, and the commands that it names work as they stand.
func TestInit(t *testing.T) {
	t.Chdir(t.TempDir())
	code, out, errs := fluxd("init", "rover")
	if code != 0 || errs != "" || !strings.HasPrefix(out, "rover.yaml: rover, which follows a black line\n") {
		t.Fatalf("exit %d:\n%s%s", code, out, errs)
	}
	if info, err := os.Stat("rover.yaml"); err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o644 {
		t.Errorf("%v, %v: expected a file that the robot's user may read, too", info, err)
	}
	for _, next := range []string{"fluxd check rover.yaml", "fluxd sim rover.yaml", "fluxd run rover.yaml"} {
		if !strings.Contains(out, next+" ") {
			t.Errorf("no %q in:\n%s", next, out)
		}
	}
	if code, out, errs := fluxd("check", "rover.yaml"); code != 0 || strings.Contains(out+errs, "warning") {
		t.Errorf("check: exit %d:\n%s%s", code, out, errs)
	}
	if code, out, errs := fluxd("sim", "rover.yaml", "--for", "30s"); code != 0 || !strings.Contains(out, "drove a lap after") {
		t.Errorf("sim: exit %d:\n%s%s", code, out, errs)
	}
	text, err := os.ReadFile("rover.yaml")
	if err != nil {
		t.Fatal(err)
	}
	_, line, _ := strings.Cut(string(text), "#   fluxd init ")
	line, _, _ = strings.Cut(line, "\n")
	code, again, errs := fluxd(append([]string{"init", "--output", "-"}, strings.Fields(line)...)...)
	if want := strings.ReplaceAll(string(text), "rover.yaml", "FILE"); code != 0 || again != want {
		t.Errorf("the command in the file makes another one: exit %d\n%s%s", code, again, errs)
	}
}

// The wiring in docs/first-robot.md is that of the robot that init makes by default: make plots draws it.
func TestThePictureOfTheFirstRobot(t *testing.T) {
	const picture = "../../docs/first-robot.svg"
	file := filepath.Join(t.TempDir(), "rover.yaml")
	if code, _, errs := fluxd("init", "rover", "--board", "raspberrypi", "--output", file); code != 0 {
		t.Fatalf("exit %d: %s", code, errs)
	}
	code, drawn, errs := fluxd("pins", file, "--svg")
	if code != 0 {
		t.Fatalf("exit %d: %s", code, errs)
	}
	if *update {
		if err := os.WriteFile(picture, []byte(drawn), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if kept, err := os.ReadFile(picture); err != nil || strings.ReplaceAll(string(kept), "\r\n", "\n") != drawn {
		t.Errorf("%s is not what fluxd pins --svg draws (%v): draw it with go test ./cmd/fluxd -run FirstRobot -update", picture, err)
	}
}

// A file with somebody's work in it stays, unless --force is said; then it keeps its rights. A link counts, wherever it leads.
func TestInitKeepsFiles(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.WriteFile("rover.yaml", []byte("mine"), 0o640); err != nil {
		t.Fatal(err)
	}
	code, _, errs := fluxd("init", "rover")
	if code != exitFailure || !strings.Contains(errs, "rover.yaml: it exists already") || !strings.Contains(errs, "--force") {
		t.Errorf("exit %d: %s", code, errs)
	}
	if text, _ := os.ReadFile("rover.yaml"); string(text) != "mine" {
		t.Fatalf("overwritten: %s", text)
	}
	if code, _, errs := fluxd("init", "rover", "--force"); code != 0 {
		t.Errorf("exit %d: %s", code, errs)
	}
	info, err := os.Stat("rover.yaml")
	if err != nil || info.Size() < 1000 || runtime.GOOS != "windows" && info.Mode().Perm() != 0o640 {
		t.Errorf("%v, %v", info, err)
	}
	if runtime.GOOS == "windows" {
		return // links need a right there
	}
	if err := os.Symlink("nowhere", "link.yaml"); err != nil {
		t.Fatal(err)
	}
	if code, _, errs := fluxd("init", "rover", "-o", "link.yaml"); code != exitFailure || !strings.Contains(errs, "exists already") {
		t.Errorf("exit %d: %s", code, errs)
	}
	if err := os.Mkdir("folder", 0o755); err != nil {
		t.Fatal(err)
	}
	if code, _, errs := fluxd("init", "rover", "-o", "folder", "--force"); code != exitFailure || !strings.Contains(errs, "folder") {
		t.Errorf("exit %d: %s", code, errs)
	}
	left, err := filepath.Glob("*.new-*")
	if err != nil || len(left) != 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// What is wrong is said before anything is written.
func TestInitRefuses(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, c := range []struct {
		args string
		code int
		want string
	}{
		{"init", exitConfig, "expected 1 argument, got none; usage: fluxd init NAME"},
		{"init a b", exitConfig, "expected 1 argument"},
		{"init rover.yaml", exitConfig, "expected a name of letters, digits, _ and -, such as rover; the file is named with --output"},
		{"init rover --motors drv8834", exitConfig, "(did you mean drv8833?)"},
		{"init rover --behaviour line --sensors bh1750", exitConfig, "--sensors bh1750: expected line2 or line5 with --behaviour line"},
		{"init rover --output no/such/folder.yaml", exitFailure, "mkdir -p no/such"},
		{"init rover --probe=maybe", exitConfig, "--probe"},
	} {
		code, out, errs := fluxd(strings.Fields(c.args)...)
		if code != c.code || out != "" || !strings.Contains(errs, c.want) {
			t.Errorf("%s: exit %d, want %d: %s%s, want %q", c.args, code, c.code, out, errs, c.want)
		}
	}
	if written, err := os.ReadDir("."); err != nil || len(written) != 0 {
		t.Errorf("written: %v, %v", written, err)
	}
}

// On a Raspberry Pi the robot lives there. A machine without I2C buses is reported and does no harm; --probe=false does not look.
func TestInitOnARaspberryPi(t *testing.T) {
	root := t.TempDir()
	if err := os.MkdirAll(filepath.Join(root, "proc/device-tree"), 0o755); err != nil {
		t.Fatal(err)
	}
	model := filepath.Join(root, "proc/device-tree/model")
	if err := os.WriteFile(model, []byte("Raspberry Pi 4 Model B Rev 1.5\x00"), 0o644); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "robot.yaml")
	code, out, errs := fluxd("init", "rover", "--root", root, "--output", file)
	if code != 0 || !strings.Contains(errs, "This machine is a Raspberry Pi 4 Model B Rev 1.5.\nIt has no bus I2C1.") ||
		!strings.Contains(out, "fluxd sim "+file+" --world line ") {
		t.Fatalf("exit %d:\n%s%s", code, out, errs)
	}
	if text, err := os.ReadFile(file); err != nil || !strings.Contains(string(text), "\nboard: {kind: raspberrypi}\n") {
		t.Errorf("%v\n%s", err, text)
	}
	code, out, errs = fluxd("init", "rover", "--root", root, "--probe=false", "--output", "-")
	if code != 0 || errs != "" || !strings.Contains(out, "\nboard: {kind: raspberrypi}\n") {
		t.Errorf("exit %d:\n%s%s", code, out, errs)
	}
	code, out, errs = fluxd("init", "rover", "--root", root, "--board", "sim", "--output", "-")
	if code != 0 || errs != "" || !strings.Contains(out, "\nboard: {kind: sim, world: line}\n") {
		t.Errorf("exit %d:\n%s%s", code, out, errs)
	}
}

// What answers on the bus of the header is shown, and counts; other buses do not.
func TestInitLooksAtTheBusOfTheHeader(t *testing.T) {
	var shown strings.Builder
	got := answers(&shown, []hardware.BusAnswers{
		{Name: "I2C0", Addresses: []uint16{0x29}},
		{Name: "I2C1", Addresses: []uint16{0x23, 0x5c, 0x09}},
	})
	want := "I2C1 0x23 answers: bh1750 or mcp23017\nI2C1 0x5c answers: bh1750 or pca9685\n" +
		"I2C1 0x09 answers: no device that fluxd knows\n"
	if !slices.Equal(got, []uint16{0x23, 0x5c, 0x09}) || shown.String() != want {
		t.Errorf("%#x:\n%s", got, &shown)
	}
	shown.Reset()
	got = answers(&shown, []hardware.BusAnswers{{Name: "I2C1", Err: errors.New("the bus is stuck")}})
	if got != nil || shown.String() != "I2C1: the bus is stuck\n" {
		t.Errorf("%#x:\n%s", got, &shown)
	}
	shown.Reset()
	if answers(&shown, []hardware.BusAnswers{{Name: "I2C1"}}); shown.String() != "I2C1: nothing answers\n" {
		t.Error(&shown)
	}
}

// A robot for the network is complete once fluxd pair has made its first user: pair asks for no more lines.
func TestInitForTheNetwork(t *testing.T) {
	t.Chdir(t.TempDir())
	if code, _, errs := fluxd("init", "rover", "--reach", "network"); code != 0 {
		t.Fatalf("exit %d: %s", code, errs)
	}
	code, line, notes := fluxd("pair", "ann", "rover.yaml", "--host", "rover.local")
	if code != 0 || !strings.HasPrefix(line, "fluxd1/rover/rover.local:8883,") || strings.Contains(notes, "mqtt:") {
		t.Fatalf("exit %d:\n%s%s", code, line, notes)
	}
	config, err := configs.Load("rover.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{config.MQTT.Passwords, config.MQTT.TLS.Certificate, config.Dashboard.TLS.Key} {
		if info, err := os.Stat(file); err != nil || info.Size() == 0 {
			t.Errorf("fluxd pair has not made %s: %v", file, err)
		}
	}
}

// The shell completes what each flag can be.
func TestInitCompletes(t *testing.T) {
	for i := range scaffold.Questions {
		q := &scaffold.Questions[i]
		_, out, _ := fluxd("__complete", "init", "rover", "--"+q.Flag, "")
		for _, name := range q.Names() {
			if !strings.Contains(out, name+"\n") {
				t.Errorf("--%s: no %s in %q", q.Flag, name, out)
			}
		}
	}
}

// A result that is lost on a full disk is an error.
func TestInitToAFullDisk(t *testing.T) {
	var errs strings.Builder
	if code := execute(context.Background(), []string{"init", "rover", "--output", "-"}, &full{100}, &errs); code != exitFailure ||
		!strings.Contains(errs.String(), "the result could not be written") {
		t.Errorf("exit %d: %s", code, &errs)
	}
}
