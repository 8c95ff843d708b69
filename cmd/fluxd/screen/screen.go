// Package screen shows a robot that runs on a terminal:
//
//	s, isTerminal := screen.New(os.Stdout)
//	log := slog.New(slog.NewTextHandler(s, nil)) // the last lines are a part of the picture
//	go s.Show(ended, hint, robot)
//	...
//	s.Leave()
package screen

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"fluxd/bridge/protocol"
	"fluxd/cmd/fluxd/daemon"
	"fluxd/cmd/internal/picture"
	"fluxd/cmd/internal/terminal"
)

// A Screen is the live picture of a robot on a terminal: whether it may move, the world seen from above, actuators, sensors, and
// the last lines of the log. It only reads the robot's state; the robot never waits for it.
type Screen struct {
	file     *os.File
	terminal terminal.Screen // set by Show
	mutex    sync.Mutex
	lines    []string      // the last lines of the log
	started  bool          // Show has been called
	stopped  chan struct{} // closed when Show returns
}

// logLines is the number of log lines in the picture.
const logLines = 5

// New returns false if the output is not a terminal.
func New(w io.Writer) (*Screen, bool) {
	file := terminal.Of(w)
	return &Screen{file: file, stopped: make(chan struct{})}, file != nil
}

// Write adds log lines. It never blocks.
func (s *Screen) Write(text []byte) (int, error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	for line := range strings.Lines(string(text)) {
		s.lines = append(s.lines, strings.TrimRight(line, "\n"))
	}
	s.lines = s.lines[max(0, len(s.lines)-logLines):]
	return len(text), nil
}

// Show draws until the robot has ended.
func (s *Screen) Show(ended <-chan struct{}, hint string, r *daemon.Robot) {
	s.mutex.Lock()
	s.started = true
	s.mutex.Unlock()
	defer close(s.stopped)
	ticker := time.NewTicker(terminal.RedrawEvery)
	defer ticker.Stop()
	s.terminal = terminal.Open(s.file)
	for {
		columns, rows := s.terminal.Size()
		s.terminal.Draw(s.picture(columns-1, rows-1, hint, r), rows)
		select {
		case <-ended:
			return
		case <-ticker.C:
		}
	}
}

// Leave restores the terminal and prints the last lines of the log on it.
func (s *Screen) Leave() {
	s.mutex.Lock()
	started := s.started
	s.mutex.Unlock()
	if started {
		<-s.stopped
		s.terminal.Wipe()
	}
	s.mutex.Lock()
	defer s.mutex.Unlock()
	for _, line := range s.lines {
		fmt.Fprintln(s.file, line)
	}
}

func (s *Screen) picture(columns, rows int, hint string, r *daemon.Robot) string {
	s.mutex.Lock()
	log := slices.Clone(s.lines)
	s.mutex.Unlock()
	name, world := r.Name(), func(int, int) string { return "" }
	if w := r.World(); w != nil {
		world = w.Picture
	}
	return draw(columns, rows, name, hint, log, r.Health(), r.Sensors(), r.Actuators(), world)
}

// The least and the largest height of the world's picture, in lines. A lower one shows nothing recognizable.
const leastMap, mostMap = 8, 24

// draw returns a picture of the given size: the robot's state, the hint, the world, actuators, sensors, and the log with the
// latest line first. The world is drawn into the lines that the other parts leave. If there are too few, a line says so.
func draw(
	columns, rows int, name, hint string, log []string, h protocol.Health,
	sensors, actuators map[string]protocol.Measure, world func(columns, rows int) string,
) string {
	slices.Reverse(log)
	sections := []picture.Section{
		{Lines: picture.Head(name, h, columns), Least: rows},
		{Lines: strings.Split(strings.TrimRight(hint, "\n"), "\n"), Least: rows, Plural: "lines on how to tune it"},
		{Least: rows, Plural: "lines of the world"},
		picture.Actuators(actuators, h.Safety),
		picture.Sensors(sensors, 0),
		{Lines: log, Least: 1},
	}
	left := rows
	for _, s := range sections {
		left -= min(len(s.Lines), s.Least)
		if s.Title != "" {
			left--
		}
	}
	// Shorten the hint to one line if that makes room for the world.
	if hints := &sections[1]; left < leastMap && left+len(hints.Lines)-1 >= leastMap {
		hints.Least = 1
		left += len(hints.Lines) - 1
	}
	if left >= leastMap {
		height := min(left, mostMap)
		if drawn := strings.TrimRight(world(columns, height), "\n"); drawn != "" {
			sections[2].Lines = strings.Split(drawn, "\n")
		}
	} else if world(columns, leastMap) != "" {
		sections[2].Lines = []string{fmt.Sprintf("(the picture of the world needs %d more lines)", leastMap-left)}
	}
	return picture.Draw(columns, rows, sections...)
}
