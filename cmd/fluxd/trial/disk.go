package trial

import (
	"os"
	"path/filepath"
	"strings"

	"fluxd/cmd/fluxd/kept"
	"fluxd/files"
)

// A disk is what the store does to the file system. Tests have one that fails, or loses its power, between any two steps.
type disk interface {
	read(name string, most int64) ([]byte, error)
	write(name string, data []byte) error // whole, or not at all; on the disk when it returns
	remove(name string) error             // of a file that is not there: no error
	folder(name string) error             // makes it
	list(folder string) ([]string, error)
	lock(name string) (release func(), err error) // fails while another process has it
}

// real is the machine's disk.
type real struct{}

func (real) read(name string, most int64) ([]byte, error) { return files.Read(name, most) }
func (real) write(name string, data []byte) error         { return files.Write(name, data) }

func (real) remove(name string) error {
	if err := os.Remove(name); err != nil && !os.IsNotExist(err) {
		return err
	}
	return nil
}

func (real) folder(name string) error { return os.MkdirAll(name, 0o700) }

func (real) list(folder string) (names []string, err error) {
	entries, err := os.ReadDir(folder)
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names, err
}

func (real) lock(name string) (release func(), err error) {
	f, err := kept.Open(name, maxKept)
	return f.Close, err
}

// tidy removes what the record does not need any more: files of earlier trials, and what a killed process has left. Files that it
// does not know stay.
func (s *Store) tidy() {
	needed := map[string]bool{}
	for _, f := range []*sent{s.record.Runs, s.record.Next} {
		if f != nil {
			needed[f.name()] = true
		}
	}
	copies := s.record.Undo
	if b := s.record.Before; b != nil {
		copies = append(copies[:len(copies):len(copies)], b.Copies...)
		if b.File != nil {
			needed[b.File.name()] = true
		}
	}
	for _, c := range copies {
		needed[c.Copy] = true
	}
	names, err := s.disk.list(s.folder)
	if err != nil {
		return // it only takes up space
	}
	for _, name := range names {
		ours := strings.HasPrefix(name, fileMark) || strings.HasPrefix(name, copyMark) || strings.HasPrefix(name, recordName+".new-")
		if ours && !needed[name] {
			_ = s.disk.remove(filepath.Join(s.folder, name))
		}
	}
}
