//go:build !unix

package machine

import "os"

// LockFile does nothing: fluxd has no real boards on this operating system.
func LockFile(*os.File) error { return nil }
