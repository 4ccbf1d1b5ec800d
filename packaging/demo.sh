#!/usr/bin/env bash
# Runs the demo of `make demo`: programs are built already. Everything it starts ends with it.
set -euo pipefail

# shellcheck source=packaging/env.sh
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"

exec "$TARGET_DIR/debug/atalaya-demo" --folder "$TARGET_DIR/demo" "$@"
