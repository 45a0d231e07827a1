# Sourced by the scripts beside it: their virtualenv, an environment that reaches no account, the version of
# the workspace, and where results land: in CHECKS_DIR, by default target/aws-checks of the workspace.

set -euo pipefail
checks="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
root="$(cd "$checks/../../.." && pwd)"
out="${CHECKS_DIR:-$root/target/aws-checks}"
mkdir -p "$out"
version="$(sed -n '/^\[workspace\.package\]/,/^\[/ s/^version = "\(.*\)"$/\1/p' "$root/Cargo.toml")"
[ -n "$version" ] || { echo "FAIL Cargo.toml has no version" >&2; exit 1; }

export PYTHONPYCACHEPREFIX="$out/pycache"
# No check may reach an account, whatever the machine has credentials for.
export AWS_ACCESS_KEY_ID=testing AWS_SECRET_ACCESS_KEY=testing AWS_SESSION_TOKEN=testing
export AWS_REGION=eu-west-1 AWS_DEFAULT_REGION=eu-west-1 AWS_EC2_METADATA_DISABLED=true
export AWS_CONFIG_FILE=/dev/null AWS_SHARED_CREDENTIALS_FILE=/dev/null
unset AWS_PROFILE AWS_ENDPOINT_URL

. "$root/.ci/tools.sh"
need_pip template "$checks/requirements.txt"
