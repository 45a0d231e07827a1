#!/usr/bin/env bash
# Runs a command with the reference library of the Standard Webhooks specification at hand, for Python:
#
#     tests/with-standardwebhooks.sh cargo test -p tests --test it -- --ignored standard_webhooks
#
# The command is run where this is called, with STANDARD_WEBHOOKS_PYTHON, an interpreter that has the
# library. Wants Python 3.11 and PyPI; everything lands in CHECKS_DIR, by default target/aws-checks.
set -euo pipefail
[ $# -gt 0 ] || { echo "usage: $0 COMMAND …" >&2; exit 2; }
root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
venv="${CHECKS_DIR:-$root/target/aws-checks}/standardwebhooks"

[ -e "$venv/done" ] || {
  "${PYTHON:-python3.11}" -m venv "$venv"
  "$venv/bin/pip" install --quiet --disable-pip-version-check standardwebhooks==1.1.0
  touch "$venv/done"
}
STANDARD_WEBHOOKS_PYTHON="$venv/bin/python" exec "$@"
