#!/usr/bin/env bash
# The packages as people get them: built twice in two folders with the same bytes, checked by lintian, and installed, upgraded, rolled
# back, removed and purged in a Debian root, where the armhf program runs on an emulated processor. It needs root, for chroot, and the
# Debian packages lintian, debootstrap and qemu-user-static. MIRROR is where Debian comes from.
#
#   packaging/test.sh [FOLDER]     FOLDER is made anew, and stays; bin/packages without it
set -euo pipefail
cd "$(dirname "$0")/.."
source=$PWD folder=$(realpath -m "${1:-bin/packages}")
PATH=$PATH:/usr/sbin:/sbin
for tool in lintian debootstrap qemu-arm-static dpkg; do
	command -v "$tool" >/dev/null || { echo "make packages-test needs $tool (Debian: lintian, debootstrap, qemu-user-static)"; exit 1; }
done
[ "$(id -u)" = 0 ] || { echo "make packages-test needs root: it installs the packages in a folder with chroot"; exit 1; }
unshare --mount mount -t proc proc /proc 2>/dev/null || { echo "NOT RUN: the test of the packages. On this machine root may mount nothing, as in some containers."; exit 0; }
step() { echo "$(date +%T) $*"; }
fail() { echo "FAILED: $*"; exit 1; }
[ ! -e "$folder" ] || [ -e "$folder/.packages-test" ] || fail "$folder is there, and is not of this test"
umount "$folder/root/proc" 2>/dev/null || true
rm -rf "$folder"
mkdir -p "$folder/source" && touch "$folder/.packages-test"
trap 'umount "$folder/root/proc" 2>/dev/null || true' EXIT

step "a Debian root, beside the builds"
debootstrap --variant=minbase --include=adduser bookworm "$folder/root" "${MIRROR:-http://deb.debian.org/debian}" >"$folder/root.log" 2>&1 &
root_made=$!

step "all packages, in two folders"
version=1.0.0 date=2026-11-27T10:20:30Z maintainer='Ann Lee <ann@debian.org>'
go build -C packaging -o "$folder/packaging" .
make_in() { (cd "$1" && "$folder/packaging" -source "$1" -maintainer "$maintainer" "${@:2}"); }
make_in "$source" -out "$folder/one" -version $version -date $date
tar -C "$source" --exclude=./.git --exclude=./bin --exclude=./dist -cf - . | tar -C "$folder/source" -xf -
find "$folder/source" -type f -exec touch {} +
(umask 077; TZ=Asia/Tokyo LC_ALL=C make_in "$folder/source" -out "$folder/other" -version $version -date $date) >"$folder/other.log" 2>&1 ||
	{ cat "$folder/other.log"; fail "the second build"; }
cmp "$folder/one/SHA256SUMS" "$folder/other/SHA256SUMS" || fail "the same source has given other bytes in another folder"
for built in one other; do (cd "$folder/$built" && sha256sum --quiet -c SHA256SUMS); done
[ "$(wc -l <"$folder/one/SHA256SUMS")" = 10 ] || fail "expected ten files in SHA256SUMS"
make_in "$source" -out "$folder/old" -version 0.9.0+3.g0123456789ab -date $date -only amd64.deb >/dev/null
old=$folder/old/fluxd_0.9.0+3.g0123456789ab_amd64.deb new=$folder/one/fluxd_${version}_amd64.deb

step "lintian"
lintian --allow-root --fail-on error,warning --tag-display-limit 0 "$folder"/one/fluxd_${version}_{amd64,armhf}.deb || fail "lintian"

wait $root_made || { tail -20 "$folder/root.log"; fail "debootstrap"; }
root=$folder/root
mount -t proc proc "$root/proc"
inside() { chroot "$root" /usr/bin/env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive "$@"; }
cp "$old" "$root/old.deb" && cp "$new" "$root/new.deb"
info=/var/lib/dpkg/info
has() { [ -e "$root$1" ] || fail "$1 is not there"; }
hasnot() { [ ! -e "$root$1" ] || fail "$1 is still there"; }

# There is no systemd in the root: a script with its name answers from files, and writes down what it is asked.
cat >"$root/usr/local/bin/systemctl" <<'FAKE'
#!/bin/sh
echo "$*" >>/tmp/asked
case "$*" in
"show --property "*) cat "/tmp/$3" 2>/dev/null ;;
*is-active*) [ "$(cat /tmp/ActiveState)" = active ] ;;
*is-enabled*) echo enabled ;;
*" restart "*) [ ! -e /tmp/broken ] && echo $(($(cat /tmp/MainPID) + 1)) >/tmp/MainPID ;;
esac
FAKE
chmod +x "$root/usr/local/bin/systemctl"
systemd() { rm -f "$root"/tmp/*; echo "$1" >"$root/tmp/ActiveState"; echo "$2" >"$root/tmp/StatusText"; echo 100 >"$root/tmp/MainPID"; : >"$root/tmp/asked"; }
asked() { grep -q -- "$1" "$root/tmp/asked"; }

step "install, without systemd"
inside dpkg -i /old.deb >"$folder/install.log" 2>&1 || { cat "$folder/install.log"; fail "dpkg -i"; }
grep -q "Nothing is started" "$folder/install.log" || fail "the installation does not say what is next"
[ "$(inside id -nG fluxd | tr ' ' '\n' | sort | xargs)" = "fluxd gpio i2c" ] || fail "the groups of user fluxd: $(inside id fluxd)"
for name in bin/fluxd bin/fluxctl lib/systemd/system/fluxd.service lib/udev/rules.d/60-fluxd.rules share/man/man1/fluxd-run.1.gz \
	share/bash-completion/completions/fluxctl share/zsh/vendor-completions/_fluxd share/fish/vendor_completions.d/fluxd.fish \
	share/doc/fluxd/copyright share/doc/fluxd/docs/install.md share/doc/fluxd/examples/lightseeker.yaml; do has "/usr/$name"; done
has /etc/fluxd && hasnot /etc/fluxd/robot.yaml && hasnot /etc/systemd/system/multi-user.target.wants/fluxd.service
[ "$(inside fluxd --version)" = "fluxd version 0.9.0+3.g0123456789ab" ] || fail "fluxd --version: $(inside fluxd --version)"
grep -o '/usr/bin/[a-z]*' "$root/usr/lib/systemd/system/fluxd.service" | sort -u | while read -r program; do has "$program"; done

step "a robot learns and is tuned with the old version"
sed -e '/^mqtt:/d' "$root/usr/share/doc/fluxd/examples/phototaxis.yaml" | sed -e '/^learnt:/d' >"$root/etc/fluxd/robot.yaml"
cat >>"$root/etc/fluxd/robot.yaml" <<'ROBOT'
mqtt: {broker: none}
learnt: {file: /var/lib/fluxd/learnt}
tuning: {file: /var/lib/fluxd/tuned, persist: true}
ROBOT
inside install -d -o fluxd -g fluxd /var/lib/fluxd # systemd's StateDirectory
live() { inside su -s /bin/sh fluxd -c 'cd /var/lib/fluxd && fluxd run /etc/fluxd/robot.yaml --plain --for 2s' 2>&1; }
live >"$folder/old.log" || { cat "$folder/old.log"; fail "fluxd run"; }
has /var/lib/fluxd/learnt && has /var/lib/fluxd/tuned
kept() { (cd "$root" && sha256sum etc/fluxd/* var/lib/fluxd/*); }
before=$(kept)

step "upgrade: which robots are restarted"
mkdir -p "$root/run/systemd/system"
prepare() { systemd "$1" "$2"; [ -z "${3:-}" ] || touch "$root/tmp/$3"; }
upgrade() { # ACTIVE STATUS: a whole upgrade, and back again
	prepare "$@"
	inside dpkg -i /new.deb >"$folder/upgrade.log" 2>&1 || { cat "$folder/upgrade.log"; fail "upgrade of a robot that is $1, $2"; }
	[ "$(inside dpkg-query -Wf '${db:Status-Abbrev}${Version}' fluxd)" = "ii $version" ] || fail "the package is not upgraded"
	asked daemon-reload || fail "systemd was not asked to read the new unit"
	! asked stop || fail "the upgrade stopped a robot that is $1, $2"
	expect "$@"
	prepare inactive ''
	inside dpkg -i /old.deb >/dev/null 2>&1 || fail "roll back"
	[ "$(inside fluxd --version)" = "fluxd version 0.9.0+3.g0123456789ab" ] || fail "roll back: $(inside fluxd --version)"
	[ "$(kept)" = "$before" ] || fail "the upgrade or the roll-back has changed: $(diff <(kept) <(echo "$before"))"
}
configure() { # ACTIVE STATUS: the script alone
	prepare "$@"
	inside $info/fluxd.postinst configure 0.9.0 >"$folder/upgrade.log" 2>&1 || { cat "$folder/upgrade.log"; fail "postinst of a robot that is $1, $2"; }
	! asked stop || fail "the upgrade stopped a robot that is $1, $2"
	expect "$@"
}
expect() { # what restarts and says were set to
	if [ "$restarts" = yes ]; then
		asked "restart fluxd.service" || fail "not restarted: $*"
	else
		! asked "restart fluxd.service" || fail "restarted: $*"
	fi
	if [ -z "$says" ]; then
		! grep -q "the robot" "$folder/upgrade.log" || fail "$*: it says: $(cat "$folder/upgrade.log")"
	else
		grep -q "$says" "$folder/upgrade.log" || fail "$*: it does not say: $says"
	fi
}
restarts=yes says='runs the new version now, disarmed' upgrade active 'disarmed'
restarts=no says='the robot is armed.*started with' upgrade active 'armed'
restarts=no says='' configure inactive ''
restarts=no says='' configure failed 'armed'
restarts=no says='' configure activating ''
restarts=yes says='runs the new version now, disarmed' configure active 'disarmed'
restarts=yes says='could not be restarted' configure active 'disarmed' broken
restarts=no says='the robot is armed' configure active 'armed; a restart arms the robot'
restarts=no says='emergency stop' configure active 'stopped by the switch on GPIO26'
restarts=no says='would arm itself' configure active 'disarmed; a restart arms the robot'
restarts=no says='may be armed' configure active ''
restarts=no says='may be armed' configure active 'what a later version says'
restarts=no says='sudo systemctl restart fluxd' configure active 'armed'
cp "$root/etc/fluxd/robot.yaml" "$folder/robot.yaml"
echo 'safety: {arm: at_start}' >>"$root/etc/fluxd/robot.yaml" # since it was started
restarts=no says='would arm itself' configure active 'disarmed'
cp "$folder/robot.yaml" "$root/etc/fluxd/robot.yaml"
printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d" && chmod +x "$root/usr/sbin/policy-rc.d"
restarts=no says='may not be restarted now' configure active 'disarmed'
rm "$root/usr/sbin/policy-rc.d"

step "the new version goes on with the files of the old one"
systemd inactive ''
inside dpkg -i /new.deb >/dev/null 2>&1
live >"$folder/new.log" || { cat "$folder/new.log"; fail "fluxd run"; }
! grep -q "level=ERROR\|cannot use\|kept as" "$folder/new.log" || { cat "$folder/new.log"; fail "it does not take what the old version has kept"; }
! ls "$root"/var/lib/fluxd/*.bad 2>/dev/null || fail "it has put files aside"

step "every call of the scripts that dpkg can make, and one that it cannot"
for call in "postinst configure $version" "postinst configure" "postinst abort-upgrade 0.9" "postinst abort-remove" \
	"postinst abort-deconfigure in-favour x 1" "prerm upgrade 1.1" "prerm failed-upgrade 0.9" "prerm deconfigure in-favour x 1" \
	"postrm upgrade 1.1" "postrm failed-upgrade 0.9" "postrm abort-install" "postrm abort-upgrade 0.9" "postrm disappear x 1"; do
	for times in 1 2; do inside $info/fluxd.$call >/dev/null 2>&1 || fail "$call"; done
done
for script in postinst prerm postrm; do ! inside $info/fluxd.$script nonsense 2>/dev/null || fail "$script nonsense"; done
kept >/dev/null && has /etc/fluxd/robot.yaml

step "remove, install again, purge"
systemd active 'armed'
inside dpkg -r fluxd >/dev/null 2>&1 || fail "dpkg -r"
asked "stop fluxd.service" || fail "the robot was not stopped before its program was taken away"
hasnot /usr/bin/fluxd && has /etc/fluxd/robot.yaml && has /var/lib/fluxd/learnt
inside dpkg -i /new.deb >/dev/null 2>&1 || fail "the second installation"
step "the commands of docs/first-robot.md, pasted one by one"
go test -count=1 ./docs -run FreshRoot -root "$root" || fail "docs/first-robot.md"
inside ln -sf /usr/lib/systemd/system/fluxd.service /etc/systemd/system/ # what nobody should do does not matter
mkdir -p "$root/etc/systemd/system/multi-user.target.wants"
inside ln -sf /usr/lib/systemd/system/fluxd.service /etc/systemd/system/multi-user.target.wants/fluxd.service # systemctl enable
inside rm /etc/systemd/system/fluxd.service
inside dpkg -P fluxd >"$folder/purge.log" 2>&1 || { cat "$folder/purge.log"; fail "dpkg -P"; }
hasnot /etc/fluxd && hasnot /var/lib/fluxd && hasnot /usr/share/doc/fluxd
[ ! -L "$root/etc/systemd/system/multi-user.target.wants/fluxd.service" ] || fail "the service is still enabled"
inside getent passwd fluxd >/dev/null || fail "user fluxd is gone, whose files may be left elsewhere"
left=$(find "$root" -xdev -iname '*fluxd*' -not -path "$root/proc/*" -not -path "$root/tmp/*" -not -path '*/dpkg/info/*')
[ -z "$left" ] || fail "left behind: $left"

step "the armhf program on an emulated ARM processor"
dpkg-deb -x "$folder/one/fluxd_${version}_armhf.deb" "$root/armhf"
dpkg-deb -x "$new" "$root/amd64"
cp "$(command -v qemu-arm-static)" "$root/"
inside /amd64/usr/bin/fluxd sim lightseeker --for 5s >"$folder/amd64.txt"
inside /qemu-arm-static -cpu arm1176 /armhf/usr/bin/fluxd sim lightseeker --for 5s >"$folder/armhf.txt"
cmp "$folder/amd64.txt" "$folder/armhf.txt" || { diff "$folder/amd64.txt" "$folder/armhf.txt"; fail "armhf computes something else"; }
cat "$folder/armhf.txt"
inside /qemu-arm-static /armhf/usr/bin/fluxctl --help >/dev/null
umount "$root/proc"
rm -rf "$root" "$folder/source" # these are large
step "the packages are right"
