#!/usr/bin/env bash
# Builds atalaya.deb and atalaya-agent.deb from binaries that exist already (packaging/build.sh --release).
# The same binaries and version give the same bytes.
#
# Usage: packaging/deb/build.sh [--bin-dir DIR] [--out DIR] [--version VERSION]
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/../env.sh"

DEB="$ROOT/packaging/deb"
BIN_DIR="$TARGET_DIR/release"
OUT="$ROOT/packaging/out"
VERSION="$(sed -n '/^\[workspace.package\]/,/^\[/ s/^version = "\(.*\)"$/\1/p' Cargo.toml)"
MAINTAINER="The Atalaya authors <packages@atalaya.example>"

while [ $# -gt 0 ]; do
  case "$1" in
    --bin-dir) BIN_DIR="$2" ;;
    --out) OUT="$2" ;;
    --version) VERSION="$2" ;;
    *) die "unknown option: $1" ;;
  esac
  shift 2
done
[ -n "$VERSION" ] || die "Cargo.toml states no version"
ARCH="$(dpkg --print-architecture)"

# File times inside the packages: those of the commit, so that the day of building does not show.
if [ -z "${SOURCE_DATE_EPOCH:-}" ]; then
  SOURCE_DATE_EPOCH="$(git log -1 --format=%ct 2>/dev/null || stat -c %Y Cargo.lock)"
fi
export SOURCE_DATE_EPOCH

work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
umask 022

# libraries PROGRAM: what the program links, as a Depends line with the oldest versions that do.
libraries() {
  mkdir -p "$work/shlibs/debian"
  printf 'Source: atalaya\n\nPackage: atalaya\nArchitecture: any\n' >"$work/shlibs/debian/control"
  (cd "$work/shlibs" && dpkg-shlibdeps -O "$1" 2>/dev/null) | sed -n 's/^shlibs:Depends=//p'
}

# fill TEMPLATE PACKAGE: the template with its @NAMES@ replaced.
fill() {
  sed -e "s|@PACKAGE@|$2|g" -e "s|@VERSION@|$VERSION|g" -e "s|@ARCH@|$ARCH|g" \
    -e "s|@MAINTAINER@|$MAINTAINER|g" -e "s|@LIBRARIES@|$LIBRARIES|g" -e "s|@SIZE@|$SIZE|g" \
    -e "s|@DATE@|$(LC_ALL=C date -u -R -d "@$SOURCE_DATE_EPOCH")|g" "$1"
}

# package NAME: lays out the tree of one package and packs it.
package() {
  local name="$1" tree="$work/$1" program="$BIN_DIR/$1" script
  [ -x "$program" ] || die "no program at $program (run: make package)"
  LIBRARIES="$(libraries "$program")"
  [ -n "$LIBRARIES" ] || die "dpkg-shlibdeps names no library for $program"
  SIZE=0

  install -D -m 0755 "$program" "$tree/usr/bin/$name"
  install -D -m 0644 "systemd/$name.service" "$tree/usr/lib/systemd/system/$name.service"
  # Read by root alone until postinst hands it to the program's group: it may hold a database password.
  install -d -m 0750 "$tree/etc/$name"
  (cd "$DEB/$name/etc" && find . -type f) | while read -r script; do
    install -D -m 0640 "$DEB/$name/etc/$script" "$tree/etc/$name/$script"
  done
  install -D -m 0644 "$DEB/copyright" "$tree/usr/share/doc/$name/copyright"
  install -m 0644 LICENSE-MIT "$tree/usr/share/doc/$name/LICENSE-MIT"
  fill "$DEB/changelog.in" "$name" | gzip -9n >"$tree/usr/share/doc/$name/changelog.gz"

  install -d "$tree/DEBIAN"
  SIZE="$(du -k -s --apparent-size "$tree" | cut -f 1)"
  fill "$DEB/$name/control.in" "$name" >"$tree/DEBIAN/control"
  (cd "$tree" && find etc -type f | LC_ALL=C sort | sed 's|^|/|') >"$tree/DEBIAN/conffiles"
  for script in postinst prerm postrm; do
    fill "$DEB/$script.in" "$name" >"$tree/DEBIAN/$script"
    chmod 0755 "$tree/DEBIAN/$script"
  done
  (cd "$tree" && find usr -type f -print0 | LC_ALL=C sort -z | xargs -0 md5sum) >"$tree/DEBIAN/md5sums"

  # Each file gets the time of the commit; dpkg-deb alone would keep older ones.
  find "$tree" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +
  dpkg-deb --root-owner-group -Zxz --build "$tree" "$OUT/${name}_${VERSION}_$ARCH.deb"
}

mkdir -p "$OUT"
package atalaya
package atalaya-agent
