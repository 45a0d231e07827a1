#!/usr/bin/env bash
# Walks the drivers' flow in real browsers, against the debug binary:
#
#     tests/browser/run.sh            # Chromium, and the main flow in Firefox
#     SHOTS=shots tests/browser/run.sh   # and leaves a picture of each ending, small and large
#
# Wants Node.js 18 or later with npm, Debian's chromium and firefox-esr; as root it installs what is missing.
set -euo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
root="$(cd "$here/../.." && pwd)"
work="${CHECKS_DIR:-$root/target/aws-checks}/browser"
shots="${SHOTS:+$(realpath -m "$SHOTS")}"
. "$root/.ci/tools.sh"

need_programs() {
  local package
  for package; do command -v "${package/nodejs/node}" >/dev/null || need_debian "$package"; done
}

need_programs chromium firefox-esr nodejs npm
need_npm browser "$here"

cd "$root"
cargo build --workspace --locked --quiet --bin accessing-party
# Node.js looks for a package above the file that imports it.
mkdir -p "$work"
cp "$here"/*.mjs "$work/"
ln -sfn "$tool/node_modules" "$work/node_modules"
cd "$work"
SHOTS="$shots" BINARY="${CARGO_TARGET_DIR:-$root/target}/debug/accessing-party" exec node walk.mjs
