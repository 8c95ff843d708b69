//go:build !unix

package files

import (
	"io/fs"
	"os"
)

// folder is a folder that cannot be synchronised: the system itself writes renames to the disk.
type folder struct{}

func openFolder(string) (folder, error) { return folder{}, nil }

func (folder) Sync() error  { return nil }
func (folder) Close() error { return nil }

// keepOwner does nothing: package os knows no owners of files here.
func keepOwner(*os.File, fs.FileInfo) error { return nil }
