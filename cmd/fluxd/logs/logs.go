// Package logs writes fluxd's log: as text, as JSON, or for systemd's journal. It never blocks who logs, forges no lines whatever
// the records contain, and hides what stands before the host of a URL: it may be a password.
//
//	log, close := logs.New(os.Stderr, logs.Options{Level: slog.LevelInfo, Format: logs.Text})
//	defer close()
//	logs.Of(log, "broker").Warn("a login failed", "user", name)
//
// A record is of a component: broker, bridge, dashboard, metrics, robot, safety, sensor, actuator, world, board, watchdog, trial
// or supervisor. Sensors and actuators are named by further attributes.
package logs

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"
)

// A Format is how records are written.
type Format string

// The formats. In the journal, each line begins with its priority, which the journal takes as such, and text has no time, since
// the journal has its own.
const (
	Text Format = "text"
	JSON Format = "json"
)

// MarshalText implements encoding.TextMarshaler.
func (f Format) MarshalText() ([]byte, error) { return []byte(f), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (f *Format) UnmarshalText(text []byte) error {
	switch one := Format(text); one {
	case Text, JSON:
		*f = one
		return nil
	}
	return fmt.Errorf("%q: expected text or json", text)
}

// Options are the options of New.
type Options struct {
	Level  slog.Leveler // nil: info
	Format Format       // "": Text
	Direct bool         // write at once: a write to this writer never blocks
}

// component is the key of the attribute that names a component.
const component = "component"

// Of returns a logger for a component.
func Of(log *slog.Logger, name string) *slog.Logger { return log.With(component, name) }

// New returns a logger that writes to a file, and a function that writes what still waits, for a second at most.
func New(to io.Writer, o Options) (log *slog.Logger, close func()) {
	inJournal := InJournal(to)
	close = func() {}
	if !o.Direct {
		lines := newLines(to, func(dropped uint64) []byte {
			var line bytes.Buffer
			record := slog.NewRecord(time.Now(), slog.LevelWarn, "log lines were dropped: the log was not read", 0)
			record.Add("lines", dropped)
			_ = o.handler(&line, inJournal).Handle(context.Background(), record) // a buffer takes everything
			return line.Bytes()
		})
		to, close = lines, lines.Close
	}
	return slog.New(o.handler(to, inJournal)), close
}

func (o Options) handler(to io.Writer, inJournal bool) slog.Handler {
	opts := &slog.HandlerOptions{Level: o.Level, ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		a = clean(a)
		if o.Format == JSON && a.Value.Kind() == slog.KindString {
			a.Key, a.Value = strings.Map(shown, a.Key), slog.StringValue(strings.Map(shown, a.Value.String()))
		}
		return a
	}}
	switch {
	case o.Format == JSON && inJournal:
		p := &prefixed{to: to}
		return &journalJSON{slog.NewJSONHandler(p, opts), p, &sync.Mutex{}}
	case o.Format == JSON:
		return slog.NewJSONHandler(to, opts)
	case inJournal:
		return &journal{to: to, level: o.Level}
	}
	return slog.NewTextHandler(to, opts)
}

// mostText bounds a text in a record, in bytes. The journal breaks lines of 48 kB, and would take what follows as a line by
// itself (journald.conf(5), LineMax).
const mostText = 2000

// userInfo is what stands before the host of a URL.
var userInfo = regexp.MustCompile(`://[^\s"']*@`)

// cleanText hides passwords in URLs, and shortens what is too long.
func cleanText(text string) string {
	long := len(text) > mostText
	if long {
		end := mostText
		for end > 0 && !utf8.RuneStart(text[end]) {
			end--
		}
		text = text[:end]
	}
	if strings.Contains(text, "://") {
		text = userInfo.ReplaceAllString(text, "://xxxxx@")
	}
	if long {
		text += "..."
	}
	return strings.ReplaceAll(text, "\x7f", "\uFFFD") // slog's text leaves it as it is
}

// shown replaces characters that do not print and that JSON does not escape: a terminal may obey them.
func shown(r rune) rune {
	if r >= 0x7f && !strconv.IsPrint(r) {
		return utf8.RuneError
	}
	return r
}

// clean does so for an attribute. Values that are no numbers, times or the like become texts.
func clean(a slog.Attr) slog.Attr {
	a.Key = cleanText(a.Key)
	a.Value = a.Value.Resolve()
	switch a.Value.Kind() {
	case slog.KindString:
		a.Value = slog.StringValue(cleanText(a.Value.String()))
	case slog.KindAny:
		switch v := a.Value.Any().(type) {
		case slog.Level, nil: // of the record itself
		case error:
			a.Value = slog.StringValue(cleanText(v.Error()))
		default:
			a.Value = slog.StringValue(cleanText(fmt.Sprintf("%+v", v)))
		}
	}
	return a
}
