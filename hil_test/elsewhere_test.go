package hil_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// machinePatience bounds a whole run of the suite on another machine. It includes the soak.
func machinePatience() time.Duration {
	if *long {
		return 6*time.Minute + *soakTime
	}
	return 6 * time.Minute
}

// suiteArguments returns the arguments of the suite on another machine, quoted for a shell.
func suiteArguments(kind, binary string) string {
	args := []string{"-test.v", "-guest=" + kind, "-fluxd=" + binary}
	if chosen := flag.Lookup("test.run").Value.String(); chosen != "" {
		args = append(args, "-test.run='"+chosen+"'")
	}
	if *long {
		args = append(args, "-long", "-soak="+soakTime.String())
	}
	return strings.Join(args, " ")
}

// crossBuild builds the suite and the daemon for another machine.
func crossBuild(folder string, environment ...string) (suite, daemon string, err error) {
	suite, daemon = filepath.Join(folder, "suite"), filepath.Join(folder, "fluxd")
	for _, args := range [][]string{{"test", "-c", "-o", suite, "."}, {"build", "-o", daemon, "fluxd/cmd/fluxd"}} {
		build := exec.Command("go", args...)
		build.Env = append(append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux"), environment...)
		if out, err := build.CombinedOutput(); err != nil {
			return "", "", fmt.Errorf("%v: go %s: %w\n%s", environment, strings.Join(args, " "), err, out)
		}
	}
	return suite, daemon, nil
}

// listen reads the output of the suite on another machine until the suite is done. The output contains results, and requests to
// act on the hardware from outside. If something fails, all output is written to stderr.
func listen(ctx context.Context, from io.Reader, add func(result), request func(id, what string)) (err error) {
	var log bytes.Buffer
	bad := false
	defer func() {
		if bad || err != nil {
			os.Stderr.Write(log.Bytes())
		}
	}()
	lines := bufio.NewScanner(from)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		line := strings.TrimSpace(lines.Text())
		log.WriteString(line + "\n")
		if asked, ok := strings.CutPrefix(line, "@host "); ok && request != nil {
			id, what, _ := strings.Cut(asked, " ")
			request(id, what)
		} else if text, ok := strings.CutPrefix(line, "@suite case "); ok {
			one, err := parseResult(text)
			if err != nil {
				return err
			}
			add(one)
			fmt.Printf("%s %s %s: %s\n", one.Rig, one.Case, one.Verdict, one.Figures)
			bad = bad || one.Verdict == failed
		} else if code, ok := strings.CutPrefix(line, "@suite done "); ok {
			switch code {
			case "0", "1": // the results show which cases failed
				return nil
			case "99":
				return errors.New("the suite crashed")
			}
			return fmt.Errorf("the suite ended with exit code %s", code)
		}
	}
	if ctx.Err() != nil {
		return fmt.Errorf("not done within %v", machinePatience())
	}
	return errors.New("the machine ended before the suite was done")
}
