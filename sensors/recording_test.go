package sensors_test

import (
	"bytes"
	"compress/gzip"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"fluxd/sensors"
)

// Tables as other programs write them. What is wrong outside the requested column does no harm.
func TestTablesOfOtherPrograms(t *testing.T) {
	for _, c := range []struct{ story, text string }{
		{"plain", "front,left\n1.5,2\n0.25,3\n"},
		{"Excel's byte-order mark", "\xef\xbb\xbffront,left\n1.5,2\n0.25,3\n"},
		{"a byte-order mark and quotes", "\xef\xbb\xbf\"front\",\"left\"\n\"1.5\",\"2\"\n0.25,3\n"},
		{"pandas' index without a name", ",front,left\n0,1.5,2\n1,0.25,3\n"},
		{"pandas' whole numbers as names", "front,0,1\n1.5,4,2\n0.25,5,3\n"},
		{"a separator at the end of each line", "front,left,\n1.5,2,\n0.25,3,\n"},
		{"a separator at the end of the header only", "front,left,\n1.5,2\n0.25,3\n"},
		{"a separator at the end of the rows only", "front,left\n1.5,2,\n0.25,3,,\n"},
		{"two other columns with one name", "front,x,x\n1.5,1,2\n0.25,1,2\n"},
		{"semicolons", "front;left\r\n1.5;2\r\n0.25;3\r\n"},
		{"a comma in a name", "front;\"left, low\"\n1.5;2\n0.25;3\n"},
		{"tabs", "front\tleft\n1.5\t2\n0.25\t3\n"},
		{"an empty cell before a tab", "front\tleft\tright\n1.5\t\t2\n0.25\t\t3\n"},
		{"spaces and a blank line", " front , left \n\n 1.5 , 2 \n0.25,3\n"},
		{"one column", "front\n1.5\n0.25\n"},
	} {
		log, err := sensors.NewLog(recording(t, c.text), sensors.LogOpts{Column: "front", Every: ms})
		if err != nil {
			t.Errorf("%s: %v", c.story, err)
			continue
		}
		expectReading(t, log, 0, 1_500_000)
		expectReading(t, log, ms, 250_000)
	}
}

// The first row of readings is never lost as a header.
func TestATableWithoutAHeaderIsRejected(t *testing.T) {
	for _, text := range []string{
		"1.5,2\n0.25,3\n", "1,2\n3,4\n", "7\n8\n", "0.438,5.000,ahead\n1.5,0.25,left\n", "5,3,left\n4,2,right\n", "-1,left\n2,right\n",
		"2024-05-01T12:00:00Z,5\n2024-05-01T12:00:01Z,6\n", "0.1\n", "left,1e3\nright,4\n", ",0,1\n0,5,6\n",
	} {
		_, err := sensors.ReadRecording("walk.csv", strings.NewReader(text))
		expectError(t, err, "walk.csv:1: expected a header line", "put a header before it")
	}
}

func TestAColumnIsFoundByItsName(t *testing.T) {
	rec := recording(t, "a,,b,a\u200b,b\n1,2,3,4,5\n")
	if want := []string{"a", "", "b", "a\u200b", "b"}; !slices.Equal(rec.Columns(), want) {
		t.Errorf("got %q", rec.Columns())
	}
	for name, parts := range map[string][]string{
		"b": {"walk.csv:1: columns 3 and 5 are both named \"b\""},
		"":  {"walk.csv:1: expected one of the columns", `a, b, "a\u200b", b`}, // invisible characters are escaped
		"c": {"walk.csv:1: ", `got "c"`},
	} {
		_, err := rec.Word(0, name)
		expectError(t, err, parts...)
	}
}

// A small file that unzips to any amount is rejected at the limit.
func TestARecordingIsBounded(t *testing.T) {
	var zipped bytes.Buffer
	w, err := gzip.NewWriterLevel(&zipped, gzip.BestSpeed)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(w, "a,note\n"); err != nil {
		t.Fatal(err)
	}
	rows := []byte(strings.Repeat("1,"+strings.Repeat("x", 1021)+"\n", 1<<10)) // few and long, because the limit counts bytes
	for range 1 + sensors.MaxRecording/len(rows) {
		if _, err := w.Write(rows); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	for _, endless := range []string{
		strings.Repeat(",", 1<<20), "a,b\n1,2\n" + strings.Repeat("1,", 1<<20), "a\r" + strings.Repeat("1\r", 1<<20),
	} {
		_, err := sensors.ReadRecording("run.csv", strings.NewReader(endless))
		expectError(t, err, "run.csv: ", "a line of more than 256 KiB")
	}
	_, err = sensors.ReadRecording("run.csv.gz", &zipped)
	expectError(t, err, "run.csv.gz: too large: expected at most 32 MiB")
}

// Rows have times: counted from the first row, in any unit, to the microsecond.
func TestTimed(t *testing.T) {
	for _, c := range []struct {
		unit, times string
		want        []time.Duration
	}{
		{"s", "0 0.5 2", []time.Duration{0, 500 * ms, 2000 * ms, 3000 * ms}},
		{"s", "1714564800.000001 1714564800.250001 1714564801.000003",
			[]time.Duration{0, 250 * ms, 1000*ms + 2*time.Microsecond, 1500*ms + 3*time.Microsecond}},
		{"s", "-1 0 1e0", []time.Duration{0, 1000 * ms, 2000 * ms, 3000 * ms}},
		{"ms", "100 110.5 120", []time.Duration{0, 10500 * time.Microsecond, 20 * ms, 30 * ms}},
		{"ms", "1714564800000 1714564800001", []time.Duration{0, ms, 2 * ms}},
		{"us", "1714564800000000 1714564800001000.7", []time.Duration{0, ms, 2 * ms}},
		{"ns", "1714564800000000000 1714564800001000999", []time.Duration{0, ms, 2 * ms}},
		{"iso8601", "2024-05-01T12:00:00Z 2024-05-01T12:00:00.25Z 2024-05-01T14:00:01+02:00",
			[]time.Duration{0, 250 * ms, 1000 * ms, 1500 * ms}},
		{"iso8601", "2024-05-01_12:00:00.1 2024-05-01_12:00:00.2", []time.Duration{0, 100 * ms, 200 * ms}},
		{"iso8601", "20240501T120000Z 20240501T120001Z", []time.Duration{0, 1000 * ms, 2000 * ms}},
	} {
		stamps := strings.Fields(c.times)
		line, err := recording(t, "t,x\n"+strings.ReplaceAll(strings.Join(stamps, ",1\n"), "_", " ")+",1\n").Timed("t", c.unit)
		if err != nil {
			t.Errorf("%s %s: %v", c.unit, c.times, err)
			continue
		}
		for row, want := range c.want {
			if got := line.Start(row); got != want {
				t.Errorf("%s %s: row %d starts at %v, expected %v", c.unit, c.times, row, got, want)
			}
			if row == len(stamps) {
				if got := line.End(); got != want {
					t.Errorf("%s %s: ends at %v, expected %v", c.unit, c.times, got, want)
				}
				continue
			}
			for _, at := range []time.Duration{want, c.want[row+1] - 1} {
				if got, ok := line.RowAt(at); got != row || !ok {
					t.Errorf("%s %s: at %v row %d, %v, expected %d", c.unit, c.times, at, got, ok, row)
				}
			}
		}
		for _, at := range []time.Duration{-1, line.End()} {
			if _, ok := line.RowAt(at); ok {
				t.Errorf("%s %s: a row at %v", c.unit, c.times, at)
			}
		}
	}
}

func TestInvalidTimesAreRejected(t *testing.T) {
	for _, c := range []struct {
		unit, times string
		parts       []string
	}{
		{"s", "0 2 1", []string{"walk.csv:4: column t: ", `"1" is not later than "2"`}},
		{"s", "0 1 1", []string{"walk.csv:4: column t: ", "not later"}},
		{"s", "0 0.0000001", []string{"walk.csv:3: ", "at least 1 us apart"}},
		{"s", "5 4", []string{"walk.csv:3: ", "not later"}},
		{"s", "0 1 noon", []string{"walk.csv:4: column t: ", `got "noon"`}},
		{"s", "0", []string{"walk.csv:2: column t: ", "at least two rows"}},
		{"s", "0 1714564800", []string{"walk.csv:3: ", "is the unit s right?"}},
		{"ns", "0 1.7e18", []string{"walk.csv:3: ", "whole number"}},
		{"ns", "0 9223372036854775808", []string{"walk.csv:3: ", "between"}},
		{"ns", "-9223372036854775808 9223372036854775807", []string{"walk.csv:3: ", "is the unit ns right?"}},
		{"iso8601", "0 1", []string{"walk.csv:2: ", "expected a date and time such as"}},
		{"h", "0 1", []string{"expected one of s, ms, us, ns, iso8601"}},
	} {
		_, err := recording(t, "t,x\n"+strings.ReplaceAll(c.times, " ", ",1\n")+",1\n").Timed("t", c.unit)
		expectError(t, err, c.parts...)
	}
	_, err := recording(t, "t,x\n1,2\n").Timed("time", "s")
	expectError(t, err, "walk.csv:1: ", `got "time"`)
}

// A log with times plays each row when it was recorded. In a loop the last row has the mean duration of the others.
func TestALogWithTimes(t *testing.T) {
	rec := recording(t, "t,x\n10,1\n10.5,2\n12,3\n")
	log, err := sensors.NewLog(rec, sensors.LogOpts{Column: "x", Time: &sensors.TimeColumn{Column: "t", Unit: "s"}, Loop: true})
	if err != nil {
		t.Fatal(err)
	}
	for at, want := range map[time.Duration]int64{
		0: 1, 499 * ms: 1, 500 * ms: 2, 1999 * ms: 2, 2000 * ms: 3, 2999 * ms: 3, 3000 * ms: 1, 9500 * ms: 2,
	} {
		expectReading(t, log, at, want*1_000_000)
	}
}

// Blank lines, and cells of several lines, do not shift the line in an error.
func TestRecordingErrorsNameTheRightLine(t *testing.T) {
	rec := recording(t, "a,b\n\n1,\"x\ny\"\n2,z\n\n\n3,z\nfour,z\n")
	_, err := sensors.NewLog(rec, sensors.LogOpts{Column: "a", Every: ms})
	expectError(t, err, "walk.csv:9: column a: ")
	_, err = rec.Timed("b", "s")
	expectError(t, err, "walk.csv:3: column b: ")
}
