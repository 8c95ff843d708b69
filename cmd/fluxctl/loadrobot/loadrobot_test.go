package loadrobot

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"fluxd/bridge/protocol"
)

// executed runs a command line. It returns the request that was sent, what was printed, and the error.
func executed(answer protocol.Response, args ...string) (sent *protocol.Request, printed string, err error) {
	var out bytes.Buffer
	asked := 0
	c := Command(func(c *cobra.Command, r protocol.Request, to io.Writer, text func(protocol.Response) string) error {
		switch asked++; {
		case asked == 2: // it starts
			return errors.New("no robot")
		case asked > 2:
			answer.Robot.Restart = asked == 3 // it has not ended yet
			text(answer)
			return nil
		}
		sent = &r
		if answer.Error != nil {
			return fmt.Errorf("refused: %w", answer.Error)
		}
		_, err := fmt.Fprintln(to, text(answer))
		return err
	})
	c.SilenceUsage, c.SilenceErrors = true, true
	c.SetContext(context.Background())
	c.SetArgs(args)
	c.SetOut(&out)
	c.SetErr(&out)
	err = c.Execute()
	return sent, out.String(), err
}

func TestRequestsAndAnswers(t *testing.T) {
	file := filepath.Join(t.TempDir(), "robot.yaml")
	if err := os.WriteFile(file, []byte("robot: r\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	one := &protocol.SentFile{SHA256: strings.Repeat("ab", 32), By: "ann", Time: 1_700_000_000_000}
	for _, c := range []struct {
		args   string
		answer protocol.RobotFile
		want   protocol.Request
		says   string
	}{
		{file, protocol.RobotFile{Waits: one}, protocol.Request{File: "robot: r\n"}, "tries it at its next start"},
		{file + " --restart", protocol.RobotFile{Waits: one, Restart: true}, protocol.Request{File: "robot: r\n", Restart: true},
			"on trial"},
		{"--restart", protocol.RobotFile{Waits: one, Restart: true}, protocol.Request{Restart: true},
			"with the new file, on trial\n"},
		{"--restart", protocol.RobotFile{Restart: true}, protocol.Request{Restart: true},
			"the robot starts again\nit runs, with its own file\n"},
		{"--confirm", protocol.RobotFile{Runs: one}, protocol.Request{Confirm: true}, "confirmed"},
		{"--back", protocol.RobotFile{Runs: one, Restart: true}, protocol.Request{Back: true},
			"starts again with the file before\nit runs, with the confirmed file abababababab\n"},
		{"--restart", protocol.RobotFile{Runs: one, Trial: true, Left: protocol.Seconds(10 * time.Minute), Restart: true},
			protocol.Request{Restart: true}, "it runs, on trial for 10m0s\n"},
		{"--back", protocol.RobotFile{}, protocol.Request{Back: true}, "withdrawn"},
		{"--show", protocol.RobotFile{Own: "/etc/r.yaml", Folder: "/x"}, protocol.Request{},
			"runs      /etc/r.yaml, its own file\nkept in   /x\n"},
		{"--show", protocol.RobotFile{Own: "/etc/r.yaml", Runs: one, Trial: true, Left: protocol.Seconds(83 * time.Second),
			Last: "lost"}, protocol.Request{}, "on trial  for 1m23s more"},
		{"--show", protocol.RobotFile{Runs: one, Waits: one}, protocol.Request{},
			"confirmed\nwaits     abababababab, sent by ann at 2023-11-1"},
	} {
		sent, printed, err := executed(protocol.Response{Robot: &c.answer}, strings.Fields(c.args)...)
		if err != nil || sent == nil || fmt.Sprint(*sent) != fmt.Sprint(c.want) || !strings.Contains(printed, c.says) {
			t.Errorf("%s: sent %+v, printed %q, %v; expected %+v, %q", c.args, sent, printed, err, c.want, c.says)
		}
	}
}

// Mistakes of the file have its name, so that an editor finds the place.
func TestMistakesHaveTheirPlaces(t *testing.T) {
	file := filepath.Join(t.TempDir(), "robot.yaml")
	if err := os.WriteFile(file, []byte("robot: r\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	refusal := &protocol.Error{Code: protocol.InvalidFile, Message: "two mistakes", Mistakes: []protocol.Mistake{
		{Line: 3, Column: 7, Path: "sensors.eye", Message: "expected an address"}, {Message: "no network"}}}
	_, printed, err := executed(protocol.Response{Error: refusal}, file)
	want := file + ":3:7: sensors.eye: expected an address\n" + file + ": no network\n"
	if !errors.Is(err, refusal) || printed != want {
		t.Errorf("%q, %v; expected %q", printed, err, want)
	}
}

// A wrong command line, and a file that no request can carry, send nothing.
func TestNothingIsSent(t *testing.T) {
	folder := t.TempDir()
	long, empty := filepath.Join(folder, "long.yaml"), filepath.Join(folder, "empty.yaml")
	if err := errors.Join(os.WriteFile(long, bytes.Repeat([]byte("\n"), protocol.MaxRequest/2), 0o600),
		os.WriteFile(empty, nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	for args, says := range map[string]string{
		"": "expected a FILE", "--show --confirm": "or one of", "a.yaml --back": "or one of", "--restart --show": "or one of",
		"a b": "at most 1 argument", long: "65538 bytes as a message: expected at most", empty: "empty: expected a robot file",
		filepath.Join(folder, "none"): "no such file", folder: "a directory",
	} {
		sent, _, err := executed(protocol.Response{}, strings.Fields(args)...)
		if sent != nil || err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: sent %+v, %v; expected %q", args, sent, err, says)
		}
	}
}
