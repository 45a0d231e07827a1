# The tools that read the description, each in one version; to be sourced. Wants Python 3.11 or later.
root="$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)"
description="$root/functions/api/openapi.json"
export PYTHONDONTWRITEBYTECODE=1 DO_NOT_TRACK=1 REDOCLY_TELEMETRY=off REDOCLY_SUPPRESS_UPDATE_NOTICE=true
. "$root/.ci/tools.sh"
need_pip description "$root/tests/description/requirements.txt"
