# The tools that read the description, each in one version; to be sourced. They land in CHECKS_DIR, by
# default target/aws-checks. Wants Python 3.11, Node 20, PyPI and the npm registry.
root="$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)"
tools="${CHECKS_DIR:-$root/target/aws-checks}/description"
description="$root/functions/api/openapi.json"
export PATH="$tools/node_modules/.bin:$tools/python/bin:$PATH"
export PYTHONDONTWRITEBYTECODE=1 DO_NOT_TRACK=1 REDOCLY_TELEMETRY=off REDOCLY_SUPPRESS_UPDATE_NOTICE=true

python_tools=(openapi-python-client==0.29.1 schemathesis==4.32.5)
node_tools=(@redocly/cli@2.77.0 openapi-typescript@7.13.0 typescript@5.9.3)
wanted="${python_tools[*]} ${node_tools[*]}"
[ "$(cat "$tools/done" 2>/dev/null)" = "$wanted" ] || {
  rm -rf "$tools" && mkdir -p "$tools"
  "${PYTHON:-python3.11}" -m venv "$tools/python"
  "$tools/python/bin/pip" install --quiet --disable-pip-version-check "${python_tools[@]}"
  npm install --prefix "$tools" --silent --no-audit --no-fund --no-save "${node_tools[@]}"
  echo "$wanted" >"$tools/done"
}
