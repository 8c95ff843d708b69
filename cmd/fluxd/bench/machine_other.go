//go:build !linux && !darwin

package bench

import "os"

func processor() string { return os.Getenv("PROCESSOR_IDENTIFIER") } // Windows sets it
