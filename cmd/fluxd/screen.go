package main

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

// screen is the live picture of a robot on a terminal: whether it may move, the world seen from above, what it does and senses, and the last
// lines of the log. It only looks: nothing waits for it.
type screen struct {
	file     *os.File
	terminal terminal.Screen // once it has started
	mutex    sync.Mutex
	lines    []string // the last of the log
	stopped  chan struct{}
	started  bool
}

// logLines is how many lines of the log are kept for it.
const logLines = 5

// newScreen reports false when the output is no terminal.
func newScreen(w io.Writer) (*screen, bool) {
	file := terminal.Of(w)
	return &screen{file: file, stopped: make(chan struct{})}, file != nil
}

// Write takes log lines.
func (s *screen) Write(text []byte) (int, error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	for line := range strings.Lines(string(text)) {
		s.lines = append(s.lines, strings.TrimRight(line, "\n"))
	}
	s.lines = s.lines[max(0, len(s.lines)-logLines):]
	return len(text), nil
}

// show draws until the robot has ended.
func (s *screen) show(ended <-chan struct{}, hint string, r *daemon.Robot) {
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

// leave gives the terminal back, the rest of the log on it.
func (s *screen) leave() {
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

func (s *screen) picture(columns, rows int, hint string, r *daemon.Robot) string {
	s.mutex.Lock()
	log := slices.Clone(s.lines)
	s.mutex.Unlock()
	name, world := r.Name(), func(int, int) string { return "" }
	if w := r.World(); w != nil {
		world = w.Picture
	}
	return draw(columns, rows, name, hint, log, r.Health(), r.Sensors(), r.Actuators(), world)
}

// The size of the world's picture, in lines. Below the least nothing can be made out.
const leastMap, mostMap = 8, 24

// draw makes a picture of a size: whether the robot may move and how it does, how to tune it, the world, what it does and senses, and the log, the
// latest line first. The world has what the rest leaves of the room; without enough it says so.
func draw(columns, rows int, name, hint string, log []string, h protocol.Health, sensors, actuators map[string]protocol.Measure, world func(columns, rows int) string) string {
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
	if how := &sections[1]; left < leastMap && left+len(how.Lines)-1 >= leastMap { // it has been read, or there is a larger window for it
		how.Least = 1
		left += len(how.Lines) - 1
	}
	if left >= leastMap {
		height := min(left, mostMap)
		if drawn := strings.TrimRight(world(columns, height), "\n"); drawn != "" {
			sections[2].Lines = strings.Split(drawn, "\n")
		}
	} else if world(columns, leastMap) != "" {
		sections[2].Lines = []string{fmt.Sprintf("(for the world there are too few lines, by %d)", leastMap-left)}
	}
	return picture.Draw(columns, rows, sections...)
}
