package files

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Write writes a file whole or not at all: after a power failure the old one or the new one is there. Only the user of this
// process may read it. Behind a symbolic link it replaces the file that the link names. It refuses to replace anything but a
// regular file.
//
// Several may write one file at the same time: the last one's text is there, whole.
func Write(name string, data []byte) error {
	return replace(name, data, func(*os.File, string) error { return nil })
}

// Rewrite is Write for a file that another user may have to read: the owner, the group and the rights stay those of the file that
// is there. It fails where they cannot, and then the old file stays.
func Rewrite(name string, data []byte) error {
	return replace(name, data, func(f *os.File, name string) error {
		before, err := os.Stat(name)
		if err != nil {
			return nil // there is none: the new one is only for its owner
		}
		if err := errors.Join(keepOwner(f, before), f.Chmod(before.Mode().Perm())); err != nil {
			return fmt.Errorf("%s: its owner and rights cannot be kept, and without them another user may not be able to read it: %w",
				name, err)
		}
		return nil
	})
}

// replace writes a new file beside the one that is there, prepares it, and gives it the name.
func replace(name string, data []byte, prepare func(f *os.File, name string) error) (err error) {
	if place, err := filepath.EvalSymlinks(name); err == nil {
		name = place
	}
	if err := Replaceable(name); err != nil {
		return err
	}
	folder, err := openFolder(filepath.Dir(name)) // first: one that cannot be synchronised shows before anything is changed
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, folder.Close()) }()
	f, err := os.CreateTemp(filepath.Dir(name), filepath.Base(name)+unfinished+"*") // 0600
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(f.Name()) // it has the file's name already where only the folder could not be synchronised
		}
	}()
	if err = prepare(f, name); err == nil {
		_, err = f.Write(data)
	}
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), name); err != nil {
		return err
	}
	return folder.Sync()
}

// unfinished stands between the name of a file and a number, in the name of what Write has not finished.
const unfinished = ".new-"

// Tidy removes what a Write of a file has left that was killed. It is for a process which knows that nobody else writes the file.
// What cannot be removed stays: it costs room alone.
func Tidy(name string) {
	folder, prefix := filepath.Dir(name), filepath.Base(name)+unfinished
	entries, err := os.ReadDir(folder)
	if err != nil {
		return
	}
	for _, entry := range entries {
		number, ours := strings.CutPrefix(entry.Name(), prefix)
		if ours && number != "" && strings.Trim(number, "0123456789") == "" && entry.Type() == fs.FileMode(0) {
			_ = os.Remove(filepath.Join(folder, entry.Name()))
		}
	}
}
