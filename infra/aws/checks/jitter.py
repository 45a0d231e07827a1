"""How a built function shows that it gathers CPU jitter for its first random number (.cargo/config.toml
says why it must not): it holds a table that only that code uses, and no stripping takes away."""

import json
import re
import struct
import subprocess
from pathlib import Path

from house import ROOT

TABLE = re.compile(r"jent_lag_global_cutoff_lookup\[\d+\]\s*=\s*\{([\d,\s]+)\}")


def mark():
    """The table's bytes, as the source of the locked aws-lc-sys has it."""
    command = ["cargo", "metadata", "--format-version", "1", "--locked", "--offline"]
    told = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, check=True)
    packages = json.loads(told.stdout)["packages"]
    manifest = next(package["manifest_path"] for package in packages if package["name"] == "aws-lc-sys")
    for source in Path(manifest).parent.rglob("jitterentropy-health.c"):
        if found := TABLE.search(source.read_text(encoding="utf-8")):
            numbers = [int(number) for number in found.group(1).split(",")]
            return struct.pack(f"<{len(numbers)}I", *numbers)
    raise SystemExit(f"FAIL {manifest}: its jitter code has changed; look for another mark of it in jitter.py")
