//go:build unix

package daemon

import (
	"errors"
	"os"
)

// syncFolder makes a rename in a folder reach the disk.
func syncFolder(name string) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
