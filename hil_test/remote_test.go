package hil_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// remote runs the suite on a Raspberry Pi by ssh. The suite and the daemon are built here, copied into a temporary folder there,
// and deleted afterwards. ssh must be able to log in with a key or an agent: it cannot ask for a password.
func remote(name string, add func(result)) error {
	machine, err := ssh("uname -m")
	if err != nil {
		return err
	}
	environment := map[string][]string{
		"aarch64": {"GOARCH=arm64"},
		"armv7l":  {"GOARCH=arm", "GOARM=6"},
		"armv6l":  {"GOARCH=arm", "GOARM=6"},
		"x86_64":  {"GOARCH=amd64"}, // for TestSuiteOverSSH
	}[machine]
	if environment == nil {
		return fmt.Errorf("%s: its processor is %q, expected aarch64, armv7l or armv6l", *host, machine)
	}
	work, err := os.MkdirTemp("", "fluxd-hil-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	suite, daemon, err := crossBuild(work, environment...)
	if err != nil {
		return err
	}
	folder, err := ssh("mktemp -d")
	if err != nil {
		return err
	}
	defer ssh("rm -rf '" + folder + "'")
	scp := exec.Command("scp", "-q", "-o", "BatchMode=yes", suite, daemon, *host+":"+folder+"/")
	if out, err := scp.CombinedOutput(); err != nil {
		return fmt.Errorf("scp to %s: %w: %s", *host, err, out)
	}
	ctx, cancel := context.WithTimeout(context.Background(), machinePatience())
	defer cancel()
	run := "cd '" + folder + "' && ./suite " + suiteArguments(name, folder+"/fluxd") + " </dev/null 2>&1"
	there := exec.CommandContext(ctx, "ssh", "-o", "BatchMode=yes", *host, run)
	out, err := there.StdoutPipe()
	if err != nil {
		return err
	}
	if err := there.Start(); err != nil {
		return err
	}
	defer there.Wait()
	return listen(ctx, out, add, nil)
}

func ssh(command string) (string, error) {
	out, err := exec.Command("ssh", "-o", "BatchMode=yes", *host, command).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("ssh %s %s: %w: %s", *host, command, err, out)
	}
	return strings.TrimSpace(string(out)), nil
}

// remote builds, copies, runs and deletes the suite, and its results are in the report. In this test, ssh and scp are scripts
// that stay on this machine.
func TestSuiteOverSSH(t *testing.T) {
	if under.name() != "sim" || runtime.GOOS != "linux" {
		t.Skip("a test of the harness: once is enough, on sim")
	}
	if chips, _ := filepath.Glob("/dev/gpiochip*"); chips != nil {
		t.Skip("this machine has GPIO pins, which this test must not move")
	}
	scripts, there := t.TempDir(), t.TempDir()
	for name, text := range map[string]string{
		"ssh": "#!/bin/sh\nshift 2\necho \"$1\" >>" + there + "/hosts\nshift\nTMPDIR=" + there + " exec sh -c \"$*\"\n",
		"scp": "#!/bin/sh\ncp \"$4\" \"$5\" \"${6#*:}\"\n",
	} {
		if err := os.WriteFile(filepath.Join(scripts, name), []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", scripts+":"+os.Getenv("PATH"))
	defer func(before string) { *host = before }(*host)
	*host = "pi@robot"
	var results []result
	if err := remote("pi", func(r result) { results = append(results, r) }); err != nil {
		t.Fatal(err)
	}
	const want = "no GPIO chip is a Raspberry Pi's"
	if len(results) != 1 || results[0].Verdict != failed || !strings.Contains(results[0].Figures, want) {
		t.Errorf("from a machine without pins: %+v", results)
	}
	hosts, err := os.ReadFile(filepath.Join(there, "hosts"))
	if err != nil || !strings.HasPrefix(string(hosts), "pi@robot\n") {
		t.Errorf("ssh went to %q, %v", hosts, err)
	}
	if left, _ := filepath.Glob(there + "/tmp.*"); left != nil {
		t.Errorf("left behind: %v", left)
	}
}
