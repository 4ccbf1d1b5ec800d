#!/usr/bin/env bash
# Runs every fuzz target of protocol/fuzz for FUZZ_SECONDS (60), starting from the corpus that is checked in.
# What a run discovers stays with the build's output, for the next run; an input that breaks something is in
# protocol/fuzz/artifacts, and belongs into the corpus, which the ordinary tests replay.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/env.sh"

cargo fuzz --version >/dev/null 2>&1 || die "needs cargo-fuzz: cargo install --locked cargo-fuzz"

cd protocol
# The sanitizers are behind a nightly switch; this opens it on the stable compiler that we build with.
export RUSTC_BOOTSTRAP=1
for target in $(cargo fuzz list); do
  say "=== $target ==="
  found="$TARGET_DIR/fuzz-corpus/$target"
  mkdir -p "$found"
  # Of several corpora the fuzzer writes into the first.
  cargo fuzz run "$target" "$found" "fuzz/corpus/$target" -- -max_total_time="${FUZZ_SECONDS:-60}"
done
