"""Proves every rule by breaking the template: each break must be seen by the rule that it names.

A rule without a break fails too. Nothing is written: a break changes a copy in memory.
"""

import copy
import sys

import breaks_access  # noqa: F401 (importing registers its breaks)
import breaks_data  # noqa: F401
import breaks_work  # noqa: F401
import rules_work as work
from breaking import BREAKS
from check import RULES, World
from house import source


def main():
    template = source()
    before = {rule: set(rule(World(template))) for rule in RULES}
    watched = dict(work.WATCHED)
    failed = 0
    for breaking, rules in BREAKS:
        broken = copy.deepcopy(template)
        breaking(broken)
        world = World(broken)
        for rule in rules:
            if not set(rule(world)) - before[rule]:
                failed += 1
                print(f"FAIL {breaking.__name__}: not seen by {rule.__name__}")
        work.WATCHED.clear()
        work.WATCHED.update(watched)
    proven = {rule for _, rules in BREAKS for rule in rules}
    for rule in RULES:
        if rule not in proven:
            failed += 1
            print(f"FAIL {rule.__name__} is proven by no break")
    print(f"breaks: {len(BREAKS) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
