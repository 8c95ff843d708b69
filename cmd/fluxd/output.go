package main

import (
	"io"
	"sync"
)

// output receives the results of a command. It keeps the first error of a write, so that a command whose result was lost, for
// example on a full disk, fails even if it ignores the errors of its prints. It is safe for concurrent use.
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

// failed returns the first error of a write.
func (o *output) failed() error {
	o.mutex.Lock()
	defer o.mutex.Unlock()
	return o.err
}

// under returns the writer below an output: a terminal to draw on, or a file to pass to a child process.
func under(w io.Writer) io.Writer {
	if o, is := w.(*output); is {
		return o.to
	}
	return w
}
