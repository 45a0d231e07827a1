#!/usr/bin/env bash
# Checks the template without an account: lint, translation, lint of what that gives, the rules, a proof
# of every rule by breaking it, and a deployment on a moto server. Wants Python 3.11 and PyPI.
. "$(dirname "$0")/env.sh"
cd "$checks"

echo "== what is secret is never committed"
for file in client.key client.csr client.pem ca.pem secrets.json secrets.maker.json secrets.seal.json \
  live-secrets.json infra/aws/secrets.json infra/aws/samconfig.toml infra/aws/.aws-sam/build data/api-key \
  data-live/accessing-party.db functions/login/target/x; do
  git -C "$root" check-ignore --quiet "$file" || { echo "FAIL git would take $file: .gitignore"; exit 1; }
done

echo "== lint of the template"
cfn-lint --template ../template.yaml
echo "== translation, and lint of what it gives (circles show only there)"
python house.py "$out/translated.json"
# W1031: the empty default of a stream that is used only where another table is.
cfn-lint --ignore-checks W1031 --template "$out/translated.json"
echo "== rules"
python check.py
echo "== every rule proven by breaking it"
python breaks.py
echo "== deployment on moto"
python moto_house.py "$out/translated.json"
echo "== build and deployment by the SAM CLI, up to the account"
"$checks/sam.sh"
echo "== the templates of a release"
for architecture in x86_64 arm64; do
  python ../release/template.py "$architecture" "$out/release-$architecture.yaml"
  cfn-lint --template "$out/release-$architecture.yaml"
  python release_check.py "$out/release-$architecture.yaml" "$architecture"
done
echo "== the runbook on moto"
python runbook.py "$out/translated.json"
