package core

// This file holds the promise "Addition only" of docs/exact-model.md.

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// runTime are the files whose functions run while a network runs. Functions in other files run when a network is built, tuned,
// saved or displayed.
var runTime = []string{"advance.go", "input.go", "fill.go", "fill_amd64.go", "fill_arm64.go", "fill_other.go", "barrel.go",
	"accumulators.go", "log.go", "stale.go", "queue.go", "calendar.go", "timers.go", "staircase.go",
	"mechanisms.go", "plasticity.go", "spontaneous.go"}

// buildTime are the functions in those files that run when a network is built or tuned, and may multiply.
var buildTime = []string{"Neuron.needsMechanisms", "(*Neuron).needsMechanisms", "Neuron.mechanismParameters",
	"(*Neuron).mechanismParameters", "Neuron.mechanismParameters.func1",
	"Plastic.rule", "(*Plastic).rule", "newShares", "(*Network).PourWater",
	"(*Neuron).neuronType", "(*neuronTypeSet).index", "runs", "newQueue", "newCalendar"}

// forbidden matches multiplications, divisions and all computation in floating point. It does not match moving bytes through a
// vector register. On arm a division is a call: see division.
var forbidden = map[string]*regexp.Regexp{
	"amd64": regexp.MustCompile(`^(I?MUL|I?DIV|` +
		`V?(ADD|SUB|MUL|DIV|SQRT|MIN|MAX|U?COMI|ROUND|CVT\w*)[SP][SD]|CVT\w+|PMUL\w*|PMADD\w*|F[A-Z]+)[A-Z0-9]*$`),
	"arm64": regexp.MustCompile(`^(MUL|MADD|MSUB|MNEG|[SU]MULL|[SU]MULH|[SU]MADDL|[SU]MSUBL|[SU]MNEGL|[SU]DIV|REM|UREM|` +
		`F(ADD|SUB|MUL|DIV|NMUL|MADD|MSUB|NMADD|NMSUB|CMP|CVT|SQRT|ABS|NEG|MIN|MAX|RINT)\w*|[SU]CVTF\w*)[A-Z0-9]*$`),
	"arm": regexp.MustCompile(`^(MUL|MLA|MLS|SMLA\w*|SMUL\w*|[SU]MULL|[SU]MLAL|UMAAL|[SU]DIV|` +
		`V(ADD|SUB|MUL|DIV|NMUL|SQRT|ABS|NEG|CMP|CVT|MLA|MLS)\w*|` +
		`(ADD|SUB|MUL|DIV|NMUL|SQRT|ABS|NEG|CMP|MULA|MULS)[FD]|MOV(W[FD]|[FD]W|FD|DF))(\.\w+)?$`),
}

var division = regexp.MustCompile(`runtime\.(u?int(32|64)?(div|mod)|_?u?div|_?u?mod|_?div|` +
	`f(add|sub|mul|div|to|32|64|int)|int(32|64)?tof|float)`)

// violations disassembles a package. It returns the forbidden instructions, and the functions that it has read.
func violations(t *testing.T, folder, arch string, covered func(function, file string) bool) (wrong, functions []string) {
	t.Helper()
	object := filepath.Join(t.TempDir(), "object.a")
	build := exec.Command("go", "build", "-o", object, ".")
	build.Dir = folder
	build.Env = append(build.Environ(), "GOARCH="+arch, "GOOS=linux", "GOARM=6", "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	listing, err := exec.Command("go", "tool", "objdump", object).Output()
	if err != nil {
		t.Fatal(err)
	}
	function, in := "", false
	for line := range strings.Lines(string(listing)) {
		if text, found := strings.CutPrefix(line, "TEXT "); found {
			symbol, file, _ := strings.Cut(strings.TrimSpace(text), " ")
			function = strings.TrimSuffix(symbol[strings.LastIndexByte(symbol, '/')+1:], "(SB)")
			in = covered(function, filepath.Base(file))
			if in {
				functions = append(functions, function)
			}
			continue
		}
		fields := strings.Fields(line)
		if !in || len(fields) < 4 {
			continue
		}
		if operation := strings.TrimRight(fields[3], "."); forbidden[arch].MatchString(operation) || division.MatchString(line) {
			wrong = append(wrong, fmt.Sprintf("%s: %s", function, strings.Join(fields, " ")))
		}
	}
	return wrong, functions
}

// No instruction that runs while a network runs multiplies, divides or computes in floating point, on any processor.
func TestRunTimePathOnlyAdds(t *testing.T) {
	for arch := range forbidden {
		t.Run(arch, func(t *testing.T) {
			wrong, functions := violations(t, ".", arch, func(function, file string) bool {
				name := strings.TrimPrefix(function, "core.")
				return slices.Contains(runTime, file) && !slices.Contains(buildTime, name)
			})
			for _, w := range wrong {
				t.Error(w)
			}
			// Large functions are not inlined. If one of them is missing, the test has read the wrong code.
			for _, needed := range []string{"core.(*Network).Advance", "core.(*Network).deliver", "core.(*Network).judgeAccumulated",
				"core.(*Network).fill", "core.(*Network).fillReached", "core.(*filling).oneByOne", "core.(*Network).judgeWithMechanisms",
				"core.(*Network).sendDense", "core.(*Network).sendSparse", "core.(*Network).sendScattered", "core.(*Network).skim",
				"core.(*calendar).open", "core.(*calendar).sort", "core.(*calendar).lengthen",
				"core.(*accumulators).open", "core.(*Network).recordDepartures", "core.(*Network).requeue",
				"core.(*Network).refill", "core.(*Network).spike",
				"core.(*Network).consolidate", "core.shares.of", "core.(*queue).push", "core.(*queue).land", "core.(*staircase).settle",
				"core.(*Network).deliverPiece", "core.(*Network).deliverBoth", "core.(*Network).potentiate",
				"core.(*Network).rebase", "core.(*mechanisms).spontaneous", "core.(*mechanisms).babble", "core.(*Pattern).next"} {
				if !slices.Contains(functions, needed) {
					t.Errorf("%s was not read", needed)
				}
			}
			random, drawn := violations(t, "../lagged", arch, func(function, _ string) bool { return function != "lagged.New" })
			for _, w := range random {
				t.Error(w)
			}
			if !slices.Contains(drawn, "lagged.(*Random).Below") {
				t.Errorf("the random numbers were not read: %v", drawn)
			}
			slices.Sort(functions)
			t.Logf("%d functions: %s", len(functions), strings.Join(functions, ", "))
		})
	}
}

// assembly are all instructions that the files in assembly use, by architecture: additions, subtractions, comparisons, moves,
// blends, masks and branches. On amd64 these are the names of the assembler, since go tool objdump does not know AVX2; on arm64
// those of the disassembler, which also reads the instructions that the assembler has no name for.
var assembly = map[string][]string{
	"amd64": {"TEXT", "FUNCDATA", "MOVQ", "MOVL", "VMOVQ", "VMOVDQU", "VPBROADCASTQ", "VEXTRACTI128", "VPMOVSXDQ", "VPERMQ",
		"VSHUFPS",
		"VMOVMSKPS",
		"VZEROUPPER", "DECQ", "INCQ", "ADDQ", "ADDL", "LEAL", "VPADDQ", "VPSUBQ", "VPSRAD", "VPXOR", "XORQ", "ANDL", "VPAND",
		"VPCMPGTQ", "VPBLENDVB", "TESTL", "BSFL", "JNE", "JMP", "RET"},
	"arm64": {"MOVD", "MOVW", "MOVWU", "VMOV", "VDUP", "VLD1", "VST1.P", "VUZP1", "VXTN", "VSXTL", "VSXTL2", "ADD", "SUB", "SUBS",
		"NEG", "VADD", "VSUB", "VSSHL", "VEOR", "VAND", "AND", "UBFX", "VCMGT", "VCMLT", "VBIT", "CBNZ", "BNE", "JMP", "RET"},
}

// The files in assembly have no other instructions, either.
func TestRunTimePathInAssemblyOnlyAdds(t *testing.T) {
	files, err := filepath.Glob("*.s")
	if err != nil || len(files) != len(assembly) {
		t.Fatalf("%v %v: expected a file for each of %d architectures", files, err, len(assembly))
	}
	root, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		t.Fatal(err)
	}
	for arch, allowed := range assembly {
		t.Run(arch, func(t *testing.T) {
			object := filepath.Join(t.TempDir(), "fill.o")
			assemble := exec.Command("go", "tool", "asm", "-S", "-p", "core", "-I",
				filepath.Join(strings.TrimSpace(string(root)), "pkg", "include"), "-o", object, "fill_"+arch+".s")
			assemble.Env = append(assemble.Environ(), "GOARCH="+arch, "GOOS=linux")
			listing, err := assemble.CombinedOutput()
			if err != nil {
				t.Fatalf("%v\n%s", err, listing)
			}
			// 0x0000 00000 (fill_amd64.s:95)	MOVQ	sums+0(FP), SI
			instruction := regexp.MustCompile(`(?m)^\s+0x[0-9a-f]+ \d+ \([^)]*\)\t([A-Z][A-Z0-9.]*)`)
			if arch == "arm64" {
				if listing, err = exec.Command("go", "tool", "objdump", object).Output(); err != nil {
					t.Fatal(err)
				}
				// fill_arm64.s:108	0x6e3		f94007e0	MOVD 8(RSP), R0; what lies behind the last RET is no instruction
				instruction = regexp.MustCompile(`(?m)^\s+fill_arm64\.s:\d+\t+0x[0-9a-f]+\t+[0-9a-f]{8}\t+(\S+)`)
				listing = regexp.MustCompile(`(?m)^.*\t00000000\t.*$`).ReplaceAll(listing, nil)
			}
			seen := map[string]int{}
			for _, found := range instruction.FindAllSubmatch(listing, -1) {
				seen[string(found[1])]++
			}
			for name := range seen {
				if !slices.Contains(allowed, name) {
					t.Errorf("%s: expected only %s", name, strings.Join(allowed, ", "))
				}
			}
			for _, name := range allowed { // if one is missing, the test has read the wrong code
				if seen[name] == 0 {
					t.Errorf("there is no %s", name)
				}
			}
			t.Log(seen)
		})
	}
}

// The check works: it finds the violation in each of these functions, on each processor.
func TestTheCheckFindsWhatIsForbidden(t *testing.T) {
	for arch := range forbidden {
		t.Run(arch, func(t *testing.T) {
			wrong, functions := violations(t, "testdata/violator", arch,
				func(function, _ string) bool { return strings.HasPrefix(function, "violator.") })
			if len(functions) < 6 {
				t.Fatalf("looked at %v only", functions)
			}
			for _, function := range functions {
				if !slices.ContainsFunc(wrong, func(w string) bool { return strings.HasPrefix(w, function+": ") }) {
					t.Errorf("%s: its violation was not found", function)
				}
			}
		})
	}
}
