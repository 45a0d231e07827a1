# Sourced by whatever needs a tool: installs it, pinned, and again when the list that asks for it changes.
#
#     need_pip checks infra/aws/checks/requirements.txt   # a virtualenv of these; its programs on the PATH
#     need_npm api .ci/npm/api                            # package.json and package-lock.json of that folder
#     need_debian chromium                                # packages, by name; wants root
#
# Nothing is compiled, and nothing comes from elsewhere than PyPI, npm and Debian. Tools are kept for all
# clones of this user in CHECKS_TOOLS, by default ~/.cache/accessing-party-checks, each in a folder that is
# named after its list: two clones that want different versions don't disturb one another.

tools="${CHECKS_TOOLS:-${XDG_CACHE_HOME:-$HOME/.cache}/accessing-party-checks}"

need_debian() {
  local package missing=()
  for package; do
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || missing+=("$package")
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  [ "$(id -u)" = 0 ] || { echo "install these packages: ${missing[*]}" >&2; return 1; }
  mkdir -p "$tools"
  (
    # apt-get gives up when a step beside this one is at it.
    flock 9
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq
    apt-get install -qq --no-install-recommends "${missing[@]}" >/dev/null
  ) 9>"$tools/debian.lock"
}

# The folder of the tool NAME, if made of what stands on stdin; made by COMMAND FOLDER … otherwise.
kept_tool() {
  local name="$1" key; shift
  key="$(sha256sum | cut -c1-16)"
  tool="$tools/$name-$key"
  [ ! -e "$tool/complete" ] || return 0
  mkdir -p "$tools"
  (
    # Another run may be at it, too.
    ! command -v flock >/dev/null || flock 9
    [ ! -e "$tool/complete" ] || exit 0
    rm -rf "$tool"
    "$@"
    touch "$tool/complete"
  ) 9>"$tool.lock"
}

python_of_checks() {
  local python
  for python in "${PYTHON:-}" python3.11 python3; do
    if [ -n "$python" ] && command -v "$python" >/dev/null; then echo "$python"; return; fi
  done
  echo python3
}

# Every package is named in the lists, so pip has nothing to resolve; Python compiles what it loads, once.
make_venv() {
  local python lists=() list
  python="$(python_of_checks)"
  for list; do lists+=(-r "$list"); done
  "$python" -c 'import ensurepip, venv' 2>/dev/null || need_debian python3 python3-venv
  "$python" -m venv "$tool"
  "$tool/bin/pip" install --quiet --disable-pip-version-check --no-deps --no-compile "${lists[@]}"
}

need_pip() {
  local name="$1"; shift
  kept_tool "$name" make_venv "$@" < <(cat "$@"; "$(python_of_checks)" -V 2>/dev/null)
  export PATH="$tool/bin:$PATH"
}

make_node_modules() {
  mkdir -p "$tool"
  cp "$1/package.json" "$1/package-lock.json" "$tool/"
  command -v npm >/dev/null || need_debian nodejs npm
  npm ci --prefix "$tool" --silent --ignore-scripts --no-audit --no-fund
}

need_npm() {
  kept_tool "$1" make_node_modules "$2" < <(cat "$2/package.json" "$2/package-lock.json")
  export PATH="$tool/node_modules/.bin:$PATH"
}
