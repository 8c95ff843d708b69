#!/usr/bin/env bash
# Counts the instructions an arrival costs on each processor, under emulation (Debian: gcc, qemu-user, whose static twin loads no plugins).
# The count is the difference between a long and a short run, so starting and reading the network are not part of it.
set -euo pipefail
cd "$(dirname "$0")/../../../.."
for need in "${CC:-gcc}" qemu-aarch64 qemu-arm qemu-x86_64; do
	command -v "$need" >/dev/null || { echo "$need is needed (Debian: gcc, qemu-user)"; exit 1; }
done
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"${CC:-gcc}" -O2 -shared -fPIC -o "$work/plugin.so" cmd/fluxd/bench/instructions/plugin.c
go build -o "$work/here" ./cmd/fluxd
for net in a b c; do "$work/here" bench --write $net >"$work/$net.txt"; done
printf '%-7s %s %14s %10s %s\n' processor net instructions arrivals 'an arrival'
for pair in amd64:qemu-x86_64 arm64:qemu-aarch64 arm:qemu-arm; do
	arch=${pair%%:*} emulator=${pair#*:}
	CGO_ENABLED=0 GOOS=linux GOARCH=$arch GOARM=6 go build -o "$work/fluxd" ./cmd/fluxd
	for run in a:400:4400 b:100:500 c:10000:110000; do
		IFS=: read -r net short long <<<"$run"
		for steps in "$short" "$long"; do
			# One processor and no garbage collection: both count differently in each run. -cpu max has AVX2.
			GOGC=off GOMAXPROCS=1 $emulator -cpu max -plugin "$work/plugin.so" "$work/fluxd" \
				bench --net "$work/$net.txt" --warmup 100 --steps "$steps" --json >"$work/out.json" 2>"$work/err"
			instructions=$(grep -a -o 'instructions [0-9]*' "$work/err" | tail -1 | cut -d' ' -f2)
			arrivals=$(grep -o '"events": *[0-9]*' "$work/out.json" | head -1 | grep -o '[0-9]*$')
			[ "$steps" = "$short" ] && before=$instructions earlier=$arrivals
		done
		((instructions -= before, arrivals -= earlier))
		printf '%-9s %s   %14d %10d %6d.%02d\n' $arch $net $instructions $arrivals $((instructions / arrivals)) \
			$((instructions * 100 / arrivals % 100))
	done
done
