"""Judges what `sam build` built: size of the zip that SAM would upload, glibc asked for, no CPU jitter.

    package.py BUILT FOLDER FUNCTION …

BUILT is SAM's build folder, where a function lies under its name in the template. Each is left with
its zip in FOLDER/FUNCTION.
"""

import re
import shutil
import sys
import zipfile
from pathlib import Path

import jitter

LIMIT = 4_000_000
# Amazon Linux 2023 has glibc 2.34.
GLIBC = (2, 34)


def problems(binary, size, mark):
    """What is wrong with one function."""
    if size > LIMIT:
        yield f"its zip is over {LIMIT:,} bytes"
    asked = {tuple(map(int, version.split(b"."))) for version in re.findall(rb"GLIBC_(\d+\.\d+)", binary)}
    newest = max(asked, default=(0, 0))
    if newest > GLIBC:
        yield f"it asks for glibc {newest[0]}.{newest[1]}"
    if mark in binary:
        yield "it gathers CPU jitter: aws-lc-sys was built without what .cargo/config.toml sets"


def main():
    built, folder, functions = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:]
    failed, mark = 0, jitter.mark()
    for name in functions:
        made = built / f"{name.capitalize()}Function" / "bootstrap"
        if not made.exists():
            print(f"FAIL {name}: was not built")
            failed += 1
            continue
        bootstrap, archive = folder / name / "bootstrap", folder / name / "bootstrap.zip"
        bootstrap.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(made, bootstrap)
        # As SAM packs what it uploads.
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
            packed.write(bootstrap, "bootstrap")
        binary, size = bootstrap.read_bytes(), archive.stat().st_size
        wrong = list(problems(binary, size, mark))
        failed += bool(wrong)
        print(f"{'FAIL' if wrong else 'ok  '} {name:9} zip {size:>9,} bytes, binary {len(binary):>10,} bytes")
        for problem in wrong:
            print(f"       {problem}")
    extra = {found.parent.name for found in built.glob("*/bootstrap")} - {f"{name.capitalize()}Function" for name in functions}
    for name in sorted(extra):
        failed += 1
        print(f"FAIL {name} was built too")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
