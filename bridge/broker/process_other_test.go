//go:build !linux

package broker

import "os"

// runs reports whether a process runs.
func runs(id int) bool {
	_, err := os.FindProcess(id)
	return err == nil
}
