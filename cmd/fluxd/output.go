package main

import (
	"io"
	"sync"
)

// output is where the results of a command go. It keeps the first error, so that no command ends well whose result was lost, be it
// on a full disk, whatever became of the errors of its prints. It is safe for concurrent use.
type output struct {
	to    io.Writer
	mutex sync.Mutex
	err   error
}

// Write implements io.Writer. After an error it writes no more.
func (o *output) Write(text []byte) (int, error) {
	o.mutex.Lock()
	defer o.mutex.Unlock()
	if o.err != nil {
		return 0, o.err
	}
	n, err := o.to.Write(text)
	o.err = err
	return n, err
}

// failed returns the first error.
func (o *output) failed() error {
	o.mutex.Lock()
	defer o.mutex.Unlock()
	return o.err
}

// under returns what results are written to in the end: a terminal, for one who draws on it, or a file, for a child process.
func under(w io.Writer) io.Writer {
	if o, is := w.(*output); is {
		return o.to
	}
	return w
}
