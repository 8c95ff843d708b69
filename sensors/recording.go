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

// MaxRecording bounds the text of a recording, in bytes, after it was unzipped: a small gzip file may contain any
// amount. It is enough for an hour of ten sensors, each with a hundred readings of eight characters a second.
const MaxRecording = 32 << 20

// Recording is a table of recorded readings: rows in the order of time, columns by name. It does not change after it
// was read, so any number of Logs may play it at the same time.
type Recording struct {
	name    string
	columns []string
	text    []byte    // all cells, row by row
	ends    []uint32  // end of each cell in text, which is at most MaxRecording long
	breaks  []rowLine // rows that are not on the line after the row before
}

// rowLine is the line of a row in the file, counted from 1.
type rowLine struct{ row, line int }

// ReadRecording reads a table in CSV (RFC 4180) whose first line names the columns. Semicolons or tabs may replace the
// commas. It skips a byte-order mark, and unzips a table that is compressed with gzip (RFC 1952). Cells contain numbers
// or words. A column may lack a name, or share one, as long as it is not requested. Separators at the end of a line are
// ignored. Each error begins with the name, which is the name of the file, and the line.
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
	if err := rec.checkHeader(); err != nil {
		return nil, err
	}
	if rec.Rows() == 0 {
		return nil, fmt.Errorf("%s:2: expected at least one row of readings after the header, got none", name)
	}
	return rec, nil
}

// plain unzips a zipped table, and skips a byte-order mark. The returned reader fails beyond MaxRecording.
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

// longestLine bounds a line of a recording, in bytes: enough for thousands of columns.
const longestLine = 256 << 10

// lined fails at a line that is too long. The CSV reader keeps a whole line in memory, with several words for each of
// its cells.
type lined struct {
	from  io.Reader
	since int // bytes since the last end of a line
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

// unzipper translates the errors of a zipped file into words for its owner.
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

// separator finds the separator of the cells in the first line: a comma, or else a semicolon or a tab.
func separator(text *bufio.Reader) (rune, error) {
	start, _ := text.Peek(text.Size())
	start, _, _ = bytes.Cut(start, []byte("\n"))
	if bytes.IndexByte(start, 0) >= 0 {
		return 0, errors.New("expected text, got a zero byte: is it another format?")
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

// add adds a row. Cells beyond the columns of the header may be empty, and cells of columns without a name may be
// missing: many programs write a separator at the end of some lines.
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

// checkHeader rejects a table whose first line is one of readings: its first row would be lost. Whole numbers may be
// names, as pandas writes them, when a column with a word as its name has a number below it.
func (r *Recording) checkHeader() error {
	data, isHeader := "", false
	for i, name := range r.columns {
		_, err := parseMillionths(name)
		_, clock := parseISO(name)
		switch {
		case name == "":
		case clock == nil || err == nil && strings.Trim(name, "0123456789") != "":
			return r.noHeader(name)
		case err == nil:
			data = name
		default:
			if r.Rows() > 0 {
				_, number := parseMillionths(r.cell(0, i))
				_, stamp := parseISO(r.cell(0, i))
				isHeader = isHeader || number == nil || stamp == nil
			}
		}
	}
	if data != "" && !isHeader {
		return r.noHeader(data)
	}
	return nil
}

func (r *Recording) noHeader(data string) error {
	return fmt.Errorf("%s:1: expected a header line that names the columns, got the reading %s: "+
		"put a header before it, such as time,front,left, with names that are not numbers", r.name, data)
}

// Rows is the number of rows, the header not counted.
func (r *Recording) Rows() int { return len(r.ends) / len(r.columns) }

// line returns the line of a row in the file.
func (r *Recording) line(row int) int {
	after := sort.Search(len(r.breaks), func(i int) bool { return r.breaks[i].row > row })
	last := r.breaks[after-1]
	return last.line + row - last.row
}

// Columns returns the names of the columns, in the order of the file; "" for a column without a name.
func (r *Recording) Columns() []string { return slices.Clone(r.columns) }

// Word returns the text of a cell, without the spaces around it. Rows count from 0. It fails outside the table.
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

// column finds the index of a column by its name.
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
		return 0, fmt.Errorf("%s:1: columns %d and %d are both named %q: give one of them another name",
			r.name, found[0]+1, found[1]+1, name)
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

// visible quotes a name that contains an invisible character.
func visible(name string) string {
	if strings.ContainsFunc(name, func(c rune) bool { return !unicode.IsPrint(c) }) {
		return strconv.Quote(name)
	}
	return name
}

// tableError turns an error of the CSV reader into the form that all errors of a recording have.
func tableError(name string, err error) error {
	var place *csv.ParseError
	if !errors.As(err, &place) {
		return fmt.Errorf("%s: %w", name, err)
	}
	what := "a quote within a cell: expected a cell that contains quotes to be in quotes, with each inner quote doubled"
	if errors.Is(err, csv.ErrQuote) {
		what = "a quote that does not end its cell, or has no end: expected each quote within a cell doubled"
	}
	return fmt.Errorf("%s:%d:%d: %s", name, place.Line, place.Column, what)
}
