//go:build !unix

package daemon

// syncFolder does nothing where folders cannot be opened: the system writes renames through by itself.
func syncFolder(string) error { return nil }
