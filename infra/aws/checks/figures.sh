#!/usr/bin/env bash
# Prints the figures of the house: of each function as package.sh built it the zip, its memory, and how
# long a fresh process takes to its first answer; and what the tests of costs count in capacity units.
#
#     infra/aws/checks/package.sh && infra/aws/checks/figures.sh
#
# Where node and npm are, a Node.js function of login's job runs beside them. It judges nothing; times
# are worth something on an idle machine only, their ratios on any. ROUNDS is how often each one starts.
. "$(dirname "$0")/env.sh"
packages="${1:-$out/functions}"
[ -d "$packages/login" ] || { echo "run $checks/package.sh first" >&2; exit 2; }

bench="$root/infra/aws/bench"
export PYTHONPATH="$checks:$bench"
script=()
if command -v node >/dev/null && command -v npm >/dev/null; then
  mkdir -p "$out/node"
  cp "$bench/login.mjs" "$bench/package.json" "$out/node/"
  if npm install --silent --no-audit --no-fund --prefix "$out/node" >/dev/null; then
    script=("$out/node/login.mjs")
  fi
fi

python "$checks/house.py" "$out/translated.json"
python "$checks/moto_house.py" "$out/translated.json" \
  python "$bench/figures.py" "$packages" ${script[@]+"${script[@]}"}

echo "capacity units, as the database counts them:"
cd "$root"
cargo test --locked --test it -- costs:: --nocapture 2>/dev/null | grep '^figure: '
