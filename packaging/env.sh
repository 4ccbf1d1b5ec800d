# shellcheck shell=bash
# Sourced by every script here: the environment that all entry points share. Compiler flags that differ
# between two of them would rebuild everything, so they are decided here and nowhere else.

ROOT="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
cd "$ROOT"

# Debian keeps daemons (snmpd, sshd) out of a person's PATH; rustup puts cargo into a folder of its own.
PATH="$PATH:$HOME/.cargo/bin:/usr/local/sbin:/usr/sbin:/sbin"
# The Node.js that setup.sh installs where the system's is too old.
NODE_HOME="$ROOT/packaging/.node"
[ ! -x "$NODE_HOME/bin/node" ] || PATH="$NODE_HOME/bin:$PATH"
export PATH

# Where cargo puts what it builds.
TARGET_DIR="${CARGO_TARGET_DIR:-$ROOT/target}"

say() { printf '%s\n' "$*"; }
warn() { printf '%s\n' "$*" >&2; }
die() { warn "error: $*"; exit 1; }
have() { command -v "$1" >/dev/null 2>&1; }

# With CI=true a missing tool is a failure, never a skip.
in_ci() { [ "${CI:-}" = true ]; }

# version_at_least HAVE WANT: whether the dotted version HAVE is not older than WANT.
version_at_least() {
  [ "$(printf '%s\n%s\n' "$2" "$1" | sort -V | head -n 1)" = "$2" ]
}

# The linker. On x86_64 Linux rustc links with the lld that it ships: faster here than mold (0.27 s against
# 0.6 s for a test program of 20 MB), and left alone, so that a bare `cargo build` shares its results with
# these scripts. On ARM GNU ld is the default; there mold is used if it links a program (an old gcc does
# not know it).
if [ "$(uname -m)" = aarch64 ] && [ -z "${RUSTFLAGS:-}" ] \
  && [ -z "${CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUSTFLAGS:-}" ] && have mold \
  && printf 'int main(void){return 0;}' | cc -fuse-ld=mold -x c - -o /dev/null 2>/dev/null; then
  export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUSTFLAGS="-Clink-arg=-fuse-ld=mold"
fi

# The browser that the tests drive; a variable set by the caller wins.
if [ -z "${ATALAYA_CHROMIUM:-}" ]; then
  for browser in chromium chromium-browser google-chrome; do
    if have "$browser"; then
      ATALAYA_CHROMIUM="$(command -v "$browser")"
      export ATALAYA_CHROMIUM
      break
    fi
  done
fi
