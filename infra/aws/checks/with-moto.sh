#!/usr/bin/env bash
# Runs a command against tables, roles, queue and secrets that moto makes from the template:
#
#     infra/aws/checks/with-moto.sh cargo test --test moto -- --ignored --test-threads=1
#
# The command is run where this is called, with GRANTS_TABLE, MAKER_SECRET_ID and all else that a
# function would be told, credentials, AWS_ENDPOINT_URL_DYNAMODB, …_SECRETS_MANAGER and …_SQS, and
# STORE_ENDPOINT, the same address. moto stops with the command, whose exit code is ours.
. "$(dirname "$0")/env.sh"
[ $# -gt 0 ] || { echo "usage: $0 COMMAND …" >&2; exit 2; }

python "$checks/house.py" "$out/translated.json"
exec python "$checks/moto_house.py" "$out/translated.json" "$@"
