package chips

import "iter"

// transfer carries out a transaction of a chip with numbered registers. The first byte written is the number of a register; the
// other bytes are written from there on, and reading continues from there. A transaction without a number does nothing: the
// simulation does not remember the register of an earlier one.
func transfer(w, r []byte, write func(register, value byte), read func(register byte) byte) {
	if len(w) == 0 {
		return
	}
	register := w[0]
	for _, value := range w[1:] {
		write(register, value)
		register++
	}
	for i := range r {
		r[i] = read(register)
		register++
	}
}

// pairs returns the registers and values of a write that contains the number of each register.
func pairs(w []byte) iter.Seq2[byte, byte] {
	return func(yield func(register, value byte) bool) {
		for rest := w; len(rest) > 1 && yield(rest[0], rest[1]); rest = rest[2:] {
		}
	}
}

// answer fills a read with a register of two bytes, the high one first, repeatedly.
func answer(r []byte, word uint16) {
	for i := range r {
		r[i] = byte(word >> (8 - i%2*8))
	}
}

// toNearest divides and rounds to the nearest whole number, like a converter.
func toNearest(numerator, denominator int64) int64 {
	if numerator < 0 {
		return (numerator - denominator/2) / denominator
	}
	return (numerator + denominator/2) / denominator
}
