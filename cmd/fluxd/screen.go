package main

import (
	"fluxd/bridge/protocol"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"fluxd/cmd/fluxd/daemon"

	"golang.org/x/term"
)

// screen is the live picture of a robot on a terminal: the world seen from above, what it senses and does, and the last lines of
// the log. It only looks: nothing waits for it.
type screen struct {
	terminal *os.File
	mutex    sync.Mutex
	lines    []string // the last of the log
	stopped  chan struct{}
	started  bool
}

const (
	screenRate = 100 * time.Millisecond
	logLines   = 5
)

// newScreen reports false when the output is no terminal.
func newScreen(w io.Writer) (*screen, bool) {
	f, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return nil, false
	}
	return &screen{terminal: f, stopped: make(chan struct{})}, true
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
	ticker := time.NewTicker(screenRate)
	defer ticker.Stop()
	fmt.Fprint(s.terminal, "\x1b[2J\x1b[?25l") // clear, hide the cursor
	for {
		fmt.Fprint(s.terminal, s.picture(hint, r))
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
		fmt.Fprint(s.terminal, "\x1b[2J\x1b[H\x1b[?25h")
	}
	s.mutex.Lock()
	defer s.mutex.Unlock()
	for _, line := range s.lines {
		fmt.Fprintln(s.terminal, line)
	}
}

func (s *screen) picture(hint string, r *daemon.Robot) string {
	width, height, err := term.GetSize(int(s.terminal.Fd()))
	if err != nil {
		width, height = 80, 24
	}
	var text strings.Builder
	text.WriteString(hint)
	text.WriteString("\n")
	status := measures(r.Sensors()) + measures(r.Actuators())
	used := strings.Count(hint, "\n") + strings.Count(status, "\n") + logLines + 3
	if arena := r.Arena(); arena != nil && height-used >= 8 {
		rows := min(height-used, 24)
		text.WriteString(arena.Map(min(width-1, rows*8/3), rows))
		text.WriteString("\n")
	}
	text.WriteString(status)
	health := r.Health()
	fmt.Fprintf(&text, "%.0f spikes/s, loop latency p99 %d us", health.SpikesPerSecond, health.Latency.P99)
	if e := health.EdgeToWrite; e.Count > 0 {
		fmt.Fprintf(&text, ", edge to write p99 %d us", e.P99)
	}
	text.WriteString("\n")
	s.mutex.Lock()
	lines := slices.Clone(s.lines)
	s.mutex.Unlock()
	for _, line := range lines {
		text.WriteString(line + "\n")
	}
	// Each line is cut to the terminal and clears what was to its right; what is left below is cleared too.
	var out strings.Builder
	out.WriteString("\x1b[H")
	shown := 0
	for line := range strings.Lines(text.String()) {
		if shown++; shown >= height {
			break
		}
		runes := []rune(strings.TrimRight(line, "\n"))
		out.WriteString(string(runes[:min(len(runes), width-1)]) + "\x1b[K\r\n")
	}
	out.WriteString("\x1b[J")
	return out.String()
}

// measures writes one line a measure, sorted by name, with a bar for those without a unit: they are shares of full scale.
func measures(all map[string]protocol.Measure) string {
	names := make([]string, 0, len(all))
	for name := range all {
		names = append(names, name)
	}
	slices.Sort(names)
	var text strings.Builder
	for _, name := range names[:min(len(names), 8)] {
		m := all[name]
		switch v := m.Value.(type) {
		case float64:
			bar := ""
			if m.Unit == "" {
				length := min(20, int(max(v, -v)*20+0.5))
				bar = strings.Repeat("#", length)
			}
			fmt.Fprintf(&text, "%-14s %8.2f %-3s %s\n", name, v, m.Unit, bar)
		default:
			fmt.Fprintf(&text, "%-14s %v\n", name, v)
		}
	}
	return text.String()
}
