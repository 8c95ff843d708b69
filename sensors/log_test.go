package sensors_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"fluxd/sensors"
)

var _ sensors.Sensor = (*sensors.Log)(nil)

const walk = "front, left ,way\n0.438,5.000,ahead\n1.5,0.25, left\n-2,1e-05,\"sharp, left\"\n"

func recording(t *testing.T, text string) *sensors.Recording {
	t.Helper()
	rec, err := sensors.ReadRecording("walk.csv", strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return rec
}

func TestRecording(t *testing.T) {
	var zipped bytes.Buffer
	w := gzip.NewWriter(&zipped)
	if _, err := io.WriteString(w, walk); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string]string{"plain": walk, "gzip": zipped.String(),
		"no newline at the end": strings.TrimSpace(walk)} {
		t.Run(name, func(t *testing.T) {
			rec := recording(t, content)
			if want := []string{"front", "left", "way"}; rec.Rows() != 3 || !slices.Equal(rec.Columns(), want) {
				t.Errorf("got %d rows of %q", rec.Rows(), rec.Columns())
			}
			for row, want := range []string{"ahead", "left", "sharp, left"} {
				if got, err := rec.Word(row, "way"); err != nil || got != want {
					t.Errorf("row %d: got %q, %v, want %q", row, got, err, want)
				}
			}
			_, err := rec.Word(0, "back")
			expectError(t, err, "walk.csv:1", "front, left, way", `"back"`)
			for _, row := range []int{-1, 3} {
				_, err := rec.Word(row, "way")
				expectError(t, err, "walk.csv", "between 0 and 2")
			}
		})
	}
	_, err := sensors.ReadRecording("walk.csv.gz", bytes.NewReader(zipped.Bytes()[:zipped.Len()/2]))
	expectError(t, err, "walk.csv.gz: ", "cut short")
	damaged := bytes.Clone(zipped.Bytes())
	damaged[len(damaged)-6]++
	_, err = sensors.ReadRecording("walk.csv.gz", bytes.NewReader(damaged))
	expectError(t, err, "walk.csv.gz: ", "damaged")
}

func TestRecordingErrorsNameFileAndLine(t *testing.T) {
	for text, parts := range map[string][]string{
		"":                     {"walk.csv:1: ", "header", "empty"},
		"a,b\n":                {"walk.csv:2: ", "at least one row"},
		"a,b\n1,2\n\n1,2,3\n":  {"walk.csv:4: ", "expected 2 columns"},
		"a,b\n1,2\n1,\"2\"3\n": {"walk.csv:3:5: ", "quote"},
		"a,b\n1,2\n1,2\"3\n":   {"walk.csv:3:4: ", "a quote within a cell"},
		"a,b\n1,2\n1,\"2\n":    {"walk.csv:", "has no end"},
		"a,b\n1,2\n1\n":        {"walk.csv:3: ", "expected 2 columns", "got 1"},
		"\xff\xfea\x00":        {"walk.csv: ", "UTF-16"},
		"PK\x03\x04\x00\x00":   {"walk.csv:1: ", "another format"},
		"\x1f\x8bnot gzip":     {"walk.csv: gunzip"},
	} {
		_, err := sensors.ReadRecording("walk.csv", strings.NewReader(text))
		expectError(t, err, parts...)
	}
}

func TestLogReadsNumbersExactly(t *testing.T) {
	for text, want := range map[string]int64{
		"0": 0, "-0": 0, "5": 5_000_000, "0.438": 438_000, "-0.0686158": -68_616, "+1.5": 1_500_000, ".5": 500_000, "5.": 5_000_000,
		"0.0000004": 0, "0.0000005": 1, "-0.0000005": -1, "0.00000049999999999": 0, "0.99999950": 1_000_000, "0.00000005": 0,
		"1e-05": 10, "-2.5E-6": -3, "1.5e3": 1_500_000_000, "0.0001e+4": 1_000_000, "1e-999": 0, "0e999": 0,
		"00000000000000000000000000012": 12_000_000, "9223372036854.775807": 9_223_372_036_854_775_807,
	} {
		log, err := sensors.NewLog(recording(t, "x\n"+text+"\n"), sensors.LogOpts{Column: "x", Every: ms})
		if err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		if got, err := log.Sample(0); err != nil || got != want {
			t.Errorf("%q: got %d, %v, want %d", text, got, err, want)
		}
	}
	for _, text := range []string{
		"ahead", "-", "+-1", "--1", ".", "1.2.3", "1,2", "1 2", "e5", "1e", "1e1.5", "1e1000", "0x10", "1_000", "NaN", "Inf", "\u0661",
		"9223372036854.775808", "-9e18", "9999999999999", "1e999",
	} {
		_, err := sensors.NewLog(recording(t, "n,x\n1,0\n2,\""+text+"\"\n"), sensors.LogOpts{Column: "x", Every: ms})
		expectError(t, err, "walk.csv:3: column x: ", fmt.Sprintf("got %q", text))
	}
}

func TestLogRejectsBadColumns(t *testing.T) {
	rec := recording(t, walk)
	_, err := sensors.NewLog(rec, sensors.LogOpts{Column: "right", Every: ms})
	expectError(t, err, "walk.csv:1", "front, left, way", `"right"`)
	_, err = sensors.NewLog(rec, sensors.LogOpts{Column: "way", Every: ms})
	expectError(t, err, "walk.csv:2: column way", `"ahead"`)
	for _, every := range []time.Duration{0, -ms} {
		_, err = sensors.NewLog(rec, sensors.LogOpts{Column: "front", Every: every})
		expectError(t, err, "log: walk.csv", "every")
	}
}

func TestLogPlaysAtItsRate(t *testing.T) {
	rec := recording(t, walk)
	const every = 111_111_111 * time.Nanosecond // 9 Hz
	once, err := sensors.NewLog(rec, sensors.LogOpts{Column: "front", Unit: "m", Every: every})
	if err != nil {
		t.Fatal(err)
	}
	looped, err := sensors.NewLog(rec, sensors.LogOpts{Column: "front", Unit: "m", Every: every, Loop: true})
	if err != nil {
		t.Fatal(err)
	}
	values := []int64{438_000, 1_500_000, -2_000_000}
	for _, c := range []struct {
		at     time.Duration
		passed int64
		shown  int
	}{
		{0, 0, 0}, {every - 1, 0, 0}, {every, 1, 1}, {2*every - 1, 1, 1}, {2 * every, 2, 2}, {3*every - 1, 2, 2},
		{3 * every, 3, 0}, {4 * every, 4, 1}, {3_000_000_002 * every, 3_000_000_002, 2}, // more rows than 32 bits count
	} {
		expectReading(t, looped, c.at, values[c.shown])
		if row, ok := looped.RowAt(c.at); row != c.shown || !ok {
			t.Errorf("looped at %v: got row %d, %v, want %d", c.at, row, ok, c.shown)
		}
		row, ok := once.RowAt(c.at)
		if c.passed < 3 {
			expectReading(t, once, c.at, values[c.shown])
			if row != c.shown || !ok {
				t.Errorf("at %v: got row %d, %v, want %d", c.at, row, ok, c.shown)
			}
			continue
		}
		if _, err := once.Sample(c.at); !errors.Is(err, io.EOF) || ok {
			t.Errorf("at %v: expected io.EOF and no row, got %v, %v", c.at, err, ok)
		}
	}
	if _, ok := looped.RowAt(-1); ok {
		t.Error("before the start: expected no row")
	}
	if once.Unit() != "m" || once.Halt() != nil {
		t.Error("expected the unit of the options and a halt that does nothing")
	}
}

func ExampleLog() {
	rec, err := sensors.ReadRecording("walk.csv", strings.NewReader("front,way\n1.730,ahead\n0.438,left\n"))
	if err != nil {
		fmt.Println(err)
		return
	}
	front, err := sensors.NewLog(rec, sensors.LogOpts{Column: "front", Unit: "m", Every: 100 * time.Millisecond})
	if err != nil {
		fmt.Println(err)
		return
	}
	distance, _ := front.Sample(150 * time.Millisecond)
	row, _ := front.RowAt(150 * time.Millisecond)
	way, _ := rec.Word(row, "way")
	fmt.Println(distance, "millionths of", front.Unit(), way)
	_, err = front.Sample(200 * time.Millisecond)
	fmt.Println(err)
	// Output:
	// 438000 millionths of m left
	// log of front in walk.csv: no row at 200ms, 2 rows end at 200ms: EOF
}
