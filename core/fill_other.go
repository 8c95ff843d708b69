//go:build !amd64 && !arm64

package core

// vectors is false: fill has no vector instructions for this processor.
const vectors = false

const group = 1

func (f *filling) several(bool, []int32, []barrel, []uint32, uint32) int {
	panic("there are no vector instructions for this processor")
}
