// Package kept is the files in which a robot keeps what its next run has to know: what it has learnt, and what was tuned.
//
//	file, err := kept.Open("robot.learnt", core.MaxSnapshot) // no other process may have it
//	defer file.Close()
//	data, err := file.Read() // nil, nil: there is none yet
//	err = file.Reject(why)   // what is there cannot be used: it is kept aside
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

// A File is written whole or not at all. What is there and cannot be used is kept under another name; where even that fails, the file is
// not written any more. Only one process has it at a time.
type File struct {
	Name       string
	sync.Mutex // one writes at a time; held while the disk works

	most   int64 // bytes
	lock   *os.File
	spoilt error // why it must not be replaced
}

// same reports whether two names are of one file, also before it is there.
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

// Open claims a file, which need not exist. It fails when another process has it, by whatever name. Where it cannot be claimed for another
// reason, it cannot be written either, which shows when it is.
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
		return nil, fmt.Errorf("%s: another fluxd keeps its knowledge there: end that one first, or give each robot its own file", name)
	}
	k.lock = lock
	files.Tidy(name) // of a run that was killed
	return k, nil
}

// Close lets others have it.
func (k *File) Close() {
	if k != nil && k.lock != nil {
		k.lock.Close()
	}
}

// Read returns what the file holds; nil without one. An error says where the file is kept.
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

// Reject keeps what is there aside, since it cannot be used, and says so with the reason.
func (k *File) Reject(why error) error {
	aside, err := keepAside(k.Name)
	if err != nil {
		k.spoilt = fmt.Errorf("%s is not written: what it holds could not be used, and not be kept aside either: %w", k.Name, err)
		return fmt.Errorf("%s: %w; it could not be kept aside (%v), and is left as it is: nothing is saved there", k.Name, why, err)
	}
	return fmt.Errorf("%s: %w; it is kept as %s", k.Name, why, aside)
}

// Write replaces what the file holds.
func (k *File) Write(data []byte) error {
	if k.spoilt != nil {
		return k.spoilt
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
