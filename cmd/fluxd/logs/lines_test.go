package logs

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestLogLinesKeepTheirOrder(t *testing.T) {
	var out bytes.Buffer
	l := NewLines(&out)
	want := ""
	for i := range 100 {
		line := fmt.Sprintf("line %d\n", i)
		fmt.Fprint(l, line)
		want += line
	}
	l.Close()
	l.Close()
	if out.String() != want {
		t.Errorf("got %q", out.String())
	}
}

// stopped is a terminal that is stopped with ctrl-S until goOn is closed.
type stopped struct {
	bytes.Buffer
	goOn chan struct{}
}

func (s *stopped) Write(p []byte) (int, error) {
	<-s.goOn
	return s.Buffer.Write(p)
}

func TestStoppedTerminalBlocksNoWriter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		terminal := &stopped{goOn: make(chan struct{})}
		l := NewLines(terminal)
		fmt.Fprintln(l, "first")
		synctest.Wait() // the first line is being written
		for range maxLines + 7 {
			fmt.Fprintln(l, "more")
		}
		start := time.Now()
		l.Close()
		if waited := time.Since(start); waited != closePatience {
			t.Errorf("close waited %v", waited)
		}
		close(terminal.goOn)
		for range maxLines + 10 {
			synctest.Wait()
		}
		if !strings.Contains(terminal.String(), "7 log lines were dropped") {
			t.Errorf("the loss is not reported: %q", terminal.String()[:200])
		}
		l.queue <- nil // ends the goroutine, as close does
		<-l.ended
	})
}
