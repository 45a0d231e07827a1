#!/usr/bin/env bash
# Checks the template without an account: lint, translation, lint of what that gives, the rules, a proof
# of every rule by breaking it, and a deployment on a moto server. Wants Python 3.11 and PyPI.
. "$(dirname "$0")/env.sh"
cd "$checks"

echo "== lint of the template"
cfn-lint --template ../template.yaml
echo "== translation, and lint of what it gives (circles show only there)"
python house.py "$out/translated.json"
cfn-lint --template "$out/translated.json"
echo "== rules"
python check.py
echo "== every rule proven by breaking it"
python breaks.py
echo "== deployment on moto"
python moto_house.py "$out/translated.json"
