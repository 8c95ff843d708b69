//go:build !linux

package linux

import (
	"errors"
	"time"
)

var errNotLinux = errors.New("GPIO needs Linux")

// none is a system without the GPIO character device.
type none struct{}

func newKernel(func() time.Duration) kernel { return none{} }

func (none) chips() ([]chip, error) { return nil, errNotLinux }
func (none) input(string, int, int, int, func(time.Duration, bool, uint32)) (line, error) {
	return nil, errNotLinux
}
func (none) output(string, int, bool) (line, error) { return nil, errNotLinux }

func consumers() (map[string]map[int]string, error) { return nil, errNotLinux }
