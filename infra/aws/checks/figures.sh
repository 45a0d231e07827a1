#!/usr/bin/env bash
# Prints the figures of the house: of each function as package.sh built it the zip, how long it takes to
# start and to answer first, its memory; and what the tests of costs count in capacity units.
#
#     infra/aws/checks/package.sh && infra/aws/checks/figures.sh
#
# Where node and npm are, also how long it takes to load two AWS clients there. It judges nothing; times
# are worth something on an idle machine only.
. "$(dirname "$0")/env.sh"
packages="${1:-$out/functions}"
[ -d "$packages/login" ] || { echo "run $checks/package.sh first" >&2; exit 2; }

script=()
if command -v node >/dev/null && command -v npm >/dev/null; then
  mkdir -p "$out/node"
  cp "$checks/start.mjs" "$out/node/"
  if npm install --silent --no-audit --no-fund --prefix "$out/node" \
    @aws-sdk/client-dynamodb@3.1169.0 @aws-sdk/client-secrets-manager@3.1164.0 >/dev/null; then
    script=("$out/node/start.mjs")
  fi
fi

python "$checks/house.py" "$out/translated.json"
python "$checks/moto_house.py" "$out/translated.json" \
  python "$checks/figures.py" "$packages" ${script[@]+"${script[@]}"}

echo "capacity units, as the database counts them:"
cd "$root"
cargo test --locked --test it -- costs:: --nocapture 2>/dev/null | grep '^figure: '
