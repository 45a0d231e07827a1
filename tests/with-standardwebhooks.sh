#!/usr/bin/env bash
# Runs a command with the reference library of the Standard Webhooks specification at hand, for Python:
#
#     tests/with-standardwebhooks.sh cargo test --test it -- --ignored standard_webhooks
#
# The command is run where this is called, with STANDARD_WEBHOOKS_PYTHON, an interpreter that has the
# library. Wants Python 3.11 and PyPI.
set -euo pipefail
[ $# -gt 0 ] || { echo "usage: $0 COMMAND …" >&2; exit 2; }
root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
. "$root/.ci/tools.sh"
need_pip standardwebhooks "$root/tests/requirements.txt"
STANDARD_WEBHOOKS_PYTHON="$tool/bin/python" exec "$@"
