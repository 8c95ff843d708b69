//go:build !unix

package files

import (
	"io/fs"
	"os"
)

// folder is one that cannot be synchronised: the system writes renames through by itself.
type folder struct{}

func openFolder(string) (folder, error) { return folder{}, nil }

func (folder) Sync() error  { return nil }
func (folder) Close() error { return nil }

// keepOwner does nothing: files have no owner here that os knows of.
func keepOwner(*os.File, fs.FileInfo) error { return nil }
