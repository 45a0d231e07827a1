"""Writes the template of a release: the code is in a bucket of the operator's, for one architecture.

    template.py x86_64|arm64 FILE

CloudFormation itself translates it (CAPABILITY_AUTO_EXPAND): nobody needs SAM to deploy it.
"""

import re
import sys
from pathlib import Path

TEMPLATE = Path(__file__).parent.parent / "template.yaml"
ARCHITECTURES = ("x86_64", "arm64")
PARAMETERS = """\
Parameters:
  CodeBucket:
    Type: String
    Description: The bucket, in this region, that holds the nine zips of the release.
    AllowedPattern: '^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$'
    ConstraintDescription: must be the name of a bucket
  CodePrefix:
    Type: String
    Description: Where in it they are, such as accessing-party/0.1.0. Another version has another place.
    AllowedPattern: '^[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)*$'
    ConstraintDescription: must be a path without a slash at either end
"""


def once(text, pattern, by, times=1):
    """Replaces what must be there exactly so often: a template of another shape is no release."""
    text, count = re.subn(pattern, by, text, flags=re.M)
    if count != times:
        raise SystemExit(f"{TEMPLATE.name} has {count} times, not {times}: {pattern}")
    return text


def released(text, architecture):
    """The template's text, with the code in a bucket."""
    if architecture not in ARCHITECTURES:
        raise SystemExit(f"no release for {architecture}: {', '.join(ARCHITECTURES)}")
    text = once(text, r"^Parameters:\n", PARAMETERS)
    text = once(text, r"^(\s+)CodeUri: \.\./\.\./functions/(\w+)$",
                r'\1CodeUri: { Bucket: !Ref CodeBucket, Key: !Sub "${CodePrefix}/\2.zip" }', 9)
    text = once(text, r"^    # Also what `sam build` builds for.*\n    # arm64 here, or.*\n", "")
    text = once(text, r"^    Architectures: \[x86_64\]$", f"    Architectures: [{architecture}]")
    return once(text, r"^      - \{ Label: \{ default: Who and where \}",
                "      - { Label: { default: The release }, Parameters: [CodeBucket, CodePrefix] }\n"
                "      - { Label: { default: Who and where }")


def main():
    architecture, file = sys.argv[1:]
    text = TEMPLATE.read_text(encoding="utf-8")
    Path(file).write_text(released(text, architecture), encoding="utf-8")


if __name__ == "__main__":
    main()
