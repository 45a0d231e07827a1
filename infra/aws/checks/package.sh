#!/usr/bin/env bash
# Builds the functions as an operator does, x86_64, and judges what comes out: the zip of each at most 4 MB,
# and no newer glibc asked for than Amazon Linux 2023 has; then asks the built login under the emulator.
#
# `sam build` calls cargo-lambda, which links by zig. SAM does so one function after the other, each in a
# cargo of its own; so cargo-lambda is first called as SAM does, but for all at once, and `sam build` finds
# everything built. Never arm64 here: that would fetch a toolchain. CARGO_TARGET_DIR is heeded.
. "$(dirname "$0")/env.sh"

functions=(login callback refresh fetch api act notify digest deliver)
# With the version: a crate that we depend on is called `digest`, too.
version="$(sed -n 's/^version = "\(.*\)"$/\1/p' "$root/Cargo.toml" | head -1)"
packages_of=()
for function in "${functions[@]}"; do packages_of+=("--package=$function@$version"); done

# The page for operators names the versions.
grep -E '^(aws-sam-cli|cargo-lambda|ziglang)==' "$checks/requirements-package.txt" | while read -r tool; do
  grep -qF "$tool" "$root/infra/aws/README.md" || { echo "FAIL infra/aws/README.md does not name $tool"; exit 1; }
done
need_pip operators "$checks/requirements-package.txt"
export SAM_CLI_TELEMETRY=0 PYTHONWARNINGS=ignore

echo "== cargo lambda build --release"
cd "$root"
cargo lambda build --release --locked "${packages_of[@]}"
echo "== sam build"
cd "$checks/.."
rm -rf "$out/sam" "$out/functions"
sam build --build-dir "$out/sam"

# The Python of the other checks comes first again.
need_pip template "$checks/requirements.txt"
echo "== sizes"
python "$checks/package.py" "$out/sam" "$out/functions" "${functions[@]}"

echo "== login under the emulator"
python "$checks/house.py" "$out/translated.json"
python "$checks/moto_house.py" "$out/translated.json" \
  python "$checks/emulate.py" login "$out/functions/login/bootstrap"
