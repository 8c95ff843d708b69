// Package files opens and writes the files that a user names: configurations, data, passwords, certificates, learnt weights.
//
// Opening a named pipe blocks until another process writes to it, opening a device may make it act, and a file may have any size.
// So this package opens regular files only, and reads up to a limit:
//
//	text, err := files.Read("robot.yaml", 16<<20) // robot.yaml: a named pipe: expected a regular file
//
// Standard input may be a pipe: /dev/stdin, or /dev/fd/63, which a shell makes of <(command).
//
// A robot may lose its power at any moment. So a file that it needs at the next start is written completely or not at all:
//
//	err := files.Write("robot.learnt", weights)
//
// Errors are *fs.PathError and contain the name.
package files

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// Open opens a regular file, or standard input by its name, for reading. It never blocks.
func Open(name string) (*os.File, error) {
	if inherited(name) {
		return os.Open(name)
	}
	info, err := os.Stat(name) // before opening it, which alone makes some devices act, such as a watchdog
	if err != nil {
		return nil, err
	}
	if err := regular(name, info); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0) // it may have become a pipe since
	if err != nil {
		return nil, err
	}
	if info, err = f.Stat(); err == nil {
		err = regular(name, info)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// Read returns the content of a file, opened like Open does. It fails if that is more than most bytes.
func Read(name string, most int64) ([]byte, error) {
	f, err := Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && !inherited(name) && info.Size() > most { // before it fills the memory
		return nil, &fs.PathError{Op: "read", Path: name, Err: tooLarge(most)}
	}
	data, err := io.ReadAll(Bounded(f, most))
	var place *fs.PathError
	if err != nil && !errors.As(err, &place) {
		err = &fs.PathError{Op: "read", Path: name, Err: err}
	}
	return data, err
}

// Create opens a file for writing; an existing one is emptied. A named pipe without a reader is an error: opening it would block.
func Create(name string) (*os.File, error) {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC|syscall.O_NONBLOCK, 0o666)
	if errors.Is(err, syscall.ENXIO) {
		return nil, &fs.PathError{Op: "create", Path: name,
			Err: errors.New("a pipe without a reader: expected a file, or start its reader first")}
	}
	return f, err
}

// Writable returns an error if a file cannot be created or written at present. It changes nothing: so a long computation can
// check at its start what it will write at its end. A pipe or a device is not tried.
func Writable(name string) error {
	info, err := os.Stat(name)
	if err == nil && !info.Mode().IsRegular() && !info.IsDir() {
		return nil
	}
	isNew := errors.Is(err, fs.ErrNotExist)
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|syscall.O_NONBLOCK, 0o666)
	if err != nil {
		return err
	}
	err = f.Close()
	if isNew {
		err = errors.Join(err, os.Remove(name))
	}
	return err
}

// Replaceable returns an error if a name stands for anything but a regular file, to be called before the file is renamed or
// replaced. An unused name is no error.
func Replaceable(name string) error {
	info, err := os.Stat(name)
	if err != nil {
		return nil // there is no file, or none that can be reached
	}
	err = regular(name, info)
	if place := (*fs.PathError)(nil); errors.As(err, &place) {
		place.Op = "replace"
	}
	return err
}

// Folder is the tree of files below a folder; each file is opened like Open does.
type Folder string

// Open implements fs.FS.
func (f Folder) Open(name string) (fs.File, error) {
	if !fs.ValidPath(name) {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrInvalid}
	}
	opened, err := Open(filepath.Join(string(f), filepath.FromSlash(name)))
	if err != nil {
		return nil, err
	}
	return opened, nil
}

// Bounded returns a reader of r that fails if r has more than most bytes.
func Bounded(r io.Reader, most int64) io.Reader { return &bounded{r, most, most} }

type bounded struct {
	from       io.Reader
	left, most int64
}

func (b *bounded) Read(p []byte) (int, error) {
	if b.left < 0 {
		return 0, tooLarge(b.most)
	}
	n, err := b.from.Read(p[:min(int64(len(p)), b.left+1)])
	if b.left -= int64(n); b.left < 0 {
		return n - 1, tooLarge(b.most)
	}
	return n, err
}

func tooLarge(most int64) error { return fmt.Errorf("too large: expected at most %s", size(most)) }

func size(bytes int64) string {
	for _, unit := range []struct {
		shift int
		name  string
	}{{20, "MiB"}, {10, "KiB"}} {
		if bytes>>unit.shift<<unit.shift == bytes && bytes > 0 {
			return fmt.Sprintf("%d %s", bytes>>unit.shift, unit.name)
		}
	}
	return fmt.Sprintf("%d bytes", bytes)
}

// inherited reports whether a name stands for a file that the process has inherited, already open.
func inherited(name string) bool {
	return name == "/dev/stdin" || strings.HasPrefix(name, "/dev/fd/") || strings.HasPrefix(name, "/proc/self/fd/")
}

// regular returns an error that names the kind of file, unless it is a regular file.
func regular(name string, info fs.FileInfo) error {
	kind := ""
	switch mode := info.Mode(); {
	case mode.IsRegular():
		return nil
	case mode.IsDir():
		kind = "a directory"
	case mode&fs.ModeNamedPipe != 0:
		kind = "a named pipe"
	case mode&fs.ModeSocket != 0:
		kind = "a socket"
	case mode&fs.ModeDevice != 0:
		kind = "a device"
	default:
		kind = "no file"
	}
	return &fs.PathError{Op: "open", Path: name, Err: fmt.Errorf("%s: expected a regular file", kind)}
}
