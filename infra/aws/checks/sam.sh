#!/usr/bin/env bash
# Types what README.md beside the template says, with the real SAM CLI, up to where an account is needed.
# The compiler is a stand-in that notes how it was called: what is judged here is SAM and what we give it.
. "$(dirname "$0")/env.sh"

mark="$out/sam-venv/requirements-sam.txt"
if ! cmp -s "$checks/requirements-sam.txt" "$mark"; then
  [ -x "$out/sam-venv/bin/python" ] || "${PYTHON:-python3.11}" -m venv "$out/sam-venv"
  "$out/sam-venv/bin/pip" install --quiet --disable-pip-version-check -r "$checks/requirements-sam.txt"
  cp "$checks/requirements-sam.txt" "$mark"
fi
SAM="$out/sam-venv/bin/sam" python "$checks/sam_deploy.py" "$out/sam-deploy"
