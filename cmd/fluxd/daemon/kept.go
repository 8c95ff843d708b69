package daemon

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"fluxd/cmd/fluxd/machine"
	"fluxd/configs"
	"fluxd/files"
)

// keptFile is a file in which a robot keeps what its next run has to know. It is written whole or not at all. What is there and cannot be used is kept
// under another name; where even that fails, the file is not written any more. Only one process has it at a time.
type keptFile struct {
	name string
	most int64 // bytes

	mutex  sync.Mutex // one writes at a time; held while the disk works
	lock   *os.File
	spoilt error // why it must not be replaced
}

// checkKept finds names of kept files that belong to something else: to anything but a regular file, to the robot file, to each other. They are not
// claimed: a robot that kept its weights in /dev/null would take the device away from the whole machine.
func (r *Robot) checkKept() (mistakes configs.Errors) {
	check := func(path, name string) {
		if err := files.Replaceable(name); err != nil {
			mistakes = append(mistakes, r.config.Mistake(path, "%v, or a name that nothing has yet", err))
		} else if sameFile(name, r.config.Source) {
			mistakes = append(mistakes, r.config.Mistake(path, "%s is this robot file: expected a file of its own", name))
		}
	}
	learnt, tuning := r.config.Learnt, r.config.Tuning
	if learnt != nil {
		check("learnt.file", learnt.File)
	}
	if tuning != nil {
		check("tuning.file", tuning.File)
	}
	if learnt != nil && tuning != nil && sameFile(learnt.File, tuning.File) {
		mistakes = append(mistakes, r.config.Mistake("tuning.file", "%s is learnt.file, too: expected a file for each", tuning.File))
	}
	return mistakes
}

// sameFile reports whether two names are of one file, also before it is there.
func sameFile(one, other string) bool {
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

// openKept claims a file, which need not exist. It fails when another process has it, by whatever name. Where it cannot be claimed for another
// reason, it cannot be written either, which shows when it is.
func openKept(name string, most int64) (*keptFile, error) {
	if place, err := filepath.EvalSymlinks(name); err == nil {
		name = place
	}
	k := &keptFile{name: name, most: most}
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

// close lets others have it.
func (k *keptFile) close() {
	if k != nil && k.lock != nil {
		k.lock.Close()
	}
}

// read returns what the file holds; nil without one. An error says where the file is kept.
func (k *keptFile) read() ([]byte, error) {
	data, err := files.Read(k.name, k.most)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, k.reject(err)
	}
	return data, nil
}

// reject keeps what is there aside, since it cannot be used, and says so with the reason.
func (k *keptFile) reject(why error) error {
	aside, err := keepAside(k.name)
	if err != nil {
		k.spoilt = fmt.Errorf("%s is not written: what it holds could not be used, and not be kept aside either: %w", k.name, err)
		return fmt.Errorf("%s: %w; it could not be kept aside (%v), and is left as it is: nothing is saved there", k.name, why, err)
	}
	return fmt.Errorf("%s: %w; it is kept as %s", k.name, why, aside)
}

// write replaces what the file holds.
func (k *keptFile) write(data []byte) error {
	if k.spoilt != nil {
		return k.spoilt
	}
	return files.Write(k.name, data)
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
