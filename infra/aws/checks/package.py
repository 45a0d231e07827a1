"""Judges the built functions: size of the zip, glibc asked for, no CPU jitter. Unpacks each beside its zip.

    package.py FOLDER FUNCTION …
"""

import re
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
    folder, functions = Path(sys.argv[1]), sys.argv[2:]
    failed, mark = 0, jitter.mark()
    for name in functions:
        archive = folder / name / "bootstrap.zip"
        if not archive.exists():
            print(f"FAIL {name}: was not built")
            failed += 1
            continue
        with zipfile.ZipFile(archive) as packed:
            packed.extract("bootstrap", archive.parent)
        bootstrap = archive.parent / "bootstrap"
        bootstrap.chmod(0o755)
        binary, size = bootstrap.read_bytes(), archive.stat().st_size
        wrong = list(problems(binary, size, mark))
        failed += bool(wrong)
        print(f"{'FAIL' if wrong else 'ok  '} {name:9} zip {size:>9,} bytes, binary {len(binary):>10,} bytes")
        for problem in wrong:
            print(f"       {problem}")
    extra = {found.name for found in folder.iterdir()} - set(functions)
    for name in sorted(extra):
        failed += 1
        print(f"FAIL {name} was built too")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
