package main

import (
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"
)

// maxLines bounds the log lines that wait to be written.
const maxLines = 1024

// closePatience is how long close waits for lines that are not yet written.
const closePatience = time.Second

// lines writes log lines in a separate goroutine. A stopped terminal, or a pipe that is not read, may block a write forever, and
// the caller of Write may be the goroutine that keeps the robot safe. When the queue is full, lines are dropped and counted.
type lines struct {
	to      io.Writer
	queue   chan []byte // nil ends the goroutine
	dropped atomic.Uint64
	ended   chan struct{}
	closing sync.Once
}

func newLines(to io.Writer) *lines {
	l := &lines{to: to, queue: make(chan []byte, maxLines), ended: make(chan struct{})}
	go l.write()
	return l
}

// Write queues one line. It never waits.
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
			fmt.Fprintf(l.to, "%d log lines were dropped: the log was not read\n", n)
		}
		_, _ = l.to.Write(line) // an error of the log cannot be logged
	}
}

// close writes the lines in the queue, for closePatience at most.
func (l *lines) close() {
	l.closing.Do(func() {
		patience := time.After(closePatience)
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
