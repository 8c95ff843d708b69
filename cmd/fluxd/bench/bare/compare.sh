#!/usr/bin/env bash
# Compares fluxd with the bare kernel (Debian: gcc, util-linux): both in turn on one processor. Prints the median of each, in
# nanoseconds an arrival, and the median of the ratios of all rounds.
#
#   compare.sh [ROUNDS]
set -euo pipefail
cd "$(dirname "$0")/../../../.."
for need in "${CC:-gcc}" taskset; do
	command -v "$need" >/dev/null || { echo "$need is needed (Debian: gcc, util-linux)"; exit 1; }
done
rounds=${1:-7}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"${CC:-gcc}" -O3 -march=native -o "$work/kernel" cmd/fluxd/bench/bare/kernel.c
go build -o "$work/fluxd" ./cmd/fluxd
median() { sort -g "$1" | awk '{v[NR] = $1} END {print (v[int((NR + 1) / 2)] + v[int((NR + 2) / 2)]) / 2}'; }
printf '%-8s %8s %8s %8s\n' network bare fluxd ratio
for net in a:4000:39734 b:4000:414564 c:200000:84571; do
	IFS=: read -r name steps spikes <<<"$net"
	"$work/fluxd" bench --write "$name" >"$work/$name.txt"
	for _ in $(seq "$rounds"); do
		bare=$(taskset -c 0 "$work/kernel" "$work/$name.txt" "$steps")
		[[ $bare == "$spikes spikes,"* ]] || { echo "network $name: expected $spikes spikes, the bare kernel has $bare"; exit 1; }
		bare=$(cut -d' ' -f3 <<<"$bare")
		fluxd=$(taskset -c 0 "$work/fluxd" bench --only "$name" --json 2>/dev/null | sed -n 's/.*"ns_per_event": *\([0-9.]*\).*/\1/p')
		echo "$bare" >>"$work/$name.bare"
		echo "$fluxd" >>"$work/$name.fluxd"
		awk "BEGIN {print $fluxd / $bare}" >>"$work/$name.ratio"
	done
	printf '%-8s %8.2f %8.2f %8.2f\n' "$name" "$(median "$work/$name.bare")" "$(median "$work/$name.fluxd")" "$(median "$work/$name.ratio")"
done
