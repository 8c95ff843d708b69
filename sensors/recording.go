package sensors

import (
	"bufio"
	"bytes"
	"compress/flate"
	"compress/gzip"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"sort"
	"strconv"
	"strings"
	"unicode"

	"fluxd/files"
)

// MaxRecording bounds the text of a recording, in bytes, after it was unzipped: a small gzip file may hold any amount. A reading of
// eight characters from each of ten sensors, a hundred times a second, makes an hour.
const MaxRecording = 32 << 20

// Recording is a table of what sensors once measured: rows in the order of time, columns by name. It is not changed after it was
// read, so any number of Logs may play it at once.
type Recording struct {
	name    string
	columns []string
	text    []byte    // of all cells, row by row
	ends    []uint32  // of each cell in the text, which is at most MaxRecording long
	breaks  []rowLine // rows that are not in the line after the row before
}

// rowLine is the line of a row in the file, counted from 1.
type rowLine struct{ row, line int }

// ReadRecording reads a table in CSV (RFC 4180) whose first line names the columns; semicolons or tabs may stand for the commas. A
// byte-order mark before it is skipped, and what is compressed with gzip (RFC 1952) is recognised. Cells hold numbers or words. A
// column may be without a name, or share one, as long as it is not asked for; separators at the end of a line do no harm. The name,
// that of the file, begins each error, with the line.
func ReadRecording(name string, r io.Reader) (*Recording, error) {
	text, err := plain(r)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	rec := &Recording{name: name}
	comma, err := separator(text)
	if err != nil {
		return nil, fmt.Errorf("%s:1: %w", name, err)
	}
	table := csv.NewReader(text)
	table.Comma, table.FieldsPerRecord, table.ReuseRecord = comma, -1, true
	table.TrimLeadingSpace = comma != '\t'
	header, err := table.Read()
	if errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%s:1: expected a header line that names the columns, got an empty file", name)
	}
	if err != nil {
		return nil, tableError(name, err)
	}
	for _, column := range header {
		rec.columns = append(rec.columns, strings.TrimSpace(column))
	}
	for {
		row, err := table.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, tableError(name, err)
		}
		line, _ := table.FieldPos(0)
		if err := rec.add(line, row); err != nil {
			return nil, err
		}
	}
	if err := rec.headed(); err != nil {
		return nil, err
	}
	if rec.Rows() == 0 {
		return nil, fmt.Errorf("%s:2: expected at least one row of readings after the header, got none", name)
	}
	return rec, nil
}

// plain unzips what is zipped, and skips a byte-order mark. What it returns fails beyond MaxRecording.
func plain(r io.Reader) (*bufio.Reader, error) {
	text := bufio.NewReader(r)
	if magic, _ := text.Peek(2); bytes.Equal(magic, []byte{0x1f, 0x8b}) {
		unzipped, err := gzip.NewReader(text)
		if err != nil {
			return nil, gunzipped(err)
		}
		r = unzipper{unzipped}
	} else {
		r = text
	}
	text = bufio.NewReaderSize(&lined{from: files.Bounded(r, MaxRecording)}, longestLine)
	mark, _ := text.Peek(3)
	switch {
	case bytes.Equal(mark, []byte("\xef\xbb\xbf")):
		if _, err := text.Discard(len(mark)); err != nil {
			return nil, err
		}
	case bytes.HasPrefix(mark, []byte("\xff\xfe")), bytes.HasPrefix(mark, []byte("\xfe\xff")):
		return nil, errors.New("expected UTF-8, got UTF-16: save it as CSV UTF-8")
	}
	return text, nil
}

// longestLine bounds a line of a recording, in bytes: room for some thousands of columns.
const longestLine = 256 << 10

// lined fails where a line has no end: a reader of tables keeps a whole one, with several words for each of its cells.
type lined struct {
	from  io.Reader
	since int // the last end of a line
}

func (l *lined) Read(p []byte) (int, error) {
	n, err := l.from.Read(p)
	rest := p[:n]
	for {
		end := bytes.IndexByte(rest, '\n')
		if length := l.since + len(rest); end < 0 && length <= longestLine {
			l.since = length
			return n, err
		}
		if end < 0 || l.since+end > longestLine {
			return 0, fmt.Errorf("a line of more than %d KiB: expected lines that end with a line feed", longestLine>>10)
		}
		l.since, rest = 0, rest[end+1:]
	}
}

// unzipper says what is wrong with a zipped file in words for its owner.
type unzipper struct{ from io.Reader }

func (u unzipper) Read(p []byte) (int, error) {
	n, err := u.from.Read(p)
	return n, gunzipped(err)
}

func gunzipped(err error) error {
	var corrupt flate.CorruptInputError
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF):
		return errors.New("gunzip: the file ends too early: it was cut short")
	case errors.Is(err, gzip.ErrHeader), errors.Is(err, gzip.ErrChecksum), errors.As(err, &corrupt):
		return errors.New("gunzip: the file is damaged")
	}
	return err
}

// separator finds what separates the cells of the first line: commas, or else semicolons or tabs.
func separator(text *bufio.Reader) (rune, error) {
	start, _ := text.Peek(text.Size())
	start, _, _ = bytes.Cut(start, []byte("\n"))
	if bytes.IndexByte(start, 0) >= 0 {
		return 0, errors.New("expected text, got a byte 0: is it another format?")
	}
	counts, quoted := map[byte]int{}, false
	for _, c := range start {
		if c == '"' {
			quoted = !quoted
		} else if !quoted {
			counts[c]++
		}
	}
	for _, one := range []byte(",;\t") {
		if counts[one] > 0 {
			return rune(one), nil
		}
	}
	return ',', nil
}

// add takes a row over. Cells beyond the header's may be empty, and those of columns without a name missing: many programs write a
// separator at the end of some lines.
func (r *Recording) add(line int, row []string) error {
	ragged := false
	for i := range max(len(row), len(r.columns)) {
		cell := ""
		if i < len(row) {
			cell = strings.TrimSpace(row[i])
		}
		if i >= len(r.columns) {
			ragged = ragged || cell != ""
			continue
		}
		ragged = ragged || i >= len(row) && r.columns[i] != ""
		r.text = append(r.text, cell...)
		r.ends = append(r.ends, uint32(len(r.text)))
	}
	if ragged {
		return fmt.Errorf("%s:%d: expected %d columns as in the header, got %d", r.name, line, len(r.columns), len(row))
	}
	if row := r.Rows() - 1; row == 0 || r.line(row) != line {
		r.breaks = append(r.breaks, rowLine{row, line})
	}
	return nil
}

// headed refuses a table whose first line is one of readings: its first row would be lost. Whole numbers may be names, as pandas makes
// them, where a word among them stands over a number.
func (r *Recording) headed() error {
	data, words, over := "", 0, false
	for i, name := range r.columns {
		_, err := parseMillionths(name)
		_, clock := parseISO(name)
		switch {
		case name == "":
		case clock == nil || err == nil && strings.Trim(name, "0123456789") != "":
			return r.headless(name)
		case err == nil:
			data = name
		default:
			words++
			if r.Rows() > 0 {
				_, number := parseMillionths(r.cell(0, i))
				_, stamp := parseISO(r.cell(0, i))
				over = over || number == nil || stamp == nil
			}
		}
	}
	if data != "" && !over {
		return r.headless(data)
	}
	return nil
}

func (r *Recording) headless(data string) error {
	return fmt.Errorf("%s:1: expected a header line that names the columns, got the reading %s: put one before it, such as time,front,left, with names that are no numbers", r.name, data)
}

// Rows is the number of rows, the header not counted.
func (r *Recording) Rows() int { return len(r.ends) / len(r.columns) }

// line returns where a row is in the file.
func (r *Recording) line(row int) int {
	after := sort.Search(len(r.breaks), func(i int) bool { return r.breaks[i].row > row })
	last := r.breaks[after-1]
	return last.line + row - last.row
}

// Columns are the names of the columns, in the file's order; "" for one without a name.
func (r *Recording) Columns() []string { return slices.Clone(r.columns) }

// Word is what a cell holds, without the spaces around it. Rows count from 0. It fails outside the table.
func (r *Recording) Word(row int, column string) (string, error) {
	i, err := r.column(column)
	if err != nil {
		return "", err
	}
	if row < 0 || row >= r.Rows() {
		return "", fmt.Errorf("%s: expected a row between 0 and %d, got %d", r.name, r.Rows()-1, row)
	}
	return r.cell(row, i), nil
}

func (r *Recording) cell(row, column int) string {
	k, start := row*len(r.columns)+column, uint32(0)
	if k > 0 {
		start = r.ends[k-1]
	}
	return string(r.text[start:r.ends[k]])
}

// column finds a column by its name.
func (r *Recording) column(name string) (int, error) {
	var found []int
	for i, column := range r.columns {
		if column == name && name != "" {
			found = append(found, i)
		}
	}
	switch {
	case len(found) == 1:
		return found[0], nil
	case len(found) > 1:
		return 0, fmt.Errorf("%s:1: columns %d and %d are both named %q: give one of them another name", r.name, found[0]+1, found[1]+1, name)
	}
	const enough = 40
	var names []string
	for _, column := range r.columns {
		if column != "" && len(names) < enough {
			names = append(names, visible(column))
		}
	}
	if len(names) == enough {
		names = append(names, "...")
	}
	return 0, fmt.Errorf("%s:1: expected one of the columns %s, got %q", r.name, strings.Join(names, ", "), name)
}

// visible quotes a name that has an invisible character.
func visible(name string) string {
	if strings.ContainsFunc(name, func(c rune) bool { return !unicode.IsPrint(c) }) {
		return strconv.Quote(name)
	}
	return name
}

// tableError says where the reading of a table stopped, in the form of all errors of a recording.
func tableError(name string, err error) error {
	var place *csv.ParseError
	if !errors.As(err, &place) {
		return fmt.Errorf("%s: %w", name, err)
	}
	what := "a quote within a cell: expected cells that hold quotes to stand in quotes, each quote within doubled"
	if errors.Is(err, csv.ErrQuote) {
		what = "a quote that does not end its cell, or has no end: expected each quote within a cell doubled"
	}
	return fmt.Errorf("%s:%d:%d: %s", name, place.Line, place.Column, what)
}
