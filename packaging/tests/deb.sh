#!/usr/bin/env bash
# The Debian packages and their maintainer scripts: build, install, reinstall, upgrade, remove, purge,
# in a small Debian assembled from this machine's own packages (no network, nothing of the host touched).
#
# Two things in it are not real, so that no release build and no boot is needed: the programs are one-line C
# programs, and `systemctl` writes down how it was called: the real one answers what concerns files (is it
# enabled, enable it), starting and stopping is only remembered. What this test cannot show: a real boot, and
# the real programs under the real systemd.
#
# Needs systemd installed (not running), and root or user namespaces with subordinate ids. Exit status 77:
# one of them is missing.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/../env.sh"

if [ "$(id -u)" != 0 ]; then
  if unshare --user --map-root-user --map-auto true 2>/dev/null; then
    exec unshare --user --map-root-user --map-auto "$ROOT/packaging/tests/deb.sh"
  fi
  say "needs root, or user namespaces with subordinate ids (package uidmap)"
  exit 77
fi

# Any fixed day: a commit between two builds must not make them differ.
export SOURCE_DATE_EPOCH=1767225600

have systemctl || { say "systemctl is missing (package systemd)"; exit 77; }

work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
chmod 0755 "$work"
tree="$work/root"
calls="$tree/calls"

# ---- A small Debian ---------------------------------------------------------------------------------

# closure NAME…: the installed packages that the named ones need, themselves included, one a line. Of
# alternatives all that are installed are taken; a name that is only provided stands for its provider.
closure() {
  dpkg-query -W -f '${db:Status-Abbrev}\t${Package}\t${Pre-Depends},${Depends}\t${Provides}\n' \
    | awk -F '\t' -v roots="$*" '
      # Without version, architecture and blanks.
      function bare(name) { gsub(/[(:].*|[[:space:]]/, "", name); return name }
      /^ii/ {
        depends[$2] = $3
        n = split($4, names, ",")
        for (i = 1; i <= n; i++) provider[bare(names[i])] = $2
      }
      END {
        count = split(roots, queue, " ")
        for (at = 1; at <= count; at++) {
          name = queue[at]
          if (!(name in depends)) name = provider[name]
          if (name == "" || name in seen) continue
          seen[name] = 1
          print name
          n = split(depends[name], names, /[,|]/)
          for (i = 1; i <= n; i++) if (bare(names[i]) != "") queue[++count] = bare(names[i])
        }
      }'
}

small_debian() {
  local packages
  mapfile -t packages < <(closure adduser base-files base-passwd bash coreutils dash debianutils diffutils dpkg \
    findutils grep gzip init-system-helpers libc-bin libc6 login passwd perl-base sed systemd tar util-linux)
  mkdir -p "$tree"/usr/{bin,sbin,lib,lib64} "$tree"/{etc,dev,tmp,run/systemd/system} \
    "$tree"/var/{lib,log} "$tree"/var/lib/dpkg/{info,updates,triggers}
  for dir in bin sbin lib lib64; do ln -s "usr/$dir" "$tree/$dir"; done
  # What the packages put under /usr, without documents and translations.
  dpkg -L "${packages[@]}" | grep -E '^/(usr|bin|sbin|lib|lib64)/' | grep -vE '^/usr/share/(doc|man|locale|info|lintian|bug)/' \
    | sort -u | while read -r file; do
      if [ -f "$file" ]; then printf '%s\0' "$file"; fi
    done | tar --null --no-recursion --absolute-names -cf - -T - \
    | tar --keep-directory-symlink --transform 's|^/||S' -C "$tree" -xf -
  cp -R /etc/pam.d /etc/login.defs /etc/nsswitch.conf /etc/adduser.conf /etc/ld.so.conf /etc/ld.so.conf.d "$tree/etc/"
  cp /usr/share/base-passwd/passwd.master "$tree/etc/passwd"
  cp /usr/share/base-passwd/group.master "$tree/etc/group"
  : >"$tree/etc/shadow"
  : >"$tree/etc/gshadow"
  chmod 0640 "$tree/etc/shadow" "$tree/etc/gshadow"
  # Device files cannot be made without privileges: the scripts write to one and read keys from the other.
  : >"$tree/dev/null"
  chmod 0666 "$tree/dev/null"
  dpkg-query -s "${packages[@]}" >"$tree/var/lib/dpkg/status"
  for name in "${packages[@]}"; do
    for list in /var/lib/dpkg/info/"$name".list /var/lib/dpkg/info/"$name:$(dpkg --print-architecture)".list; do
      if [ -f "$list" ]; then cp "$list" "$tree/var/lib/dpkg/info/"; fi
    done
  done
  inside ldconfig
  recorder_install
}

# In place of systemctl: writes down every call. Questions about files go to the real program; what is running
# is remembered in /active.
recorder_install() {
  mv "$tree/usr/bin/systemctl" "$tree/usr/bin/systemctl.real"
  cat >"$tree/usr/bin/systemctl" <<'RECORDER'
#!/bin/sh
echo "systemctl $*" >>/calls
for unit; do :; done
case " $* " in
*" --root="*) exec /usr/bin/systemctl.real "$@" ;;
*" is-enabled "*) exec /usr/bin/systemctl.real --root=/ is-enabled "$unit" ;;
*" is-active "*) grep -qxF "$unit" /active ;;
*" start "* | *" restart "*) echo "$unit" >>/active ;;
*" stop "*) sed -i "/^$unit$/d" /active ;;
*" daemon-reload "*) ;;
*) echo "the recorder does not know: systemctl $*" >&2; exit 1 ;;
esac
RECORDER
  chmod 0755 "$tree/usr/bin/systemctl"
  : >"$tree/active"
}

inside() {
  env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C DEBIAN_FRONTEND=noninteractive chroot "$tree" "$@"
}

# ---- The packages -----------------------------------------------------------------------------------

# build VERSION: both packages with placeholders that print the version, into $work/VERSION.
build() {
  local bin="$work/bin-$1"
  mkdir -p "$bin"
  for program in atalaya atalaya-agent; do
    printf '#include <stdio.h>\nint main(void){return puts("%s %s") < 0;}' "$program" "$1" \
      | cc -x c - -o "$bin/$program"
  done
  packaging/deb/build.sh --bin-dir "$bin" --out "$work/$1" --version "$1" >/dev/null
}

# dpkg_run STEP ARGUMENTS…: dpkg inside, its output shown only when it fails.
dpkg_run() {
  local step="$1"
  shift
  : >"$calls"
  if ! inside dpkg "$@" >"$work/log" 2>&1; then
    cat "$work/log"
    die "$step: dpkg $* failed"
  fi
}

install_version() {
  # Other bytes at every step, as the device would give.
  head -c 4096 /dev/urandom >"$tree/dev/urandom"
  cp "$work/$2/$3_$2_"*.deb "$tree/tmp/"
  dpkg_run "$1" --install "/tmp/$3_$2_$(dpkg --print-architecture).deb"
  rm "$tree"/tmp/*.deb
}

# ---- Judging ----------------------------------------------------------------------------------------

CHECKS=0

# check WHAT COMMAND…: the command must succeed.
check() {
  local what="$1"
  shift
  CHECKS=$((CHECKS + 1))
  "$@" || { cat "$calls" "$work/log" >&2; die "$package, $step: $what"; }
}
# same WHAT WANTED FOUND
same() { check "$1: wanted '$2', found '$3'" [ "$2" = "$3" ]; }
called() { grep -qxF "systemctl $1" "$calls"; }
not() { ! "$@"; }
# owner PATH: user, group and mode as the small Debian knows them.
owner() { inside stat -c '%U:%G %a' "$1"; }
link() { [ -L "$tree/etc/systemd/system/multi-user.target.wants/$package.service" ]; }
started() { grep -qE "^systemctl (.* )?$1 $package\.service$" "$calls"; }

# One package through its whole life.
life() {
  package="$1"
  config="$2"
  local state="/var/lib/$package" key digest

  step="install"
  install_version "$step" 1.0.0 "$package"
  same "program" "$package 1.0.0" "$(inside "$package")"
  same "state folder" "$package:$package 750" "$(owner "$state")"
  same "configuration folder" "root:$package 750" "$(owner "/etc/$package")"
  same "configuration" "root:$package 640" "$(owner "/etc/$package/$config")"
  check "user with a login shell" inside grep -qE "^$package:.*:$state:/usr/sbin/nologin$" /etc/passwd
  check "enabled" link
  check "systemd reloaded" called daemon-reload
  check "started" started start
  check "not restarted" not started restart
  if [ "$package" = atalaya ]; then
    same "key file" "root:root 600" "$(owner /etc/atalaya/installation-key)"
    check "key is 64 hexadecimal digits" grep -qxE '[0-9a-f]{64}' "$tree/etc/atalaya/installation-key"
    key="$(cat "$tree/etc/atalaya/installation-key")"
  else
    check "the agent has no installation key" [ ! -e "$tree/etc/$package/installation-key" ]
    check "says how to enrol" grep -q "atalaya-agent enroll --join" "$work/log"
  fi

  # The administrator's and the program's own work, which every later step must leave alone.
  echo "# changed by hand" >>"$tree/etc/$package/$config"
  inside chmod 0700 "$state"
  echo "customers" >"$tree$state/data"
  inside chown "$package:$package" "$state/data"
  digest="$(sha256sum <"$tree/etc/$package/$config")"
  kept() {
    same "configuration changed by hand" "$digest" "$(sha256sum <"$tree/etc/$package/$config")"
    same "data" "customers" "$(cat "$tree$state/data")"
    same "state folder" "$package:$package 700" "$(owner "$state")"
    if [ "$package" = atalaya ]; then same "key" "$key" "$(cat "$tree/etc/atalaya/installation-key")"; fi
  }

  step="reinstall"
  install_version "$step" 1.0.0 "$package"
  kept
  check "enabled" link
  check "restarted" started restart

  step="upgrade"
  install_version "$step" 1.0.1 "$package"
  same "program" "$package 1.0.1" "$(inside "$package")"
  kept
  check "restarted" started restart
  check "not stopped before" not started stop

  step="upgrade of a disabled service"
  inside systemctl.real --root=/ disable "$package.service" 2>/dev/null
  check "disabled" not link
  install_version "$step" 1.0.0 "$package"
  check "still disabled" not link
  check "restarted, for it was running" started restart
  inside systemctl.real --root=/ enable "$package.service" 2>/dev/null

  step="remove"
  dpkg_run "$step" --remove "$package"
  check "stopped" [ ! -s "$tree/active" ]
  check "program gone" [ ! -e "$tree/usr/bin/$package" ]
  kept
  check "user kept" inside grep -q "^$package:" /etc/passwd

  step="install after remove"
  install_version "$step" 1.0.1 "$package"
  kept
  check "enabled" link
  check "running" grep -qxF "$package.service" "$tree/active"

  step="purge"
  dpkg_run "$step" --purge "$package"
  check "data gone" [ ! -e "$tree$state" ]
  check "configuration gone" [ ! -e "$tree/etc/$package" ]
  check "user gone" not inside grep -q "^$package:" /etc/passwd
  check "group gone" not inside grep -q "^$package:" /etc/group
  check "no link left" not link
  same "leftovers in /etc/systemd and of deb-systemd-helper" "" \
    "$(cd "$tree" && find etc/systemd var/lib/systemd -name "*$package.service*" ! -name "*-$package.service*" 2>/dev/null)"

  step="install again and purge at once"
  install_version "$step" 1.0.0 "$package"
  same "configuration" "root:$package 640" "$(owner "/etc/$package/$config")"
  dpkg_run "$step" --purge "$package"
  check "state gone" [ ! -e "$tree$state" ]

  step="without systemd"
  mv "$tree/run/systemd" "$tree/run/no-systemd"
  install_version "$step" 1.0.0 "$package"
  check "enabled for the next boot" link
  dpkg_run "$step" --purge "$package"
  check "systemctl left alone" [ ! -s "$calls" ]
  mv "$tree/run/no-systemd" "$tree/run/systemd"
}

build 1.0.0
build 1.0.1
package="both"
step="build"
: >"$work/log"
small_debian
: >"$calls"
mv "$work/1.0.1" "$work/first"
build 1.0.1
for deb in "$work"/first/*.deb; do
  check "$(basename "$deb"): two builds differ" cmp "$deb" "$work/1.0.1/$(basename "$deb")"
  check "$(basename "$deb"): depends on the C library" grep -q 'libc6' <(dpkg-deb -f "$deb" Depends)
done

life atalaya atalaya.toml
life atalaya-agent agent.toml
say "packages: $CHECKS checks passed"
