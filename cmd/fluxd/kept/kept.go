// Package kept reads and writes the files that a robot keeps for its next run: learnt weights and tuned values.
//
//	file, err := kept.Open("robot.learnt", core.MaxSnapshot) // fails when another process has it
//	defer file.Close()
//	data, err := file.Read() // nil, nil: there is none yet
//	err = file.Reject(why)   // its content cannot be used: it is renamed to robot.learnt.bad
//	err = file.Write(data)   // whole, or not at all
package kept

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"fluxd/cmd/fluxd/machine"
	"fluxd/files"
)

// A File is always written as a whole. Content that cannot be used is kept under another name; if that fails, the file is not
// written any more, so that the content is not lost. Only one process has it at a time.
type File struct {
	Name       string
	sync.Mutex // held by the caller while it writes, which may take time

	most     int64 // bytes that Read accepts
	lock     *os.File
	writeErr error // why the file must not be written
}

// same reports whether two names stand for the same file, even if it does not exist yet.
func same(one, other string) bool {
	if filepath.Clean(one) == filepath.Clean(other) {
		return true
	}
	a, err := os.Stat(one)
	if err != nil {
		return false
	}
	b, err := os.Stat(other)
	return err == nil && os.SameFile(a, b)
}

// Open locks a file, which need not exist. It fails when another process has locked it, under whatever name. When it cannot be
// locked for another reason, such as a missing folder, it cannot be written either: Write reports that.
func Open(name string, most int64) (*File, error) {
	if place, err := filepath.EvalSymlinks(name); err == nil {
		name = place
	}
	k := &File{Name: name, most: most}
	lock, err := os.OpenFile(name+".lock", os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return k, nil
	}
	if machine.LockFile(lock) != nil {
		lock.Close()
		return nil, fmt.Errorf("%s: another fluxd uses this file: end that one first, or give each robot its own file", name)
	}
	k.lock = lock
	files.Tidy(name) // remove what a process that was killed has left
	return k, nil
}

// Close releases the file for other processes.
func (k *File) Close() {
	if k != nil && k.lock != nil {
		k.lock.Close()
	}
}

// Read returns the file's content; nil without a file. When it cannot be read it is rejected, and the error says under which
// name it is kept.
func (k *File) Read() ([]byte, error) {
	data, err := files.Read(k.Name, k.most)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, k.Reject(err)
	}
	return data, nil
}

// Reject keeps the file under another name, since its content cannot be used, and returns an error with the reason and that
// name.
func (k *File) Reject(why error) error {
	aside, err := keepAside(k.Name)
	if err != nil {
		k.writeErr = fmt.Errorf("%s is not written: its content could not be used, and could not be renamed: %w", k.Name, err)
		return fmt.Errorf("%s: %w; it could not be renamed (%v), so it stays and nothing is saved there", k.Name, why, err)
	}
	return fmt.Errorf("%s: %w; it is kept as %s", k.Name, why, aside)
}

// Write replaces the file's content.
func (k *File) Write(data []byte) error {
	if k.writeErr != nil {
		return k.writeErr
	}
	return files.Write(k.Name, data)
}

// keepAside renames a file to the first free of file.bad, file.bad-2 and so on.
func keepAside(file string) (string, error) {
	for k := 1; k < 1000; k++ {
		aside := file + ".bad"
		if k > 1 {
			aside = fmt.Sprintf("%s.bad-%d", file, k)
		}
		if _, err := os.Lstat(aside); errors.Is(err, fs.ErrNotExist) {
			return aside, os.Rename(file, aside)
		}
	}
	return "", fmt.Errorf("too many files named %s.bad", file)
}
