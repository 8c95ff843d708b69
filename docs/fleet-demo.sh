#!/usr/bin/env bash
# A fleet on one machine: robots at one Mosquitto, and one robot whose own broker is bridged to it. Measures what they cost, and cleans up.
# Needs mosquitto and mosquitto-clients (Debian), and bin/fluxd and bin/fluxctl (make build).
#
#   docs/fleet-demo.sh [robots] [seconds]
set -euo pipefail
cd "$(dirname "$0")/.."
robots=${1:-20} seconds=${2:-30}
for need in mosquitto mosquitto_sub; do
	command -v $need >/dev/null || PATH=$PATH:/usr/sbin command -v $need >/dev/null || {
		echo "$need is missing: apt-get install mosquitto mosquitto-clients"
		exit 1
	}
done
PATH=$PATH:/usr/sbin
[ -x bin/fluxd ] && [ -x bin/fluxctl ] || { echo "bin/fluxd and bin/fluxctl are missing: make build"; exit 1; }

work=$(mktemp -d)
started=()
trap 'for p in "${started[@]}"; do kill "$p" 2>/dev/null || true; done; wait 2>/dev/null || true; rm -rf "$work"' EXIT
central=18830 own=18831

# The robot "alone" has its own broker. Mosquitto's bridge brings its messages up and requests down.
cat >"$work/mosquitto.conf" <<CONF
listener $central 127.0.0.1
set_tcp_nodelay true
allow_anonymous true
log_type error
connection alone
address 127.0.0.1:$own
clientid fleet-bridge
try_private false
notifications false
restart_timeout 1
topic flux/alone/status in 0
topic flux/alone/describe in 0
topic flux/alone/param/# in 0
topic flux/alone/tele/# in 0
topic flux/alone/event/# in 0
topic flux/alone/res/# in 0
topic flux/alone/req/+ out 0
CONF
robot() { # name, mqtt section
	sed "s/^robot: .*/robot: $1/; s#^mqtt:.*#mqtt: {$2}#" configs/robots/lightseeker.yaml >"$work/$1.yaml"
	bin/fluxd run --plain "$work/$1.yaml" >"$work/$1.log" 2>&1 &
	started+=($!)
}
robot alone "broker: embedded, listen: '127.0.0.1:$own'"
for _ in $(seq 100); do bin/fluxctl --broker tcp://127.0.0.1:$own get >/dev/null 2>&1 && break; sleep 0.1; done
mosquitto -c "$work/mosquitto.conf" & broker=$!
for k in $(seq "$robots"); do robot "robot$k" "broker: 'tcp://127.0.0.1:$central'"; done
fleet=("${started[@]}")
started+=($broker)

ctl() { bin/fluxctl --timeout 2s --broker tcp://127.0.0.1:$central "$@"; }
for k in robot1 "robot$robots" alone; do
	for _ in $(seq 10); do ctl --robot "$k" get network.neurons.motor_l.threshold >/dev/null 2>&1 && continue 2; sleep 0.2; done
	echo "robot $k does not answer at the central broker"; exit 1
done
ctl --robot alone set network.neurons.motor_l.threshold=111 >/dev/null
value=$(bin/fluxctl --broker tcp://127.0.0.1:$own --robot alone get network.neurons.motor_l.threshold | awk 'NR==2{print $2}')
echo "robot alone, bridged: set to 111 through the central broker; at its own broker the value is $value"

ticks() { awk '{print $14 + $15}' "/proc/$1/stat"; }
total() { local sum=0 p; for p in "${fleet[@]}"; do sum=$((sum + $(ticks "$p"))); done; echo $sum; }
hz=$(getconf CLK_TCK)
r0=$(total) b0=$(ticks $broker)
messages=$(timeout "$seconds" mosquitto_sub -h 127.0.0.1 -p $central -t 'flux/#' -F x 2>/dev/null | wc -l || true)
r1=$(total) b1=$(ticks $broker)
echo "$robots robots and one bridged, $seconds s, on $(nproc) processors:"
awk -v r=$((r1 - r0)) -v b=$((b1 - b0)) -v hz="$hz" -v s="$seconds" -v n=$((robots + 1)) -v m="$messages" 'BEGIN {
	printf "  processor of a robot      %.2f %% of a core, with its simulated world\n", 100 * r / hz / s / n
	printf "  processor of Mosquitto    %.2f %% of a core\n", 100 * b / hz / s
	printf "  messages                  %.0f a second, to a subscriber of everything\n", m / s }'
for k in robot1 alone; do
	for _ in $(seq 20); do
		a=$(date +%s%N); ctl --robot $k get network.neurons.motor_l.threshold >/dev/null; e=$(date +%s%N)
		echo $(((e - a) / 1000))
	done | sort -n | awk -v k=$k '{v[NR] = $1} END {printf "  fluxctl get of %-10s %.0f ms p50, %.0f ms at most, from start to end of the process\n", k, v[int((NR + 1) / 2)] / 1000, v[NR] / 1000}'
done
