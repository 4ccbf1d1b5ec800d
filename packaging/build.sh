#!/usr/bin/env bash
# Builds the programs with the web app inside: what `make demo`, the tests and the packages all run.
# Usage: packaging/build.sh [--release | --with-tests]
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/env.sh"

web=controlplane/web

# The server embeds web/dist, so it must exist before any Rust is compiled and be no older than its source.
web_stale() {
  [ -f "$web/dist/index.html" ] || return 0
  [ -n "$(find "$web" -path "$web/node_modules" -prune -o -path "$web/dist" -prune \
    -o -type f -newer "$web/dist/index.html" -print -quit)" ]
}

if web_stale; then npm --prefix "$web" run build; fi

case "${1:-}" in
  "") cargo build --locked --workspace --bins ;;
  --release) cargo build --locked --workspace --bins --release ;;
  # One selection for programs and tests, so that dependencies are built once with one set of features.
  --with-tests) cargo build --locked --workspace --bins --tests ;;
  *) die "unknown option: $1" ;;
esac
