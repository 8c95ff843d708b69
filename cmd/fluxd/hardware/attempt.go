package hardware

import (
	"fmt"
	"path/filepath"
	"runtime"
	"strings"
)

// Attempt calls do, which runs code of a driver, a board or a bus, and turns a panic into an error: it is a fault of that device,
// and the rest of the robot goes on. It is not meant for panics in other parts of fluxd.
func Attempt(do func() error) (err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = &Panicked{cause: cause, where: panicPlace()}
		}
	}()
	return do()
}

// Panicked is the error of a driver that panicked.
type Panicked struct {
	cause any
	where string // file and line
}

func (p *Panicked) Error() string {
	return fmt.Sprintf("its driver panicked at %s: %v; this is a bug in the driver, please report it", p.where, p.cause)
}

// panicPlace returns the file and line of the panic that is being recovered from.
func panicPlace() string {
	callers := make([]uintptr, 32)
	frames := runtime.CallersFrames(callers[:runtime.Callers(1, callers)])
	for panicking := false; ; {
		frame, more := frames.Next()
		switch inRuntime := strings.HasPrefix(frame.Function, "runtime."); {
		case frame.Function == "runtime.gopanic":
			panicking = true
		case panicking && !inRuntime:
			return fmt.Sprintf("%s:%d", filepath.Base(frame.File), frame.Line)
		}
		if !more {
			return "an unknown place"
		}
	}
}
