#!/usr/bin/env bash
# Segment a new text, then embed eight stories, train a head, segment with it and evaluate. Takes a
# minute or two.
set -euo pipefail
cd "$(dirname "$0")"
export SEGTOOL_HOME="${SEGTOOL_HOME:-$PWD/../.segtool}"

run() {
  printf '\n$ %s\n' "$*"
  "$@"
}

run segtool segment unseen.txt --model japanese
run segtool embed stories
run segtool train --head bilstm --window 4
run segtool segment unseen.txt
run segtool eval
