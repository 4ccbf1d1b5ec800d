#!/usr/bin/env bash
# `make bench`: figures of this machine, none a pass or a fail. docs/operations/bench.md says what they mean.
#
#   packaging/bench.sh [agent] [icmp] [wire] [payment] [search] [store] [rest]     these parts; all when none is named
set -euo pipefail

# shellcheck source=packaging/env.sh
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"

parts=("$@")
[ ${#parts[@]} -gt 0 ] || parts=(agent icmp wire payment search store rest)

programs=()
search=false
store=false
rest=false
for part in "${parts[@]}"; do
  case "$part" in
    agent | icmp | wire | payment) programs+=("$part") ;;
    search) search=true ;;
    store) store=true ;;
    rest) rest=true ;;
    *) die "unknown part $part: agent, icmp, wire, payment, search, store, rest" ;;
  esac
done

if [ ${#programs[@]} -gt 0 ]; then
  say "== the programs, beside peers"
  # What is measured is what packages ship; what starts it and reads /proc is built as the tests are.
  packaging/build.sh --release
  cargo build --locked --quiet --workspace --bins --tests --examples
  ATALAYA_PROGRAMS="$TARGET_DIR/release" "$TARGET_DIR/debug/examples/bench" "${programs[@]}"
fi

# Here ours runs within the program that measures: that is a release build too.
if "$search"; then
  say "== search: 100,000 customers, both databases"
  cargo build --release --locked --quiet --workspace --example bench
  ATALAYA_PROGRAMS="$TARGET_DIR/release" "$TARGET_DIR/release/examples/bench" search
fi

if "$store"; then
  say "== metrics store: durable samples per CPU-second, bytes per sample, queries"
  cargo run --release --locked --quiet -p atalaya-metrics --example ingest
fi

if "$rest"; then
  say "== REST API: requests a second, beside a handler with nothing but the database"
  packaging/build.sh --release
  cargo build --release --locked --quiet --workspace --example rest
  ATALAYA_PROGRAMS="$TARGET_DIR/release" "$TARGET_DIR/release/examples/rest"
fi
