#!/usr/bin/env bash
# Makes a release in FOLDER (default: dist): for each architecture nine zips and a template, and one list of
# checksums.
#
#     infra/aws/release/release.sh [--arch x86_64|arm64]… [FOLDER]
#
# Needs cargo-lambda with zig (`pip install cargo-lambda`), and for another architecture than this machine's its
# target (`rustup target add aarch64-unknown-linux-gnu`). CARGO_TARGET_DIR is heeded.
set -euo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
root="$(cd "$here/../../.." && pwd)"

architectures=()
while [ "${1:-}" = --arch ]; do architectures+=("$2"); shift 2; done
[ ${#architectures[@]} -gt 0 ] || architectures=(x86_64 arm64)
folder="$(mkdir -p "${1:-$root/dist}" && cd "${1:-$root/dist}" && pwd)"
cd "$root"

functions=(login callback refresh fetch api act notify digest deliver)
# With the version: a crate that we depend on is called `digest`, too. One invocation, without the packages
# whose features would leak in.
packages=()
for function in "${functions[@]}"; do packages+=("--package=$function@0.1.0"); done

for architecture in "${architectures[@]}"; do
  case "$architecture" in
    # Of AL2023's glibc or older, whatever machine this is.
    x86_64) target=x86_64-unknown-linux-gnu.2.34 ;;
    arm64) target=aarch64-unknown-linux-gnu.2.34 ;;
    *) echo "no release for $architecture: x86_64 or arm64" >&2; exit 2 ;;
  esac
  out="$folder/accessing-party-$architecture"
  rm -rf "$out" && mkdir -p "$out/built"
  echo "== $architecture: build"
  cargo lambda build --release --locked --target "$target" --output-format zip --lambda-dir "$out/built" \
    "${packages[@]}"
  echo "== $architecture: sizes and glibc"
  "${PYTHON:-python3}" "$here/../checks/package.py" "$out/built" "${functions[@]}"
  for function in "${functions[@]}"; do mv "$out/built/$function/bootstrap.zip" "$out/$function.zip"; done
  rm -rf "$out/built"
  "${PYTHON:-python3}" "$here/template.py" "$architecture" "$out/template.yaml"
done

echo "== checksums"
cd "$folder"
for architecture in "${architectures[@]}"; do sha256sum "accessing-party-$architecture"/*; done | tee SHA256SUMS
