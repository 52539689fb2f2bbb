"""Drives the mock with proxmoxer as scripts of its users do; asserts what a node of PVE 9 answers.

Every step stands for itself and creates the guests it needs. Prints one line per step; names given
as arguments run alone.
"""

import sys

from kit import STEPS

# Their steps run in this order.
import nodes, machines, containers, storages, rights, services  # noqa: E401, F401, I001


def main(wanted):
    steps = [step for step in STEPS if not wanted or step.__name__ in wanted]
    failures = 0
    for step in steps:
        try:
            step()
            print(f"ok {step.__name__}", flush=True)
        except Exception as error:  # Whatever breaks a step, the others still run.
            failures += 1
            line = sys.exc_info()[2].tb_next.tb_lineno
            reason = " ".join(str(error).split()) or type(error).__name__
            place = f"{step.__module__}.py:{line}"
            print(f"FAIL {step.__name__}: {place}: {reason}", flush=True)
    print(f"{len(steps) - failures} ok, {failures} failed")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
