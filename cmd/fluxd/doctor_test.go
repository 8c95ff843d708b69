package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The exit code says whether something keeps the robot from working; warnings do not.
func TestDoctor(t *testing.T) {
	root := t.TempDir()
	simulated := `robot: net
board: {kind: sim}
network: {neurons: {a: {}}}
mqtt: {broker: none}
`
	for name, c := range map[string]struct {
		args []string
		code int
		want string
	}{
		"simulated":      {[]string{write(t, simulated)}, 0, "board: {kind: sim} works on any machine"},
		"a real board":   {[]string{write(t, wired)}, 1, "run it on the robot"},
		"a mistake":      {[]string{write(t, "robot: 1\n")}, 1, "fluxd check"},
		"no such file":   {[]string{filepath.Join(root, "none.yaml")}, 1, "no such file"},
		"two robots":     {[]string{"a", "b"}, 2, ""},
		"a wrong flag":   {[]string{"--cure"}, 2, ""},
		"nothing at all": {nil, 0, "only the machine is examined"},
	} {
		code, out, errs := fluxd(append([]string{"doctor", "--root", root}, c.args...)...)
		if code != c.code || !strings.Contains(out, c.want) {
			t.Errorf("%s: exit %d: %s%s", name, code, out, errs)
		}
	}
	code, out, _ := fluxd("doctor", "--root", root, "--json", write(t, wired))
	var report struct {
		Problems int
		Findings []struct{ Code, Level string }
	}
	if err := json.Unmarshal([]byte(out), &report); err != nil || code != 1 || report.Problems == 0 || len(report.Findings) < 5 {
		t.Errorf("exit %d, %v: %s", code, err, out)
	}
}

// Without ROBOT it takes that of the service.
func TestDoctorOfTheService(t *testing.T) {
	root := t.TempDir()
	file := filepath.Join(root, "etc/fluxd/robot.yaml")
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(wired), 0o644); err != nil {
		t.Fatal(err)
	}
	if code, out, errs := fluxd("doctor", "--root", root); code != 1 || !strings.Contains(out, "robot wired, board raspberrypi") ||
		strings.Contains(out, "record") {
		t.Errorf("exit %d: %s%s", code, out, errs)
	}
	// What was sent to the service is where the service runs.
	record := filepath.Join(root, "var/lib/fluxd/robot.yaml.loaded/record.json")
	if err := os.MkdirAll(filepath.Dir(record), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(record, []byte("{"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, out, errs := fluxd("doctor", "--root", root, "--json"); !strings.Contains(out, `"robot-file-sent-unreadable"`) {
		t.Errorf("with a damaged record: %s%s", out, errs)
	}
}
