#!/usr/bin/env bash
# `make bench`: figures of this machine, none a pass or a fail. docs/operations/bench.md says what they mean.
#
#   packaging/bench.sh [agent] [store]     these parts; all when none is named
set -euo pipefail

# shellcheck source=packaging/env.sh
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"

parts=("$@")
[ ${#parts[@]} -gt 0 ] || parts=(agent store)

agent() {
  say "== agent: SNMP walks and memory, beside peers"
  cargo build --release --quiet -p atalaya-agent -p atalaya-simulators --bins
  # What starts the programs and reads /proc may be slow; what is measured is the release build.
  cargo run --quiet -p atalaya-agent --example bench -- \
    --agent "$TARGET_DIR/release/atalaya-agent" --simulators "$TARGET_DIR/release/atalaya-sim" \
    --libsnmp-source packaging/bench/libsnmp_walks.c
}

store() {
  say "== metrics store: durable samples per CPU-second, bytes per sample, queries"
  cargo run --release --quiet -p atalaya-metrics --example ingest
}

for part in "${parts[@]}"; do
  case "$part" in
    agent | store) "$part" ;;
    *) die "unknown part $part: agent, store" ;;
  esac
done
