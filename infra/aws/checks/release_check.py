"""Judges the template of a release: each function's code is its zip in the operator's bucket.

    release_check.py TEMPLATE ARCHITECTURE
"""

import sys
from pathlib import Path

from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator
from samtranslator.yaml_helper import yaml_parse

from house import REQUIRED, House

GIVEN = {"CodeBucket": "bucket", "CodePrefix": "accessing-party/1.0"}


def problems(template, architecture):
    translated = Translator({}, Parser()).translate(template, REQUIRED | GIVEN)
    functions = House(translated, **GIVEN).of("Lambda::Function")
    if len(functions) != 9:
        yield f"it has {len(functions)} functions"
    for name, function in functions.items():
        wanted = {"S3Bucket": "bucket", "S3Key": f"accessing-party/1.0/{name.removesuffix('Function').lower()}.zip"}
        if function["Code"] != wanted or function["Architectures"] != [architecture]:
            yield f"{name} is {function['Code']} for {function['Architectures']}"


def main():
    template = yaml_parse(Path(sys.argv[1]).read_text(encoding="utf-8"))
    found = list(problems(template, sys.argv[2]))
    for problem in found:
        print(f"FAIL {problem}")
    print(f"release for {sys.argv[2]}: {'failed' if found else 'each function has its zip'}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
