#!/usr/bin/env bash
# The systemd units: without a complaint of `systemd-analyze verify`, and an exposure of at most 2.5.
# Exit status 77: systemd-analyze is missing.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/../env.sh"

# In tenths, as systemd-analyze takes it.
EXPOSURE_MAXIMUM=25

have systemd-analyze || { say "systemd-analyze is missing"; exit 77; }

tree="$(mktemp -d)"
trap 'rm -rf "$tree"' EXIT

# A root with the units that ours refer to, ours, and the programs that they start.
mkdir -p "$tree/usr/lib/systemd" "$tree/usr/bin" "$tree/etc/systemd/system"
ln -s usr/lib "$tree/lib"
for dir in /usr/lib/systemd/system /lib/systemd/system; do
  if [ -d "$dir" ]; then cp -R "$dir" "$tree/usr/lib/systemd/"; break; fi
done
rm -f "$tree"/usr/lib/systemd/system/atalaya*.service
for program in atalaya atalaya-agent; do
  cp "$(type -P true)" "$tree/usr/bin/$program"
done

# complaints UNIT_FILE: what verify says about it. It also exits 0 for a misspelt option, so its words
# count and not its status.
complaints() {
  cp "$1" "$tree/etc/systemd/system/"
  systemd-analyze verify --root="$tree" "$tree/etc/systemd/system/$(basename "$1")" 2>&1 || true
}

failed=false
for unit in systemd/*.service; do
  found="$(complaints "$unit")"
  if [ -n "$found" ]; then say "$unit: $found"; failed=true; fi

  if systemd-analyze security --offline=true --threshold="$EXPOSURE_MAXIMUM" "$unit" >"$tree/report"; then
    say "$unit: verified,$(tail -n 1 "$tree/report" | sed 's/.*level for [^:]*:/ exposure/')"
  else
    cat "$tree/report"
    failed=true
  fi
done

# The check itself must be able to fail.
sed 's/^NoNewPrivileges=/NoNewPrivilege=/' systemd/atalaya.service >"$tree/atalaya.service"
if [ -z "$(complaints "$tree/atalaya.service")" ]; then
  say "systemd-analyze verify did not notice a misspelt option"
  failed=true
fi

! $failed
