#!/bin/bash
# npm run test:system [-- --keep]: the Debian package on a booted Debian 12 of its own (guest.sh says what is tried).
#
# Makes a root file system once (about a minute, then cached), unpacks systemd-nspawn where it is not installed, boots,
# installs the package of dist-deb/ (built when it is not there: npm run package:deb), runs guest.sh in it, ends all of it.
# Needs root, and the machine's package sources the first time; where that is missing it says so and passes.
set -euo pipefail
cd "$(dirname "$0")/../.."
CACHE=${SLUICE_CACHE:-$PWD/.cache}/system
SUITE=bookworm

skip() { echo "SKIPPED: test:system: $1"; exit 0; }
[ "$(id -u)" = 0 ] || skip "it needs root, to boot a system of its own"
command -v apt-get >/dev/null || skip "it needs apt-get, to make a Debian of its own"
mkdir -p "$CACHE"
say() { echo "test:system: $*" >&2; }

# --- what it is made of ---------------------------------------------------------------------------------------------
tools=$CACHE/tools
tool() { if command -v "$1" >/dev/null; then command -v "$1"; else echo "$tools/usr/bin/$1"; fi; }
if [ ! -x "$(tool systemd-nspawn)" ] || [ ! -x "$(tool mmdebstrap)" ]; then
  say "unpacking systemd-nspawn and mmdebstrap…"
  mkdir -p "$tools/debs"
  (cd "$tools/debs" && apt-get -qq -o APT::Sandbox::User= download systemd-container mmdebstrap) ||
    skip "systemd-nspawn is not installed and cannot be fetched: apt-get update; apt-get install systemd-container mmdebstrap"
  for deb in "$tools"/debs/*.deb; do dpkg -x "$deb" "$tools"; done
fi
image() { # VARIABLE, options of mmdebstrap: sets it to the archive's path, whose name changes with the options
  local variable=$1 tar; shift
  tar=$CACHE/$variable-$(cksum <<<"$SUITE $*" | cut -d' ' -f1).tar.zst
  declare -g "$variable=$tar"
  [ -f "$tar" ] && return
  say "making $tar…"
  rm -f "$CACHE/$variable"-*.tar.zst
  "$(tool mmdebstrap)" --quiet "$@" "$SUITE" "$tar.part.tar.zst" && mv "$tar.part.tar.zst" "$tar"
}
# What the packages depend on is downloaded and not installed: apt does that in the booted system, which has no network.
image machine --variant=minbase --skip=cleanup/apt \
  --include=systemd,systemd-sysv,dbus,procps,swaks,cron,php-cli,debconf,init-system-helpers \
  --customize-hook='chroot "$1" apt-get install -qq -y --no-install-recommends --download-only redis-tools bsd-mailx' ||
  skip "no Debian could be made from the machine's package sources"
image lintian --variant=apt --include=lintian || say "no lintian could be had: its checks are SKIPPED"

architecture=$(dpkg --print-architecture)
version=$(sed -n 's/^  "version": "\(.*\)",/\1/p' package.json)
deb=dist-deb/sluice_${version}_$architecture.deb mta=dist-deb/sluice-mta_${version}_all.deb
[ -f "$deb" ] && [ -f "$mta" ] || npm run --silent package:deb >&2
say "$(stat -c '%n, %s bytes' "$deb")"

# --- boot -------------------------------------------------------------------------------------------------------------
work=$(mktemp -d) name=sluice-$$ nspawn='' leader=''
cleanup() {
  [ -n "$leader" ] && kill -s SIGRTMIN+4 "$leader" 2>/dev/null # poweroff.target
  if [ -n "$nspawn" ]; then
    for _ in $(seq 150); do [ -d "/proc/$nspawn" ] || break; sleep .1; done
    [ ! -d "/proc/$nspawn" ] || kill -9 "$nspawn" || true
  fi
  find /sys/fs/cgroup/{systemd,unified,.}/"$name" -depth -type d -exec rmdir {} + 2>/dev/null || true
  rm -rf "$work"
}
trap cleanup EXIT
mkdir "$work/root"
tar --zstd -xf "$machine" -C "$work/root"
mkdir "$work/root/root/t"
cp "$deb" "$mta" test/system/guest.sh test/system/guest-load.mjs "$work/root/root/t"
# The same program as a later version: what apt needs for an upgrade.
dpkg-deb -R "$deb" "$work/later"
sed -i "s/^Version: .*/Version: $version+later/" "$work/later/DEBIAN/control"
sed -i "s/\"version\": \".*\"/\"version\": \"$version+later\"/" "$work/later/usr/lib/sluice/package.json"
dpkg-deb --root-owner-group -Znone -b "$work/later" "$work/root/root/t/later_$architecture.deb" >/dev/null
rm -rf "$work/later"

if [ -f "$lintian" ]; then
  mkdir "$work/lint" && tar --zstd -xf "$lintian" -C "$work/lint" && cp "$deb" "$mta" "$work/lint/tmp"
  chroot "$work/lint" sh -c 'lintian --fail-on error --allow-root /tmp/*.deb' && echo "ok - lintian finds no error" ||
    { echo "not ok - lintian finds errors"; exit 1; }
  rm -rf "$work/lint"
fi

# A cgroup of its own, as a machine without machined has nobody to make one.
(
  for hierarchy in systemd unified; do
    [ -d "/sys/fs/cgroup/$hierarchy" ] || continue
    mkdir -p "/sys/fs/cgroup/$hierarchy/$name" && echo "$BASHPID" >"/sys/fs/cgroup/$hierarchy/$name/cgroup.procs"
  done
  exec "$(tool systemd-nspawn)" -q -D "$work/root" -M "$name" --hostname=app01 --register=no --keep-unit --private-network \
    --boot --console=pipe </dev/null >"$work/console.log" 2>&1
) &
nspawn=$!
for _ in $(seq 200); do leader=$(pgrep -P "$nspawn" -x systemd | head -1) && [ -n "$leader" ] && break; sleep .05; done
[ -n "$leader" ] || { sed 's/^/  /' "$work/console.log"; skip "systemd-nspawn cannot boot here"; }
state=
for _ in $(seq 300); do
  state=$(nsenter -t "$leader" -a systemctl is-system-running 2>/dev/null || true)
  case $state in running | degraded) break ;; esac
  sleep .1
done
say "booted ($state)"
nsenter -t "$leader" -a env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 timeout 400 bash /root/t/guest.sh
