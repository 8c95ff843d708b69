package main

import (
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"
)

// linesWaiting is how many log lines may wait for whoever reads them.
const linesWaiting = 1024

// lastLines is how long the end waits for whoever reads the log.
const lastLines = time.Second

// lines writes log lines from a goroutine of its own. A terminal that was stopped, or a pipe that nobody reads, blocks a write for
// ever: whoever logs must not wait for it, for it may be what keeps the robot safe. What finds no room is dropped and counted.
type lines struct {
	to      io.Writer
	queue   chan []byte
	dropped atomic.Uint64
	ended   chan struct{}
	closing sync.Once
}

func newLines(to io.Writer) *lines {
	l := &lines{to: to, queue: make(chan []byte, linesWaiting), ended: make(chan struct{})}
	go l.write()
	return l
}

// Write takes one line; it never waits.
func (l *lines) Write(line []byte) (int, error) {
	select {
	case l.queue <- append([]byte(nil), line...):
	default:
		l.dropped.Add(1)
	}
	return len(line), nil
}

func (l *lines) write() {
	defer close(l.ended)
	for line := range l.queue {
		if line == nil {
			return
		}
		if n := l.dropped.Swap(0); n > 0 {
			fmt.Fprintf(l.to, "%d log lines were dropped: nobody read them\n", n)
		}
		_, _ = l.to.Write(line) // there is nobody to tell
	}
}

// close writes what waits, for as long as somebody reads it.
func (l *lines) close() {
	l.closing.Do(func() {
		patience := time.After(lastLines)
		select {
		case l.queue <- nil:
		case <-patience:
			return
		}
		select {
		case <-l.ended:
		case <-patience:
		}
	})
}
