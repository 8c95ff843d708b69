#!/usr/bin/env bash
# Many simulated robots: what they cost, and how long "fluxctl --all estop" takes. They rest, with a network of two neurons and a range
# sensor: a hundred worlds need more processors than one machine has. All are at one Mosquitto or, with hub, each has its own broker, which is
# a leaf node of a NATS server.
# Needs bin/fluxd and bin/fluxctl (make build), and mosquitto (Debian) or bin/nats-server:
#   go build -o bin/nats-server github.com/nats-io/nats-server/v2
#
#   docs/fleet-stop-demo.sh [robots] [seconds] [mosquitto | hub]
set -euo pipefail
cd "$(dirname "$0")/.."
robots=${1:-100} seconds=${2:-30} kind=${3:-mosquitto} port=18840 leaves=18841 url=tcp://127.0.0.1:18840
PATH=$PATH:/usr/sbin
case $kind in
mosquitto) command -v mosquitto >/dev/null || { echo "mosquitto is missing: apt-get install mosquitto"; exit 1; } ;;
hub) [ -x bin/nats-server ] || { echo "bin/nats-server is missing: see the first lines of this script"; exit 1; } ;;
*) echo "$kind: expected mosquitto or hub"; exit 2 ;;
esac
[ -x bin/fluxd ] && [ -x bin/fluxctl ] || { echo "bin/fluxd and bin/fluxctl are missing: make build"; exit 1; }

work=$(mktemp -d)
started=()
trap 'for p in "${started[@]}"; do kill "$p" 2>/dev/null || true; done; wait 2>/dev/null || true; rm -rf "$work"' EXIT
if [ "$kind" = mosquitto ]; then
	printf 'listener %s 127.0.0.1\nset_tcp_nodelay true\nallow_anonymous true\nlog_type error\n' $port >"$work/mosquitto.conf"
	mosquitto -c "$work/mosquitto.conf" & broker=$!
else # with the rights of docs/fleet.md
	url=tcp://ann:secret@127.0.0.1:$port
	echo secret >"$work/password"
	{
		echo "server_name: hub"
		echo 'listen: "127.0.0.1:-1"'
		echo "jetstream { store_dir: \"$work/jetstream\", domain: hub }"
		echo "leafnodes { listen: \"127.0.0.1:$leaves\" }"
		echo "mqtt { listen: \"127.0.0.1:$port\" }"
		echo "authorization { users: ["
		for k in $(seq "$robots"); do
			up=""
			for one in status describe 'param.>' 'res.>' 'tele.>' 'event.>'; do up+="\"flux.rover$k.$one\", "; done
			echo "{ user: rover$k, password: secret, permissions: { publish: [$up], subscribe: [\"flux.rover$k.req.>\"] } }"
		done
		echo '{ user: ann, password: secret, permissions: { publish: ["flux.*.req.*", "flux.*.req.*.ann", "fluxctl.echo"],'
		echo '  subscribe: { allow: ["flux", "flux.>", "fluxctl.echo"], deny: ["flux.*.req.>"] } } }'
		echo "] }"
	} >"$work/hub.conf"
	bin/nats-server -c "$work/hub.conf" >"$work/hub.log" 2>&1 & broker=$!
fi
cat >"$work/rest.yaml" <<'ROBOT'
robot: rest
board: {kind: sim, world: table}
sensors:
  sonar: {device: hcsr04, trigger: GPIO23, echo: GPIO24, every: 200ms, level_shifter: true, encode: {kind: threshold, below: 0.3 m, to: near}}
network: {neurons: {near: {}, stop: {}}, synapses: [{from: near, to: stop, weight: 100}]}
actuators:
  wheel: {device: hbridge, pwm: GPIO13, direction: GPIO6, decode: {kind: count, neuron: stop, full: 60 Hz, window: 200ms}}
dashboard: {listen: none}
mqtt: {telemetry: 1 Hz}
ROBOT
for k in $(seq "$robots"); do
	at="--broker $url" file=$work/rest.yaml
	if [ "$kind" = hub ]; then
		at="" file=$work/$k.yaml
		leaf="url: 'nats://127.0.0.1:$leaves', user: rover$k, password_file: $work/password"
		sed "s#^mqtt:.*#mqtt: {telemetry: 1 Hz, listen: '127.0.0.1:0', fleet: {$leaf}}#" "$work/rest.yaml" >"$file"
	fi
	# shellcheck disable=SC2086 # no words, or two
	bin/fluxd run --plain --name "rover$k" $at "$file" >"$work/$k.log" 2>&1 &
	started+=($!)
done
fleet=("${started[@]}")
started+=($broker)
ctl() { bin/fluxctl --broker "$url" "$@"; }
online() { ctl list 2>/dev/null | awk '$2 == "online"' | wc -l; }
for _ in $(seq 60); do [ "$(online)" = "$robots" ] && break; done
[ "$(online)" = "$robots" ] || { echo "not all of $robots robots are online"; ctl list; exit 1; }

# The processes of a robot: the daemon, its parent, which halts it when it dies, and its own broker, if it has one.
family() { echo "$1"; local c; for c in $(pgrep -P "$1" || true); do family "$c"; done; }
processes() { for p in "${fleet[@]}"; do family "$p"; done; }
ticks() { local sum=0 p; for p in "$@"; do sum=$((sum + $(awk '{print $14 + $15}' "/proc/$p/stat"))); done; echo $sum; }
memory() { local p; for p in "$@"; do awk '/^Pss:/ {print $2}' "/proc/$p/smaps_rollup"; done | awk '{s += $1} END {print s}'; }
mapfile -t all < <(processes)
hz=$(getconf CLK_TCK)
r0=$(ticks "${all[@]}") b0=$(ticks $broker)
sleep "$seconds"
r1=$(ticks "${all[@]}") b1=$(ticks $broker)
echo "$robots robots, $seconds s, on $(nproc) processors; load $(cut -d' ' -f1 /proc/loadavg):"
awk -v r=$((r1 - r0)) -v b=$((b1 - b0)) -v hz="$hz" -v s="$seconds" -v n="$robots" \
	-v m="$(memory "${all[@]}")" -v bm="$(memory $broker)" 'BEGIN {
	printf "  processor of a robot      %.2f %% of a core\n", 100 * r / hz / s / n
	printf "  processor of the broker   %.2f %% of a core\n", 100 * b / hz / s
	printf "  memory of a robot         %.1f MB (its share, all its processes)\n", m / 1024 / n
	printf "  memory of the broker      %.1f MB\n", bm / 1024 }'
for run in 1 2 3 4 5; do
	ctl --all disarm >/dev/null && ctl --all arm --yes >/dev/null
	a=$(date +%s%N)
	ctl --all estop >"$work/stopped" && code=0 || code=$?
	e=$(date +%s%N)
	sed -n 's/.*: stopped after \([0-9]*\) ms.*/\1/p' "$work/stopped" | sort -n | awk -v n="$robots" -v code=$code -v all=$(((e - a) / 1000000)) -v run=$run '
		{v[NR] = $1} END {printf "  --all estop, run %d: %d of %d obeyed, exit %d; from sending to the answer %d ms p50, %d ms at most; the whole command %d ms\n",
			run, NR, n, code, v[int((NR + 1) / 2)], v[NR], all}'
done
