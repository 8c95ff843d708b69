//go:build !unix

package machine

import "os"

// LockFile does nothing: there is no hardware here that a robot would be run for.
func LockFile(*os.File) error { return nil }
