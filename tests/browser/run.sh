#!/usr/bin/env bash
# Walks the drivers' flow in real browsers, against the debug binary:
#
#     tests/browser/run.sh            # Chromium, and the main flow in Firefox
#     SHOTS=shots tests/browser/run.sh   # and leaves a picture of each ending, small and large
#
# Wants Node.js 18 or later with npm, Debian's chromium and firefox-esr; as root it installs what is
# missing. The driver of the browsers lands in CHECKS_DIR, by default target/aws-checks.
set -euo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
root="$(cd "$here/../.." && pwd)"
work="${CHECKS_DIR:-$root/target/aws-checks}/browser"
shots="${SHOTS:+$(realpath -m "$SHOTS")}"

missing=()
command -v chromium >/dev/null || missing+=(chromium)
command -v firefox-esr >/dev/null || missing+=(firefox-esr)
command -v node >/dev/null || missing+=(nodejs)
command -v npm >/dev/null || missing+=(npm)
if [ ${#missing[@]} -gt 0 ]; then
  if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    echo "the walk in browsers needs: ${missing[*]}" >&2
    exit 1
  fi
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
fi

cd "$root"
cargo build --workspace --locked --quiet --bin accessing-party
mkdir -p "$work"
cp "$here"/package.json "$here"/package-lock.json "$here"/*.mjs "$work/"
cd "$work"
npm ci --silent --no-audit --no-fund
SHOTS="$shots" BINARY="${CARGO_TARGET_DIR:-$root/target}/debug/accessing-party" exec node walk.mjs
