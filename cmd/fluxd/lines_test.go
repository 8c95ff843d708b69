package main

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
	l := newLines(&out)
	want := ""
	for i := range 100 {
		line := fmt.Sprintf("line %d\n", i)
		fmt.Fprint(l, line)
		want += line
	}
	l.close()
	l.close()
	if out.String() != want {
		t.Errorf("got %q", out.String())
	}
}

// stopped is a terminal that was stopped with ctrl-S.
type stopped struct {
	bytes.Buffer
	goOn chan struct{}
}

func (s *stopped) Write(p []byte) (int, error) {
	<-s.goOn
	return s.Buffer.Write(p)
}

func TestAStoppedTerminalHoldsUpNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		terminal := &stopped{goOn: make(chan struct{})}
		l := newLines(terminal)
		fmt.Fprintln(l, "first")
		synctest.Wait() // it is being written
		for range linesWaiting + 7 {
			fmt.Fprintln(l, "more")
		}
		start := time.Now()
		l.close()
		if waited := time.Since(start); waited != lastLines {
			t.Errorf("the end waited %v", waited)
		}
		close(terminal.goOn)
		for range linesWaiting + 10 {
			synctest.Wait()
		}
		if !strings.Contains(terminal.String(), "7 log lines were dropped") {
			t.Errorf("the loss is not told: %q", terminal.String()[:200])
		}
		l.queue <- nil // as close would have
		<-l.ended
	})
}
