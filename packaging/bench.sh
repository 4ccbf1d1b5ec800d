#!/usr/bin/env bash
# `make bench`: figures of this machine, none a pass or a fail. What is measured so far: the metrics store.
set -euo pipefail

# shellcheck source=packaging/env.sh
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"

say "== metrics store: durable samples per CPU-second, bytes per sample, queries"
cargo run --release --quiet -p atalaya-metrics --example ingest "$@"
