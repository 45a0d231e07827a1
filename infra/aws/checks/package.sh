#!/usr/bin/env bash
# Builds the functions as they are deployed, x86_64, and judges what comes out: each zip at most
# 4 MB and no newer glibc than Amazon Linux 2023 has; then asks the built login under the emulator.
#
# One invocation for all, so that what they share is compiled once, and without the packages `local`
# and `simulator`, whose features would leak in. Never arm64 here: that would fetch a toolchain.
# Takes several minutes from clean; CARGO_TARGET_DIR is heeded.
. "$(dirname "$0")/env.sh"
need "$checks/requirements-package.txt" --no-deps
cd "$root"

functions=(login callback refresh fetch api act notify digest deliver)
# With the version: a crate that we depend on is called `digest`, too.
packages_of=()
for function in "${functions[@]}"; do packages_of+=("--package=$function@0.1.0"); done
packages="$out/functions"
rm -rf "$packages"

echo "== cargo lambda build --release"
cargo lambda build --release --locked --compiler cargo --output-format zip --lambda-dir "$packages" \
  "${packages_of[@]}"

echo "== sizes"
python "$checks/package.py" "$packages" "${functions[@]}"

echo "== login under the emulator"
python "$checks/house.py" "$out/translated.json"
python "$checks/moto_house.py" "$out/translated.json" \
  python "$checks/emulate.py" login "$packages/login/bootstrap"
