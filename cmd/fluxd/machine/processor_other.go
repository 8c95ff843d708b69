//go:build !unix

package machine

import "time"

// ProcessorTime is not known on this operating system.
func ProcessorTime() (time.Duration, bool) { return 0, false }
