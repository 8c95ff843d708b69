package robotfile

import (
	"context"
	"errors"

	"fluxd/cmd/fluxd/hardware"
	"fluxd/configs"
)

// Parse reads a robot file, and checks that its sensors can measure the ranges that it requires.
func Parse(f configs.File, changes configs.Changes) (*configs.Robot, error) {
	config, err := f.Parse(changes)
	if err != nil {
		return nil, err
	}
	if mistakes, _ := hardware.CheckRanges(config); len(mistakes) > 0 {
		return nil, mistakes
	}
	return config, nil
}

// Await calls read, which reads a file, in a goroutine. A read may block forever, from standard input without a writer or from a
// disk that does not answer. Then the end of the context ends the wait, and the goroutine ends with the process.
func Await[T any](ctx context.Context, read func() (T, error)) (T, error) {
	type result struct {
		value T
		err   error
	}
	done := make(chan result, 1)
	go func() {
		value, err := read()
		done <- result{value, err}
	}()
	select {
	case r := <-done:
		return r.value, r.err
	case <-ctx.Done():
		var none T
		return none, errors.New("interrupted while reading")
	}
}

// Overlays reads files of tuned values.
func Overlays(ctx context.Context, files []string) (all []*configs.Overlay, err error) {
	for _, file := range files {
		o, err := Await(ctx, func() (*configs.Overlay, error) { return configs.LoadOverlay(file) })
		if err != nil {
			return nil, err
		}
		all = append(all, o)
	}
	return all, nil
}
