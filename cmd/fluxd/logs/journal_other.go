//go:build !linux

package logs

import "io"

// InJournal reports whether what is written to a file goes to systemd's journal: there is none here.
func InJournal(io.Writer) bool { return false }
