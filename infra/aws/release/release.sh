#!/usr/bin/env bash
# Makes a release in FOLDER (default: dist): for each architecture nine zips and a template, and one list of
# checksums.
#
#     infra/aws/release/release.sh [--arch x86_64|arm64]… [FOLDER]
#
# Installs cargo-lambda and zig by itself; for another architecture than this machine's it needs the target
# (`rustup target add aarch64-unknown-linux-gnu`). CARGO_TARGET_DIR is heeded.
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
# The checks' Python, which judges what was built.
. "$here/../checks/env.sh"

architectures=()
while [ "${1:-}" = --arch ]; do architectures+=("$2"); shift 2; done
[ ${#architectures[@]} -gt 0 ] || architectures=(x86_64 arm64)
folder="$(mkdir -p "${1:-$root/dist}" && cd "${1:-$root/dist}" && pwd)"
cd "$root"

functions=(login callback refresh fetch api act notify digest deliver)
# With the version: a crate that we depend on is called `digest`, too. One invocation, without the packages
# whose features would leak in.
version="$(sed -n 's/^version = "\(.*\)"$/\1/p' "$root/Cargo.toml" | head -1)"
packages=()
for function in "${functions[@]}"; do packages+=("--package=$function@$version"); done

for architecture in "${architectures[@]}"; do
  case "$architecture" in
    # Of AL2023's glibc or older, whatever machine this is.
    x86_64) target=x86_64-unknown-linux-gnu.2.34 ;;
    arm64) target=aarch64-unknown-linux-gnu.2.34 ;;
    *) echo "no release for $architecture: x86_64 or arm64" >&2; exit 2 ;;
  esac
  made="$folder/accessing-party-$architecture"
  rm -rf "$made" && mkdir -p "$made/built"
  echo "== $architecture: build"
  # cargo-lambda asks the first Python of the PATH for zig.
  need_pip operators "$here/../checks/requirements-package.txt"
  cargo lambda build --release --locked --target "$target" --lambda-dir "$made/built" "${packages[@]}"
  # Under the names that SAM gives them, as the check expects, which packs them.
  for function in "${functions[@]}"; do mv "$made/built/$function" "$made/built/${function^}Function"; done
  echo "== $architecture: sizes and glibc"
  need_pip template "$here/../checks/requirements.txt"
  python "$here/../checks/package.py" "$made/built" "$made/packed" "${functions[@]}"
  for function in "${functions[@]}"; do mv "$made/packed/$function/bootstrap.zip" "$made/$function.zip"; done
  rm -rf "$made/built" "$made/packed"
  python "$here/template.py" "$architecture" "$made/template.yaml"
done

echo "== checksums"
cd "$folder"
for architecture in "${architectures[@]}"; do sha256sum "accessing-party-$architecture"/*; done | tee SHA256SUMS
