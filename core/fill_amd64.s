#include "textflag.h"

// The loops of fill in advance.go with AVX2, for eight neighbouring neurons at a time. advance.go says what they compute and why;
// fill_amd64.go says what the arguments are.
//
//	SI sums  DI barrels  CX groups of eight left  R8 list  R10 its length  R9 index of the group's first neuron
//	Y0 floor  Y1 threshold-1  X2 countBits  Y3 zero  Y4 t (leaky)
//
// A group leaves its levels in Y5 and Y6, and in Y7 and Y8 a mask of the neurons that must be judged one by one: all bits of a lane
// are set. They keep their barrel and their sum, and their index goes into the list.

// The arguments that both functions have in common.
#define ARGUMENTS \
	MOVQ sums+0(FP), SI \
	MOVQ barrels+8(FP), DI \
	MOVQ groups+16(FP), CX \
	VMOVQ countBits+24(FP), X2 \
	VPBROADCASTQ floor+32(FP), Y0 \
	MOVQ threshold+40(FP), AX \
	DECQ AX \
	VMOVQ AX, X1 \
	VPBROADCASTQ X1, Y1 \
	MOVQ list+48(FP), R8 \
	MOVL first+56(FP), R9 \
	VPXOR Y3, Y3, Y3 \
	XORQ R10, R10

// The water of eight sums: 32 bits become 64.
#define WATER \
	VMOVDQU (SI), Y9 \
	VPSRAD X2, Y9, Y10 \
	VPMOVSXDQ X10, Y5 \
	VEXTRACTI128 $1, Y10, X10 \
	VPMOVSXDQ X10, Y6

// No level is below the floor, and a level from the threshold on is to be judged.
#define JUDGE(level, mask) \
	VPCMPGTQ level, Y0, mask \
	VPBLENDVB mask, Y0, level, level \
	VPCMPGTQ Y1, level, mask

// The level of a leaky barrel: the distance of empty from t, with the sign of empty, and 0 if that time has passed.
#define LEVEL(empty, sign, level) \
	VPCMPGTQ empty, Y3, sign \
	VPXOR sign, empty, level \
	VPSUBQ sign, level, level \
	VPSUBQ Y4, level, level \
	VPCMPGTQ Y3, level, Y15 \
	VPAND Y15, level, level \
	VPXOR sign, level, level \
	VPSUBQ sign, level, level

// The barrel of a level.
#define EMPTY(level, sign) \
	VPCMPGTQ level, Y3, sign \
	VPXOR sign, Y4, Y15 \
	VPSUBQ sign, Y15, Y15 \
	VPADDQ Y15, level, level

// Writes the barrels and clears the sums, of all but those that are to be judged. Y11 and Y12 have the barrels as they were.
#define STORE(judged, next) \
	VPBLENDVB Y7, Y11, Y5, Y5 \
	VPBLENDVB Y8, Y12, Y6, Y6 \
	VMOVDQU Y5, (DI) \
	VMOVDQU Y6, 32(DI) \
	VSHUFPS $0x88, Y8, Y7, Y7 \ // the upper halves are like the lower ones
	VPERMQ $0xD8, Y7, Y7 \
	VMOVMSKPS Y7, AX \
	VPAND Y9, Y7, Y9 \
	VMOVDQU Y9, (SI) \
	TESTL AX, AX \
	JNE judged \
next: \
	ADDQ $32, SI \
	ADDQ $64, DI \
	ADDL $8, R9 \
	DECQ CX

// Appends the neurons whose bits are set in AX to the list.
#define APPEND(judged, next) \
judged: \
	BSFL AX, DX \
	ADDL R9, DX \
	MOVL DX, (R8)(R10*4) \
	INCQ R10 \
	LEAL -1(AX), DX \
	ANDL DX, AX \
	JNE judged \
	JMP next

// func fillPlainAVX2(sums *int32, barrels *barrel, groups int, countBits uint64, floor, threshold int64, list *uint32, first uint32) int
TEXT ·fillPlainAVX2(SB), NOSPLIT, $0-72
	ARGUMENTS

group:
	WATER
	VMOVDQU (DI), Y11
	VMOVDQU 32(DI), Y12
	VPADDQ  Y11, Y5, Y5
	VPADDQ  Y12, Y6, Y6
	JUDGE(Y5, Y7)
	JUDGE(Y6, Y8)
	STORE(judged, next)
	JNE     group
	VZEROUPPER
	MOVQ    R10, ret+64(FP)
	RET

	APPEND(judged, next)

// func fillLeakyAVX2(sums *int32, barrels *barrel, groups int, countBits uint64, floor, threshold int64, list *uint32, first uint32, t int64) int
TEXT ·fillLeakyAVX2(SB), NOSPLIT, $0-80
	ARGUMENTS
	VPBROADCASTQ t+64(FP), Y4

group:
	WATER
	VMOVDQU (DI), Y11
	VMOVDQU 32(DI), Y12
	LEVEL(Y11, Y13, Y7)
	LEVEL(Y12, Y14, Y8)
	VPADDQ  Y7, Y5, Y5
	VPADDQ  Y8, Y6, Y6
	JUDGE(Y5, Y7)
	JUDGE(Y6, Y8)
	EMPTY(Y5, Y13)
	EMPTY(Y6, Y14)
	STORE(judged, next)
	JNE     group
	VZEROUPPER
	MOVQ    R10, ret+72(FP)
	RET

	APPEND(judged, next)
