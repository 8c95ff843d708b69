package hil_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
)

// remote runs the suite on a Raspberry Pi, by ssh: the suite and the daemon are built here, copied into a folder of their own there, and taken
// away afterwards. A key or an agent lets ssh in; it asks for nothing.
func remote(name string, add func(result)) error {
	machine, err := ssh("uname -m")
	if err != nil {
		return err
	}
	environment := map[string][]string{"aarch64": {"GOARCH=arm64"}, "armv7l": {"GOARCH=arm", "GOARM=6"}, "armv6l": {"GOARCH=arm", "GOARM=6"}, "x86_64": {"GOARCH=amd64"}}[machine]
	if environment == nil {
		return fmt.Errorf("%s is a %q: expected aarch64, armv7l or armv6l", *host, machine)
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
	if out, err := exec.Command("scp", "-q", "-o", "BatchMode=yes", suite, daemon, *host+":"+folder+"/").CombinedOutput(); err != nil {
		return fmt.Errorf("scp to %s: %w: %s", *host, err, out)
	}
	ctx, cancel := context.WithTimeout(context.Background(), machinePatience())
	defer cancel()
	there := exec.CommandContext(ctx, "ssh", "-o", "BatchMode=yes", *host, "cd '"+folder+"' && ./suite "+suiteArguments(name, folder+"/fluxd")+" </dev/null 2>&1")
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
