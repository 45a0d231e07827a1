"""Applies every rule to the template, translated and resolved. Exits 1 if one does not hold.

`check.py --write-rights` writes rights.txt anew: for when a right was added on purpose.
"""

import sys

import rules_access
import rules_data
import rules_work
from house import HERE, House, source, translate

RULES = rules_access.RULES + rules_data.RULES + rules_work.RULES
RIGHTS = "# What each function may do: function, action, resource. Written by check.py --write-rights.\n"


class World:
    """The template as written, and resolved for any parameters."""

    def __init__(self, template):
        self.template = template
        self.translated = translate(template)

    def house(self, **parameters):
        return House(self.translated, **parameters)


def problems(world):
    """Rule to what is wrong by it."""
    return {rule: list(rule(world)) for rule in RULES}


def write_rights(house):
    lines = sorted(
        f"{function} {action} {resource}"
        for function in house.of("Lambda::Function")
        for action, resource in house.rights(function)
    )
    (HERE / "rights.txt").write_text(RIGHTS + "\n".join(lines) + "\n", encoding="utf-8")


def main():
    world = World(source())
    if "--write-rights" in sys.argv:
        write_rights(world.house())
    found = problems(world)
    for rule, wrong in found.items():
        print(f"{'FAIL' if wrong else 'ok  '} {rule.__doc__}")
        for problem in wrong:
            print(f"       {problem}")
    failed = sum(bool(wrong) for wrong in found.values())
    print(f"template: {len(found) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
