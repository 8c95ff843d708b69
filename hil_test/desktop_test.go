//go:build !linux

package hil_test

import "errors"

var errNeedsLinux = errors.New("this rig needs Linux; sim runs everywhere")

func newGuest(string) (rig, int)          { println(errNeedsLinux.Error()); return nil, 1 }
func newPi() (rig, int)                   { return newGuest("pi") }
func emulated(string, func(result)) error { return errNeedsLinux }
