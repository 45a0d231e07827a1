"""Compares the rights that the tests made use of with those of the roles.

    RIGHTS_USED=/tmp/used cargo test && python3 infra/aws/checks/unused.py /tmp/used

Exits 1 if a function has a right that no test needs: either nothing needs it, or nothing tests what
does. Judges what the functions ask for themselves, not what Lambda does in their name (streams, logs).
"""

import re
import sys
from pathlib import Path

HERE = Path(__file__).parent
OWN = re.compile(
    r"dynamodb:(\w+Item|Query)|secretsmanager:GetSecretValue|sqs:(ReceiveMessage|DeleteMessage)|events:PutEvents"
)


def named(arn):
    """`<Records.Arn>/index/due`, as rights.txt has it, for a local ARN."""
    last = arn.rsplit(":", 1)[-1]
    if ":secretsmanager:" in arn:
        return f"<{last.removesuffix('-local1')}>"
    name, *index = last.removeprefix("table/").split("/", 1)
    return "/".join([f"<{name}.Arn>", *index])


def of_its_own(right):
    """Whether a function asks for it itself."""
    _, action, resource = right
    return OWN.fullmatch(action) or (action == "sqs:SendMessage" and resource != "<DeadLetters.Arn>")


def main():
    lines = (HERE / "rights.txt").read_text(encoding="utf-8").splitlines()
    agreed = {tuple(line.split()) for line in lines if not line.startswith("#")}
    used = {tuple(line.split()) for line in Path(sys.argv[1]).read_text(encoding="utf-8").splitlines()}
    used = {(f"{function.capitalize()}Function", action, named(arn)) for function, action, arn in used}
    unused = sorted(right for right in agreed - used if of_its_own(right))
    for right in unused:
        print(f"FAIL no test needs {' '.join(right)}")
    own = sum(1 for right in agreed if of_its_own(right))
    print(f"rights: {own - len(unused)} of {own} exercised")
    return 1 if unused else 0


if __name__ == "__main__":
    sys.exit(main())
