#!/usr/bin/env bash
# Runs every fuzz target of protocol/fuzz for FUZZ_SECONDS (60). Finds stay in protocol/fuzz/artifacts;
# one that is worth keeping goes into the corpus, which the ordinary tests replay.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/env.sh"

cargo fuzz --version >/dev/null 2>&1 || die "needs cargo-fuzz: cargo install --locked cargo-fuzz"

cd protocol
# The sanitizers are behind a nightly switch; this opens it on the stable compiler that we build with.
export RUSTC_BOOTSTRAP=1
for target in $(cargo fuzz list); do
  say "=== $target ==="
  cargo fuzz run "$target" -- -max_total_time="${FUZZ_SECONDS:-60}"
done
