//go:build unix

// Package docs holds README.md, CONTRIBUTING.md and the pages of this folder to the programs that they describe: every command in
// a console block is run, and what it prints is compared; commands within the text exist, with the flags that they are shown
// with; links lead somewhere.
//
// A console block is a transcript: a line that begins with "$ " is a command for the shell, the lines below are its output. The
// line "..." stands for any lines, "..." within a line for any text. A command without output below it has to succeed. A comment
// on the line before a block says what is special about it:
//
//	<!-- file: seeker.yaml -->                   the block, in any language, is this file
//	<!-- runs until the end of the page -->      its commands do not end by themselves
//	<!-- fails -->                               its commands fail; their errors are compared too
//	<!-- not run: needs a Raspberry Pi -->       and why
//
// Each page runs in a separate folder, which looks like the source tree. That of first-robot.md is empty: its reader has the
// programs and nothing else.
package docs

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// patience is how long a command may take before it counts as hanging, on a machine that is ten times as slow as a slow one.
const patience = 2 * time.Minute

// pages are the files that are held to the programs, by their paths from the root of the source.
func pages(t *testing.T) []string {
	t.Helper()
	all, err := filepath.Glob("*.md")
	if err != nil {
		t.Fatal(err)
	}
	lessons, err := filepath.Glob("lessons/*.md")
	if err != nil || len(lessons) == 0 {
		t.Fatal("no lessons: ", err)
	}
	all = append(all, lessons...)
	paths := []string{"README.md", "CONTRIBUTING.md"}
	for _, name := range all {
		paths = append(paths, "docs/"+name)
	}
	return paths
}

// A block is a fenced block of a page.
type block struct {
	line     int // of the opening fence, from 1
	language string
	special  string // the comment before it, without its marks
	lines    []string
}

// A step is a command of a console block and what it prints.
type step struct {
	line    int
	command string
	output  []string
}

var (
	comment  = regexp.MustCompile(`^<!-- (.*) -->$`)
	fence    = regexp.MustCompile("^```([a-z]*)$")
	indented = regexp.MustCompile(`^    (\$ |sudo |make |go |git |(bin/)?fluxd |(bin/)?fluxctl )`)
)

// blocks reads the fenced blocks of a page. A command in an indented block is a mistake: nothing would run it.
func blocks(t *testing.T, path string) (found []block) {
	t.Helper()
	text, err := os.ReadFile("../" + path)
	if err != nil {
		t.Fatal(err)
	}
	var open *block
	special := ""
	for i, line := range strings.Split(string(text), "\n") {
		switch m := fence.FindStringSubmatch(line); {
		case open != nil && line == "```":
			found = append(found, *open)
			open = nil
		case open != nil:
			open.lines = append(open.lines, line)
		case m != nil:
			open = &block{line: i + 1, language: m[1], special: special}
		case indented.MatchString(line):
			t.Errorf("%s:%d: %q: expected commands in a console block, which is run", path, i+1, strings.TrimSpace(line))
		}
		special = ""
		if m := comment.FindStringSubmatch(line); m != nil && open == nil {
			special = m[1]
		}
	}
	if open != nil {
		t.Errorf("%s:%d: the block does not end", path, open.line)
	}
	return found
}

// steps takes a console block apart.
func steps(t *testing.T, path string, b block) (all []step) {
	t.Helper()
	for i, line := range b.lines {
		switch command, is := strings.CutPrefix(line, "$ "); {
		case is:
			all = append(all, step{line: b.line + 1 + i, command: command})
		case len(all) == 0:
			t.Errorf("%s:%d: %q: expected a command after \"$ \"", path, b.line+1+i, line)
		default:
			last := &all[len(all)-1]
			last.output = append(last.output, line)
		}
	}
	return all
}

// expect holds what a command has printed against a page.
func (s step) expect(printed string) error {
	if len(s.output) == 0 {
		return nil
	}
	pattern := "^"
	for _, line := range s.output {
		if line = strings.TrimRight(line, " "); line == "..." {
			pattern += `(?:.*\n)*?`
		} else {
			pattern += strings.ReplaceAll(regexp.QuoteMeta(line), `\.\.\.`, `.*`) + `\n`
		}
	}
	var trimmed []string
	for line := range strings.Lines(printed) {
		trimmed = append(trimmed, strings.TrimRight(line, " \n")+"\n")
	}
	if regexp.MustCompile(pattern + "$").MatchString(strings.Join(trimmed, "")) {
		return nil
	}
	return fmt.Errorf("the page shows:\n%s\nit prints:\n%s", strings.Join(s.output, "\n"), printed)
}

// built is the folder of the programs, once a test has asked for them.
var built string

// programs builds fluxd and fluxctl, once.
var programs = sync.OnceValues(func() (folder string, err error) {
	if folder, err = os.MkdirTemp("", "fluxd-docs"); err != nil {
		return "", err
	}
	built = folder
	build := exec.Command("go", "build", "-o", folder, "./cmd/fluxd", "./cmd/fluxctl")
	build.Dir = ".."
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%v\n%s", err, out)
	}
	return folder, nil
})

func TestMain(m *testing.M) {
	code := m.Run()
	os.RemoveAll(built) // nothing, when no test has built them
	os.Exit(code)
}

// A place is a folder that looks like the source tree, in which the commands of one page run. Its robots have a broker on a free
// port instead of 1883, which something else may have.
type place struct {
	folder, root string
	environment  []string
	broker       string
	attributes   syscall.SysProcAttr // of every process
}

func newPlace(t *testing.T) *place {
	t.Helper()
	folder, err := programs()
	if err != nil {
		t.Fatal(err)
	}
	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &place{folder: t.TempDir(), root: root, broker: free.Addr().String()}
	if err := free.Close(); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(root)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if name := e.Name(); name != "bin" && !strings.HasPrefix(name, ".") {
			if err := os.Symlink(filepath.Join(root, name), filepath.Join(p.folder, name)); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := os.Mkdir(filepath.Join(p.folder, "bin"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join(folder, "fluxctl"), filepath.Join(p.folder, "bin/fluxctl")); err != nil {
		t.Fatal(err)
	}
	// The demo without an argument is the same robot with the other port, and so are the robots of the lessons.
	demo, err := os.ReadFile(filepath.Join(root, "configs/robots/lightseeker.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	p.write(t, "lightseeker.yaml", string(demo))
	lessons, err := filepath.Glob(filepath.Join(root, "docs/lessons/*.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	for _, lesson := range lessons {
		robot, err := os.ReadFile(lesson)
		if err != nil {
			t.Fatal(err)
		}
		p.write(t, filepath.Base(lesson), string(robot))
	}
	script := fmt.Sprintf(`#!/bin/sh
case "$*" in
init*)
	'%[1]s' "$@" && for robot in *.yaml; do
		sed 's/^  broker: embedded .*/  listen: "%[2]s"/' "$robot" >"$robot.new" && mv "$robot.new" "$robot" || exit
	done
	exit;;
run | 'run --open') shift; set -- run lightseeker.yaml "$@";;
'run docs/lessons/'*) robot=${2#docs/lessons/}; shift 2; set -- run "$robot" "$@";;
esac
exec '%[1]s' "$@"
`, filepath.Join(folder, "fluxd"), p.broker)
	if err := os.WriteFile(filepath.Join(p.folder, "bin/fluxd"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, opener := range []string{"xdg-open", "open"} { // --open opens no browser here
		if err := os.WriteFile(filepath.Join(p.folder, "bin", opener), []byte("#!/bin/sh\n"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	p.environment = append(os.Environ(), "FLUX_BROKER=tcp://"+p.broker, "NO_COLOR=1",
		"PATH="+filepath.Join(p.folder, "bin")+string(filepath.ListSeparator)+os.Getenv("PATH"))
	return p
}

// empty removes everything but the programs.
func (p *place) empty(t *testing.T) {
	t.Helper()
	entries, err := os.ReadDir(p.folder)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.Name() != "bin" {
			if err := os.Remove(filepath.Join(p.folder, e.Name())); err != nil { // a file or a link
				t.Fatal(err)
			}
		}
	}
}

// write writes a file of a page.
func (p *place) write(t *testing.T, name, text string) {
	t.Helper()
	const embedded = "mqtt: {broker: embedded}"
	if strings.HasPrefix(text, "robot:") && !strings.Contains(text, "\nmqtt:") { // the default
		text += embedded + "\n"
	}
	text = strings.ReplaceAll(text, embedded, "mqtt: {listen: '"+p.broker+"'}")
	path := filepath.Join(p.folder, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// command prepares a command of a page. make run is the demo; what another target does is shown, not done: it may take an hour.
func (p *place) command(ctx context.Context, line string) *exec.Cmd {
	folder := p.folder
	switch first, _, _ := strings.Cut(line, " "); {
	case line == "make run":
		line = "bin/fluxd run"
	case first == "make":
		line, folder = "make -n"+strings.TrimPrefix(line, "make"), p.root
	case first == "go":
		folder = p.root
	}
	c := exec.CommandContext(ctx, "sh", "-c", line)
	c.Dir, c.Env = folder, p.environment
	attributes := p.attributes
	attributes.Setpgid = true
	c.SysProcAttr = &attributes
	c.Cancel = func() error { return syscall.Kill(-c.Process.Pid, syscall.SIGKILL) }
	c.WaitDelay = patience
	return c
}

// run runs a command to its end.
func (p *place) run(t *testing.T, s step, fails bool) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	c := p.command(ctx, s.command)
	var out, problems bytes.Buffer
	c.Stdout, c.Stderr = &out, &problems
	err := c.Run()
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("it does not end by itself:\n%s%s", out.String(), problems.String())
	case fails && err == nil:
		return fmt.Errorf("it was expected to fail, and prints:\n%s", out.String())
	case fails:
		return s.expect(out.String() + problems.String())
	case err != nil:
		return fmt.Errorf("%w:\n%s%s", err, out.String(), problems.String())
	case strings.HasPrefix(s.command, "make "):
		return nil
	}
	return s.expect(out.String())
}

// begin runs a command that does not end by itself, and waits until it works. The end of the page interrupts it, as ctrl-C does.
func (p *place) begin(t *testing.T, s step) error {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	c := p.command(ctx, s.command)
	c.Args[2] = "exec " + c.Args[2] // so that the signal reaches it, and not a shell that waits for it
	started := make(chan struct{})
	out := &firstLine{seen: started}
	c.Stdout, c.Stderr = out, out
	if err := c.Start(); err != nil {
		cancel()
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- c.Wait() }()
	t.Cleanup(func() {
		defer cancel()
		syscall.Kill(-c.Process.Pid, syscall.SIGINT)
		select {
		case err := <-ended:
			if err != nil {
				t.Errorf("%s: after ctrl-C %v:\n%s", s.command, err, out)
			}
		case <-time.After(patience):
			t.Errorf("%s: ctrl-C does not end it:\n%s", s.command, out)
		}
	})
	select {
	case <-started:
	case err := <-ended:
		ended <- err
		return fmt.Errorf("it ends at once, with %v", err)
	case <-time.After(patience):
		return fmt.Errorf("it prints nothing")
	}
	if !strings.Contains(s.command, "run") {
		return nil
	}
	deadline, again := time.After(patience), time.NewTicker(100*time.Millisecond)
	defer again.Stop()
	for { // its broker is a process that has to start
		if p.command(ctx, "fluxctl get").Run() == nil {
			return nil
		}
		select {
		case <-again.C:
		case err := <-ended:
			ended <- err
			return fmt.Errorf("it ends, with %v:\n%s", err, out)
		case <-deadline:
			return fmt.Errorf("the robot does not answer fluxctl get:\n%s", out)
		}
	}
}

// firstLine keeps what a program prints, and says when it has printed a line. As a string it is the end of it.
type firstLine struct {
	mutex sync.Mutex
	text  []byte
	seen  chan struct{}
	once  sync.Once
}

func (f *firstLine) Write(text []byte) (int, error) {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	f.text = append(f.text, text...)
	if bytes.IndexByte(f.text, '\n') >= 0 {
		f.once.Do(func() { close(f.seen) })
	}
	return len(text), nil
}

func (f *firstLine) String() string {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	return string(f.text[max(0, len(f.text)-2000):])
}

// Every command in the documentation works, and prints what the page shows.
func TestDocumentationRuns(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the programs")
	}
	for _, path := range pages(t) {
		t.Run(path, func(t *testing.T) {
			p := newPlace(t)
			if path == firstRobot {
				p.empty(t)
			}
			p.follow(t, path)
		})
	}
}

// follow runs the commands of a page, one after the other.
func (p *place) follow(t *testing.T, path string) {
	t.Helper()
	for _, b := range blocks(t, path) {
		if name, is := strings.CutPrefix(b.special, "file: "); is {
			p.write(t, name, strings.Join(b.lines, "\n")+"\n")
			continue
		}
		reason, excused := strings.CutPrefix(b.special, "not run: ")
		if b.language == "sh" && !excused || excused && reason == "" {
			t.Errorf("%s:%d: expected a console block, or the comment <!-- not run: and why --> before it", path, b.line)
		}
		if b.language != "console" || excused {
			continue
		}
		for _, s := range steps(t, path, b) {
			var err error
			if b.special == "runs until the end of the page" {
				err = p.begin(t, s)
			} else {
				err = p.run(t, s, b.special == "fails")
			}
			if err != nil {
				t.Errorf("%s:%d: %s: %v", path, s.line, s.command, err)
			}
		}
	}
}

const firstRobot = "docs/first-robot.md"

// From nothing to a robot that drives in a simulated world: these commands of the page are among those that are run.
func TestTheFirstRobotIsTried(t *testing.T) {
	var tried []string
	for _, b := range blocks(t, firstRobot) {
		if b.language == "console" && !strings.HasPrefix(b.special, "not run: ") {
			for _, s := range steps(t, firstRobot, b) {
				tried = append(tried, s.command)
			}
		}
	}
	next := 0
	essential := []string{"fluxd init rover", "fluxd check rover.yaml", "fluxd sim rover.yaml", "fluxd run rover.yaml",
		"fluxctl estop", "fluxctl arm", "fluxctl watch", "fluxctl set"}
	for _, command := range tried {
		if next < len(essential) && strings.HasPrefix(command, essential[next]) {
			next++
		}
	}
	if next < len(essential) {
		t.Errorf("%s runs %q: expected %q among them, in this order", firstRobot, tried, essential)
	}
}
