package files

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Write writes a file completely or not at all: after a power failure the name stands for the old file or the new one. Only the
// user of this process may read it. If the name is a symbolic link, Write replaces the file that the link points to. It refuses
// to replace anything but a regular file.
//
// Several processes may write one file at the same time: the complete text of the last one remains.
func Write(name string, data []byte) error {
	return replace(name, data, func(*os.File, string) error { return nil })
}

// Rewrite is Write for a file that another user may have to read: owner, group and rights of the existing file are kept. If that
// is not possible, Rewrite fails, and the old file stays.
func Rewrite(name string, data []byte) error {
	return replace(name, data, sameRights)
}

// sameRights gives a file owner, group and rights of the one that a name stands for.
func sameRights(f *os.File, name string) error {
	before, err := os.Stat(name)
	if err != nil {
		return nil // there is none: only its owner may read the new one
	}
	if err := errors.Join(keepOwner(f, before), f.Chmod(before.Mode().Perm())); err != nil {
		return fmt.Errorf("%s: its owner and rights cannot be kept, and without them another user may not be able to read it: %w",
			name, err)
	}
	return nil
}

// Publish is Rewrite for a file that holds no secret: everybody may read a new one.
func Publish(name string, data []byte) error {
	return replace(name, data, func(f *os.File, name string) error {
		if _, err := os.Stat(name); errors.Is(err, fs.ErrNotExist) {
			return f.Chmod(0o644)
		}
		return sameRights(f, name)
	})
}

// replace writes a new file beside the existing one, prepares it, and renames it.
func replace(name string, data []byte, prepare func(f *os.File, name string) error) (err error) {
	if place, err := filepath.EvalSymlinks(name); err == nil {
		name = place
	}
	if err := Replaceable(name); err != nil {
		return err
	}
	folder, err := openFolder(filepath.Dir(name)) // first, so that an error comes before anything has changed
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
			_ = os.Remove(f.Name()) // if only the sync of the folder failed, the file has been renamed, and this does nothing
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

// unfinished stands between the name and a number in the name of a file that Write has not finished.
const unfinished = ".new-"

// Tidy removes the unfinished files that a killed Write has left. It may be called when no other process writes the file. Files
// that it cannot remove stay: they only take up space.
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
