package logs

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// written returns what a logger writes, in each of the formats.
func written(format Format, inJournal bool, use func(*slog.Logger)) string {
	var out bytes.Buffer
	use(slog.New(Options{Level: slog.LevelDebug, Format: format}.handler(&out, inJournal)))
	return out.String()
}

// formats are all ways in which a record can be written.
var formats = []struct {
	format    Format
	inJournal bool
}{{Text, false}, {JSON, false}, {Text, true}, {JSON, true}}

func TestTheFormats(t *testing.T) {
	use := func(log *slog.Logger) {
		log = Of(log, "broker")
		log.Warn("a login failed", "user", "ann", "refused", 3, "after", 2*time.Second, "error", errors.New("no such user"))
		log.Debug("details")
	}
	if got := written(Text, true, use); got !=
		"<4>broker: a login failed user=ann refused=3 after=2s error=\"no such user\"\n<7>broker: details\n" {
		t.Errorf("journal: %s", got)
	}
	if got := written(Text, false, use); !regexp.MustCompile(`^time=\S+ level=WARN msg="a login failed" component=broker user=ann ` +
		`refused=3 after=2s error="no such user"\ntime=\S+ level=DEBUG msg=details component=broker\n$`).MatchString(got) {
		t.Errorf("text: %s", got)
	}
	for _, inJournal := range []bool{false, true} {
		got := written(JSON, inJournal, use)
		lines := strings.Split(strings.TrimSuffix(got, "\n"), "\n")
		if inJournal && (!strings.HasPrefix(lines[0], "<4>{") || !strings.HasPrefix(lines[1], "<7>{")) {
			t.Errorf("JSON in the journal: %s", got)
		}
		var record map[string]any
		if err := json.Unmarshal([]byte(strings.TrimPrefix(lines[0], "<4>")), &record); err != nil || len(lines) != 2 ||
			record["component"] != "broker" || record["level"] != "WARN" || record["msg"] != "a login failed" ||
			record["refused"] != 3.0 || record["error"] != "no such user" || record["time"] == nil {
			t.Errorf("JSON: %v in %s", err, got)
		}
	}
	levels := written(Text, true, func(log *slog.Logger) {
		log.Error("e")
		log.Info("i", slog.Group("g", "a", 1))
		log.WithGroup("h").Info("x", "b", 2)
	})
	if levels != "<3>e\n<6>i g.a=1\n<6>x h.b=2\n" {
		t.Errorf("levels: %q", levels)
	}
	quiet := slog.New((&Options{}).handler(&bytes.Buffer{}, true))
	if quiet.Enabled(t.Context(), slog.LevelDebug) || !quiet.Enabled(t.Context(), slog.LevelInfo) {
		t.Error("without a level, the level is not info")
	}
}

// Names, topics and users come from the network. Whatever they are, a record is one line, as long as the journal keeps in one,
// without a character that a terminal obeys.
func TestHostileTextForgesNoLine(t *testing.T) {
	hostile := rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{
		"x\n<0>kernel: panic", "\r\ntime=2026 level=ERROR msg=forged", "\x1b[2J\x1b]0;title\a", "a\u2028b\u0085c", "\xff\xfe", "",
		strings.Repeat("x", 100_000), strings.Repeat("\u20ac\n", 50_000), `" level=ERROR msg="forged`, "\u202eevil",
	}))
	rapid.Check(t, func(t *rapid.T) {
		message, key, value, of := hostile.Draw(t, "message"), hostile.Draw(t, "key"), hostile.Draw(t, "value"), hostile.Draw(t, "of")
		for _, f := range formats {
			got := written(f.format, f.inJournal, func(log *slog.Logger) {
				Of(log, of).Info(message, key, value, "error", errors.New(value), "list", []string{value})
			})
			if strings.Count(got, "\n") != 1 || !strings.HasSuffix(got, "\n") || len(got) > 48<<10 {
				t.Fatalf("%v: %d bytes, %d lines: %.300q", f, len(got), strings.Count(got, "\n"), got)
			}
			for _, c := range got[:len(got)-1] {
				if c < ' ' || c > '~' && !strconv.IsPrint(c) {
					t.Fatalf("%v: a control character in %.300q", f, got)
				}
			}
			if f.format == JSON {
				if err := json.Unmarshal([]byte(strings.TrimPrefix(got, "<6>")), &map[string]any{}); err != nil {
					t.Fatalf("%v: %v in %.300q", f, err, got)
				}
			}
			if f.inJournal && (!strings.HasPrefix(got, "<6>") || strings.HasPrefix(got[3:], "<")) && f.format == JSON {
				t.Fatalf("%v: %.300q", f, got)
			}
		}
	})
}

// A password in a URL is in no log, wherever the URL is in a record.
func TestPasswordsInURLsAreHidden(t *testing.T) {
	for _, url := range []string{
		"tcp://ann:sesame@host:1883", "nats://sesame@hub:7422", "ssl://ann:p/sesame@host:1", "tls://ann:a@sesame@host:1",
		"dial tcp://ann:sesame@host:1883: refused", strings.Repeat("x", mostText-30) + " tcp://ann:sesame@host:1883",
	} {
		for _, f := range formats {
			got := written(f.format, f.inJournal, func(log *slog.Logger) {
				log.With("broker", url).Error("lost "+url, "error", fmt.Errorf("dial: %w", errors.New(url)), "all", []string{url}, url, 1)
			})
			if strings.Contains(got, "sesame") {
				t.Errorf("%v: %s", f, got)
			}
			if len(url) < 100 && !strings.Contains(got, "xxxxx@h") {
				t.Errorf("%v: the host is gone: %s", f, got)
			}
		}
	}
	got := written(Text, true, func(log *slog.Logger) { log.Info("connected", "broker", "tcp://host:1883") })
	if got != "<6>connected broker=tcp://host:1883\n" {
		t.Errorf("a URL without a password: %s", got)
	}
}

func TestFormatsByName(t *testing.T) {
	for name, ok := range map[string]bool{"text": true, "json": true, "": false, "JSON": false, "xml": false} {
		var f Format
		if err := f.UnmarshalText([]byte(name)); (err == nil) != ok || ok && string(f) != name {
			t.Errorf("%q: %v, %v", name, f, err)
		}
	}
}

// Lost lines are reported in the format of the log.
func TestLostLinesAreARecord(t *testing.T) {
	terminal := &stopped{goOn: make(chan struct{})}
	log, end := New(terminal, Options{Format: JSON})
	for range maxLines + 10 {
		log.Info("more")
	}
	close(terminal.goOn)
	end()
	reported := false
	for line := range strings.Lines(terminal.String()) {
		var record struct {
			Level, Msg string
			Lines      int
		}
		if err := json.Unmarshal([]byte(line), &record); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		if strings.HasPrefix(record.Msg, "log lines were dropped") && record.Level == "WARN" && record.Lines > 0 {
			reported = true
		}
	}
	if !reported {
		t.Error("the loss is not reported")
	}
}
