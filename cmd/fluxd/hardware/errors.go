package hardware

import (
	"errors"
	"fmt"

	"fluxd/configs"
	"fluxd/options"
)

// misplaced is an error about the value of one key of a sensor or actuator.
type misplaced struct {
	key string
	err error
}

func (m *misplaced) Error() string { return m.key + ": " + m.err.Error() }
func (m *misplaced) Unwrap() error { return m.err }

// At returns an error about the value of one key of a device, such as encode.max.
func At(key string, err error) error { return &misplaced{key, err} }

// In returns the error of a part that was made from the options at a key of a device, such as encode. It names the wrong option,
// if that is known.
func In(key string, err error) error {
	var wrong options.Mistake
	switch {
	case err == nil:
		return nil
	case errors.As(err, &wrong) && wrong.Key != "":
		return &misplaced{key + "." + wrong.Key, wrong.Err}
	}
	return &misplaced{key, err}
}

// Wrong returns an error about the value at a path of the robot file, with its line.
func (b *Body) Wrong(path string, err error) error {
	return configs.Errors{b.config.Mistake(path, "%v", err)}
}

// Refused returns the error of a part that could not be opened. Mistakes of the robot file have their line; on a simulated board
// every error is one.
func (b *Body) Refused(path, part string, err error) error {
	var placed configs.Errors
	var key *misplaced
	switch {
	case errors.As(err, &placed):
		return placed
	case errors.As(err, &key):
		return b.Wrong(path+"."+key.key, key.err)
	case b.config.Board.Kind == "sim":
		return b.Wrong(path, err)
	}
	return fmt.Errorf("%s: %w", part, err)
}
