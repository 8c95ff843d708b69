//go:build !unix

package daemon

import "os"

// syncFolder does nothing where folders cannot be opened: the system writes renames through by itself.
func syncFolder(string) error { return nil }

// lockFile does nothing: there is no hardware here that a robot would be run for.
func lockFile(*os.File) error { return nil }
