package logs

import (
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"
)

// maxLines bounds the log lines that wait to be written.
const maxLines = 1024

// closePatience is how long Close waits for lines that are not yet written.
const closePatience = time.Second

// Lines writes log lines in a separate goroutine. A stopped terminal, or a pipe that is not read, may block a write forever, and
// the caller of Write may be the goroutine that keeps the robot safe. When the queue is full, lines are dropped and counted.
type Lines struct {
	to      io.Writer
	queue   chan []byte // nil ends the goroutine
	dropped atomic.Uint64
	report  func(dropped uint64) []byte // returns the line that reports them
	ended   chan struct{}
	closing sync.Once
}

// NewLines returns a writer of lines to another writer. Close ends it.
func NewLines(to io.Writer) *Lines {
	return newLines(to, func(dropped uint64) []byte {
		return fmt.Appendf(nil, "%d log lines were dropped: the log was not read\n", dropped)
	})
}

func newLines(to io.Writer, report func(uint64) []byte) *Lines {
	l := &Lines{to: to, report: report, queue: make(chan []byte, maxLines), ended: make(chan struct{})}
	go l.write()
	return l
}

// Write queues one line. It never waits.
func (l *Lines) Write(line []byte) (int, error) {
	select {
	case l.queue <- append([]byte(nil), line...):
	default:
		l.dropped.Add(1)
	}
	return len(line), nil
}

func (l *Lines) write() {
	defer close(l.ended)
	for line := range l.queue {
		if line == nil {
			return
		}
		if n := l.dropped.Swap(0); n > 0 {
			_, _ = l.to.Write(l.report(n))
		}
		_, _ = l.to.Write(line) // an error of the log cannot be logged
	}
}

// Close writes the lines in the queue, for closePatience at most.
func (l *Lines) Close() {
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
