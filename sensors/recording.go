package sensors

import (
	"bufio"
	"compress/gzip"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// Recording is a table of what sensors once measured: rows in the order of time, columns by name. It is not changed after it was
// read, so any number of Logs may play it at once.
type Recording struct {
	name    string
	columns []string
	rows    [][]string
	lines   []int // of each row in the file, counted from 1
}

// ReadRecording reads a table in CSV (RFC 4180) whose first line names the columns; what is compressed with gzip (RFC 1952) is
// recognised. Cells hold numbers or words. The name, that of the file, begins each error, with the line.
func ReadRecording(name string, r io.Reader) (*Recording, error) {
	buffered := bufio.NewReader(r)
	var text io.Reader = buffered
	if magic, _ := buffered.Peek(2); len(magic) == 2 && magic[0] == 0x1f && magic[1] == 0x8b {
		unzipped, err := gzip.NewReader(buffered)
		if err != nil {
			return nil, fmt.Errorf("%s: gunzip: %w", name, err)
		}
		text = unzipped
	}

	table := csv.NewReader(text)
	table.TrimLeadingSpace = true
	header, err := table.Read()
	if errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%s:1: expected a header line that names the columns, got an empty file", name)
	}
	if err != nil {
		return nil, tableError(name, len(header), err)
	}
	rec := &Recording{name: name, columns: header}
	for i, column := range header {
		header[i] = strings.TrimSpace(column)
		switch {
		case header[i] == "":
			return nil, fmt.Errorf("%s:1: column %d: expected a name, got none", name, i+1)
		case slices.Contains(header[:i], header[i]):
			return nil, fmt.Errorf("%s:1: column %d: expected a name of its own, got %q a second time", name, i+1, header[i])
		}
	}
	for {
		row, err := table.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, tableError(name, len(header), err)
		}
		for i := range row {
			row[i] = strings.TrimSpace(row[i])
		}
		line, _ := table.FieldPos(0)
		rec.rows = append(rec.rows, row)
		rec.lines = append(rec.lines, line)
	}
	if len(rec.rows) == 0 {
		return nil, fmt.Errorf("%s:2: expected at least one row of readings after the header, got none", name)
	}
	return rec, nil
}

// Rows is the number of rows, the header not counted.
func (r *Recording) Rows() int { return len(r.rows) }

// Columns are the names of the columns, in the file's order.
func (r *Recording) Columns() []string { return slices.Clone(r.columns) }

// Word is what a cell holds, without the spaces around it. Rows count from 0. It fails outside the table.
func (r *Recording) Word(row int, column string) (string, error) {
	i, err := r.column(column)
	if err != nil {
		return "", err
	}
	if row < 0 || row >= len(r.rows) {
		return "", fmt.Errorf("%s: expected a row between 0 and %d, got %d", r.name, len(r.rows)-1, row)
	}
	return r.rows[row][i], nil
}

func (r *Recording) column(name string) (int, error) {
	i := slices.Index(r.columns, name)
	if i < 0 {
		return 0, fmt.Errorf("%s:1: expected one of the columns %s, got %q", r.name, strings.Join(r.columns, ", "), name)
	}
	return i, nil
}

// tableError says where the reading of a table stopped, in the form of all errors of a recording.
func tableError(name string, columns int, err error) error {
	var place *csv.ParseError
	if !errors.As(err, &place) {
		return fmt.Errorf("%s: %w", name, err)
	}
	if errors.Is(err, csv.ErrFieldCount) {
		return fmt.Errorf("%s:%d: expected %d columns as in the header: %w", name, place.Line, columns, place.Err)
	}
	return fmt.Errorf("%s:%d: column %d: %w", name, place.Line, place.Column, place.Err)
}
