#include "textflag.h"

// The loops of fill in advance.go with Advanced SIMD (NEON), for four neighbouring neurons at a time. advance.go says what they
// compute and why; fill_arm64.go says what the arguments are.
//
//	R0 sums  R1 barrels  R2 groups of four left  R3 list  R4 its length  R5 index of the group's first neuron
//	V0 floor  V1 threshold-1  V2 -countBits  V4 t (leaky)
//
// A group leaves its levels in V5 and V6, and in V7 and V8 a mask of the neurons that must be judged one by one: all bits of a lane
// are set. They keep their barrel and their sum, and their index goes into the list.

// Instructions that the assembler has no name for, from the Arm Architecture Reference Manual for A-profile, C7.2. n, m and d are
// numbers of registers.
#define SSHL_4S(m, n, d)  WORD $(0x4EA04400 | (m)<<16 | (n)<<5 | (d)) // d = n << m of each 32 bits, or >> -m with the sign
#define SXTL_2D(n, d)     WORD $(0x0F20A400 | (n)<<5 | (d))           // d = the lower two 32 bits of n as 64 bits
#define SXTL2_2D(n, d)    WORD $(0x4F20A400 | (n)<<5 | (d))           // d = the upper two
#define CMGT_2D(m, n, d)  WORD $(0x4EE03400 | (m)<<16 | (n)<<5 | (d)) // d = n > m
#define CMLT0_2D(n, d)    WORD $(0x4EE0A800 | (n)<<5 | (d))           // d = n < 0
#define CMGT0_2D(n, d)    WORD $(0x4EE08800 | (n)<<5 | (d))           // d = n > 0
#define XTN_4H(n, d)      WORD $(0x0E612800 | (n)<<5 | (d))           // d = the lower 16 bits of each 32 bits of n

// The arguments that both functions have in common.
#define ARGUMENTS \
	MOVD sums+0(FP), R0 \
	MOVD barrels+8(FP), R1 \
	MOVD groups+16(FP), R2 \
	MOVD countBits+24(FP), R6 \
	NEG R6, R6 \
	VDUP R6, V2.S4 \
	MOVD floor+32(FP), R6 \
	VDUP R6, V0.D2 \
	MOVD threshold+40(FP), R6 \
	SUB $1, R6 \
	VDUP R6, V1.D2 \
	MOVD list+48(FP), R3 \
	MOVWU first+56(FP), R5 \
	MOVD $0, R4

// The water of four sums: 32 bits become 64.
#define WATER \
	VLD1 (R0), [V9.S4] \
	SSHL_4S(2, 9, 10) \
	SXTL_2D(10, 5) \
	SXTL2_2D(10, 6)

// No level is below the floor, and a level from the threshold on is to be judged. level and mask are numbers, with the registers
// that they mean behind them.
#define JUDGE(level, Vlevel, mask, Vmask) \
	CMGT_2D(level, 0, mask) \
	VBIT Vmask.B16, V0.B16, Vlevel.B16 \
	CMGT_2D(1, level, mask)

// The level of a leaky barrel: the distance of empty from t, with the sign of empty, and 0 if that time has passed.
#define LEVEL(empty, Vempty, sign, Vsign, level, Vlevel) \
	CMLT0_2D(empty, sign) \
	VEOR Vsign.B16, Vempty.B16, Vlevel.B16 \
	VSUB Vsign.D2, Vlevel.D2, Vlevel.D2 \
	VSUB V4.D2, Vlevel.D2, Vlevel.D2 \
	CMGT0_2D(level, 15) \
	VAND V15.B16, Vlevel.B16, Vlevel.B16 \
	VEOR Vsign.B16, Vlevel.B16, Vlevel.B16 \
	VSUB Vsign.D2, Vlevel.D2, Vlevel.D2

// The barrel of a level.
#define EMPTY(level, Vlevel) \
	CMLT0_2D(level, 13) \
	VEOR V13.B16, V4.B16, V15.B16 \
	VSUB V13.D2, V15.D2, V15.D2 \
	VADD V15.D2, Vlevel.D2, Vlevel.D2

// Writes the barrels and clears the sums, of all but those that are to be judged. V11 and V12 have the barrels as they were.
#define STORE(judged, next) \
	VBIT V7.B16, V11.B16, V5.B16 \
	VBIT V8.B16, V12.B16, V6.B16 \
	VST1.P [V5.D2, V6.D2], 32(R1) \
	VUZP1 V8.S4, V7.S4, V7.S4 \ // the upper halves are like the lower ones
	VAND V7.B16, V9.B16, V9.B16 \
	VST1.P [V9.S4], 16(R0) \
	XTN_4H(7, 7) \
	VMOV V7.D[0], R6 \
	CBNZ R6, judged \
next: \
	ADD $4, R5 \
	SUBS $1, R2

// Appends the neurons whose 16 bits are set in R6 to the list. The first place after the list is written in vain.
#define APPEND(judged, next) \
judged: \
	MOVW R5, (R3)(R4<<2) \
	AND $1, R6, R7 \
	ADD R7, R4 \
	ADD $1, R5, R8 \
	MOVW R8, (R3)(R4<<2) \
	UBFX $16, R6, $1, R7 \
	ADD R7, R4 \
	ADD $2, R5, R8 \
	MOVW R8, (R3)(R4<<2) \
	UBFX $32, R6, $1, R7 \
	ADD R7, R4 \
	ADD $3, R5, R8 \
	MOVW R8, (R3)(R4<<2) \
	UBFX $48, R6, $1, R7 \
	ADD R7, R4 \
	JMP next

// func fillPlainNEON(sums *int32, barrels *barrel, groups int, countBits uint64, floor, threshold int64, list *uint32, first uint32) int
TEXT ·fillPlainNEON(SB), NOSPLIT, $0-72
	ARGUMENTS

group:
	WATER
	VLD1 (R1), [V11.D2, V12.D2]
	VADD V11.D2, V5.D2, V5.D2
	VADD V12.D2, V6.D2, V6.D2
	JUDGE(5, V5, 7, V7)
	JUDGE(6, V6, 8, V8)
	STORE(judged, next)
	BNE  group
	MOVD R4, ret+64(FP)
	RET

	APPEND(judged, next)

// func fillLeakyNEON(sums *int32, barrels *barrel, groups int, countBits uint64, floor, threshold int64, list *uint32, first uint32, t int64) int
TEXT ·fillLeakyNEON(SB), NOSPLIT, $0-80
	ARGUMENTS
	MOVD t+64(FP), R6
	VDUP R6, V4.D2

group:
	WATER
	VLD1 (R1), [V11.D2, V12.D2]
	LEVEL(11, V11, 13, V13, 7, V7)
	LEVEL(12, V12, 14, V14, 8, V8)
	VADD V7.D2, V5.D2, V5.D2
	VADD V8.D2, V6.D2, V6.D2
	JUDGE(5, V5, 7, V7)
	JUDGE(6, V6, 8, V8)
	EMPTY(5, V5)
	EMPTY(6, V6)
	STORE(judged, next)
	BNE  group
	MOVD R4, ret+72(FP)
	RET

	APPEND(judged, next)
