// Package violator does everything that the engine must not do while it runs. The engine's test disassembles it, to prove that the
// test finds each violation.
package violator

type wide [23]int64

//go:noinline
func Multiply(a, b int64) int64 { return a * b }

//go:noinline
func MultiplySmall(a, b int32) int32 { return a * b }

//go:noinline
func Divide(a, b int64) int64 { return a / b }

//go:noinline
func Remainder(a, b uint32) uint32 { return a % b }

//go:noinline
func Float(a, b float64) float64 { return a + b }

//go:noinline
func Convert(a int32) float64 { return float64(a) }

//go:noinline
func DivideByConstant(a uint32) uint32 { return a / 10 }

// Index multiplies without saying so: the size of an element is no power of two, nor anything that shifts and adds come to.
//
//go:noinline
func Index(all []wide, i int) int64 { return all[i][0] }
