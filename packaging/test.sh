#!/usr/bin/env bash
# Runs the checks of a tier in stages, each with its seconds, and ends with a table of all of them.
# Usage: packaging/test.sh short|soak [STAGE…]      (no STAGE: all of them)
#
# A stage is the function stage_NAME. It runs in a shell of its own with `set -e`. Its exit status is
# 0 (passed), 77 (could not run: a tool is missing; a failure in CI) or anything else (failed). The first
# failure stops the run.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/env.sh"

TIER="${1:-}"
case "$TIER" in short | soak) shift ;; *) die "usage: packaging/test.sh short|soak [STAGE…]" ;; esac
# Tests read it to choose how many cuts, kills and cases they run.
export ATALAYA_TIER="$TIER"

STAGES=(setup web lint deny build test doctest packaging docs)
[ $# = 0 ] || STAGES=("$@")

# Programs that print nothing and succeed while a generated document equals its source, one a line.
DOC_CHECKS=()

NOT_RUN=77

# ---- The stages -------------------------------------------------------------------------------------

stage_setup() {
  packaging/setup.sh
  # All platforms of the lock file, which `cargo deny` and `cargo metadata` read without a network.
  cargo fetch --locked
}

# Lint, unit tests, build (with type check and missing translations), size of what a phone must load. The
# server embeds the result, so this comes before any Rust.
stage_web() {
  local step
  for step in lint test build check:size; do
    npm --prefix controlplane/web run "$step"
  done
}

stage_lint() {
  local script
  while read -r script; do
    bash -n "$script"
  done < <(git ls-files --cached --others --exclude-standard '*.sh' .ci/run)
  cargo fmt --all --check
  [ -f controlplane/web/dist/index.html ] || npm --prefix controlplane/web run build
  cargo clippy --locked --workspace --all-targets -- -D warnings
}

# The one check that may be absent also in CI: building the tool takes longer than all our tests.
stage_deny() {
  if ! cargo deny --version >/dev/null 2>&1; then
    say "cargo-deny is not installed (cargo install --locked cargo-deny)"
    return "$NOT_RUN"
  fi
  cargo deny --offline check --allow duplicate bans licenses sources
}

stage_build() { packaging/build.sh --with-tests; }

# An ignored test is never run by name here: each is a child that a test starts, with what it has to know.
stage_test() {
  ATALAYA_SKIPPED="$(mktemp)"
  export ATALAYA_SKIPPED
  local profile=default
  local threads=()
  if in_ci; then
    profile=ci
    threads=(--test-threads "$(($(nproc) + 1))")
  fi
  if [ "$TIER" != short ]; then
    profile=soak
    threads=()
  fi
  if ! cargo nextest --version >/dev/null 2>&1; then
    ! in_ci || { say "cargo-nextest is missing"; return "$NOT_RUN"; }
    say "cargo-nextest is not installed: using cargo test, without time limits per test"
    cargo test --locked --workspace --bins --tests --no-fail-fast
  else
    cargo nextest run --locked --workspace --profile "$profile" "${threads[@]}"
  fi
  # A test that cannot run here passes, and writes a line there.
  if [ -s "$ATALAYA_SKIPPED" ]; then
    say "tests that were not run, for lack of a tool:"
    sort -u "$ATALAYA_SKIPPED"
    return "$NOT_RUN"
  fi
}

# nextest does not run the examples in doc comments.
stage_doctest() { cargo test --locked --workspace --doc --quiet; }

stage_packaging() {
  local script status result=0
  for script in packaging/tests/*.sh; do
    say "$script"
    status=0
    "$script" || status=$?
    case "$status" in
      0) ;;
      # One that cannot run here does not keep the others from running.
      "$NOT_RUN") result="$NOT_RUN" ;;
      *) return "$status" ;;
    esac
  done
  return "$result"
}

stage_docs() {
  local check
  for check in "${DOC_CHECKS[@]}"; do
    say "$check"
    $check
  done
}

# ---- Running them -----------------------------------------------------------------------------------

TABLE=()
FAILED=false
ALL_RAN=true

table_print() {
  say ""
  printf '%-10s %8s  %s\n' stage seconds result
  printf '%s\n' "${TABLE[@]}"
  local result=passed
  $ALL_RAN || result="passed, but not everything could run"
  ! $FAILED || result=FAILED
  printf '%-10s %8s  %s\n' total "$SECONDS" "$result"
}

# stage_run NAME: adds its line to the table, and sets FAILED. Never to be called in a condition: `set -e`
# would be off inside the stage.
stage_run() {
  local name="$1" started="$SECONDS" status result
  say ""
  say "=== $name ==="
  set +e
  (set -e; "stage_$name") </dev/null
  status=$?
  set -e
  case "$status" in
    0) result=passed ;;
    "$NOT_RUN")
      ALL_RAN=false
      result="not all of it was run: a tool is missing"
      if in_ci && [ "$name" != deny ]; then FAILED=true; result="FAILED: a tool is missing"; fi
      ;;
    *) FAILED=true; result="FAILED (status $status)" ;;
  esac
  TABLE+=("$(printf '%-10s %8s  %s' "$name" "$((SECONDS - started))" "$result")")
}

for stage in "${STAGES[@]}"; do
  declare -F "stage_$stage" >/dev/null || die "no such stage: $stage"
done

SECONDS=0
for stage in "${STAGES[@]}"; do
  stage_run "$stage"
  if $FAILED; then break; fi
done
table_print
! $FAILED
