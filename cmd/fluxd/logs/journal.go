package logs

import (
	"context"
	"io"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// priority is the beginning of a line of the journal: <N> with the priority of syslog (sd-daemon(3)).
func priority(l slog.Level) string {
	switch {
	case l >= slog.LevelError:
		return "<3>"
	case l >= slog.LevelWarn:
		return "<4>"
	case l >= slog.LevelInfo:
		return "<6>"
	}
	return "<7>"
}

// Mark returns a text for the journal, if a writer goes there: with the priority of an error before each line.
func Mark(to io.Writer, text string) string {
	if !InJournal(to) {
		return text
	}
	var marked strings.Builder
	for line := range strings.Lines(text) {
		marked.WriteString(priority(slog.LevelError) + line)
	}
	return marked.String()
}

// journal writes records for the journal: "<4>broker: a login failed user=ann".
type journal struct {
	to        io.Writer
	level     slog.Leveler // nil: info
	component string
	more      string // attributes of the logger, each with a space before it
	group     string // the prefix of further keys
}

// Enabled implements slog.Handler.
func (j *journal) Enabled(_ context.Context, l slog.Level) bool {
	if j.level == nil {
		return l >= slog.LevelInfo
	}
	return l >= j.level.Level()
}

// Handle implements slog.Handler. It writes a line at once, so lines of several goroutines do not mix.
func (j *journal) Handle(_ context.Context, r slog.Record) error {
	of, more := j.component, j.more
	r.Attrs(func(a slog.Attr) bool {
		of, more = j.add(of, more, j.group, a)
		return true
	})
	line := priority(r.Level)
	if of != "" {
		line += quoted(of) + ": "
	}
	message := cleanText(r.Message)
	if strings.ContainsAny(message, "=\"\\") || !printable(message) {
		message = strconv.Quote(message)
	}
	_, err := io.WriteString(j.to, line+message+more+"\n")
	return err
}

// add adds an attribute.
func (j *journal) add(of, more, group string, a slog.Attr) (string, string) {
	a = clean(a)
	switch {
	case a.Equal(slog.Attr{}):
	case a.Value.Kind() == slog.KindGroup:
		if a.Key != "" {
			group += a.Key + "."
		}
		for _, one := range a.Value.Group() {
			of, more = j.add(of, more, group, one)
		}
	case group == "" && a.Key == component:
		of = a.Value.String()
	default:
		more += " " + quoted(group+a.Key) + "=" + quoted(a.Value.String())
	}
	return of, more
}

// quoted returns a text as it is if it is one plain word, or quoted, as slog's text has it.
func quoted(text string) string {
	if text == "" || strings.ContainsAny(text, " =\"\\") || !printable(text) {
		return strconv.Quote(text)
	}
	return text
}

func printable(text string) bool {
	return strings.IndexFunc(text, func(r rune) bool { return !strconv.IsPrint(r) || r == '\uFFFD' }) < 0
}

// WithAttrs implements slog.Handler.
func (j *journal) WithAttrs(all []slog.Attr) slog.Handler {
	c := *j
	for _, a := range all {
		c.component, c.more = c.add(c.component, c.more, c.group, a)
	}
	return &c
}

// WithGroup implements slog.Handler.
func (j *journal) WithGroup(name string) slog.Handler {
	c := *j
	if name != "" {
		c.group += name + "."
	}
	return &c
}

// journalJSON writes records as JSON, each with its priority before it.
type journalJSON struct {
	slog.Handler
	to    *prefixed
	mutex *sync.Mutex // of to
}

// prefixed puts a prefix before each line.
type prefixed struct {
	to     io.Writer
	prefix string
}

func (p *prefixed) Write(line []byte) (int, error) {
	if _, err := p.to.Write(slices.Concat([]byte(p.prefix), line)); err != nil {
		return 0, err
	}
	return len(line), nil
}

// Handle implements slog.Handler.
func (j *journalJSON) Handle(ctx context.Context, r slog.Record) error {
	j.mutex.Lock()
	defer j.mutex.Unlock()
	j.to.prefix = priority(r.Level)
	return j.Handler.Handle(ctx, r)
}

// WithAttrs implements slog.Handler.
func (j *journalJSON) WithAttrs(all []slog.Attr) slog.Handler {
	return &journalJSON{j.Handler.WithAttrs(all), j.to, j.mutex}
}

// WithGroup implements slog.Handler.
func (j *journalJSON) WithGroup(name string) slog.Handler {
	return &journalJSON{j.Handler.WithGroup(name), j.to, j.mutex}
}
