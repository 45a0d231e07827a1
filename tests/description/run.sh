#!/usr/bin/env bash
# Whether others can work with the description of the operator's API: it is valid OpenAPI 3.1, and two
# generators make clients of it that their compilers take.
set -euo pipefail
source "$(dirname "$0")/tools.sh"
need_npm description "$root/tests/description"
made="$(mktemp -d)"
trap 'rm -rf "$made"' EXIT

redocly lint --config "$root/tests/description/redocly.yaml" "$description"

openapi-python-client generate --path "$description" --meta none --output-path "$made/accessing_party" \
  --fail-on-warning
python -m compileall -q "$made/accessing_party"
PYTHONPATH="$made" python "$root/tests/description/import_all.py" accessing_party

openapi-typescript "$description" --output "$made/api.ts"
cp "$root/tests/description/client.ts" "$made/client.ts"
tsc --noEmit --strict --skipLibCheck false --target es2022 --module nodenext --moduleResolution nodenext \
  "$made/api.ts" "$made/client.ts"
