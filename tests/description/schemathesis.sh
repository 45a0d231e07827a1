#!/usr/bin/env bash
# Every operation of the API, asked for by Schemathesis (https://schemathesis.readthedocs.io) as its
# description allows, and as it does not: examples, limits, random requests, and sequences of them.
# It asks a whole cloud with the simulated maker, in a folder of its own, with a key that may do all.
#
#     SEED=7 SECONDS_AT_MOST=600 tests/description/schemathesis.sh --include-name "POST /v1/monitors"
set -euo pipefail
source "$(dirname "$0")/tools.sh"
cd "$root"
seed="${SEED:-$RANDOM}" at_most="${SECONDS_AT_MOST:-300}"
data="$(mktemp -d)"
read -r port < <(python "$root/tests/description/enroll.py" port)

cargo run --locked --quiet -- --port "$port" --data "$data/cloud" --log warn >"$data/out" 2>"$data/log" &
cloud=$!
trap 'kill "$cloud" 2>/dev/null || true; wait "$cloud" 2>/dev/null || true; rm -rf "$data"' EXIT
url="http://127.0.0.1:$port"
if ! ENROLLED="$(python "$root/tests/description/enroll.py" enroll "$url" "$data/cloud/api-key")"; then
  cat "$data/out" "$data/log" >&2
  exit 1
fi
export ENROLLED SCHEMATHESIS_HOOKS=hooks PYTHONPATH="$root/tests/description"

echo "seed $seed, at most $at_most s; SEED=$seed $0 does the same again"
# The gateway admits 50 requests a second, as the template says.
schemathesis --config-file "$root/tests/description/schemathesis.toml" run "$description" --url "$url" \
  --header "Authorization: Bearer $(cat "$data/cloud/api-key")" \
  --seed "$seed" --max-time "$at_most" --rate-limit 40/s --generation-database none --no-color "$@" || {
  code=$?
  grep -E "ERROR|panicked" "$data/log" | tail -20 >&2 || true
  exit "$code"
}
! grep -E "panicked" "$data/log"
