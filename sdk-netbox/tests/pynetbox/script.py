"""What pynetbox users do, one step at a time, against any empty NetBox 4.6: script.py URL TOKEN [NAME...].

Prints `ok NAME` or `FAIL NAME: reason` for each step, then a total. The token must be an administrator's.
Steps do not depend on each other: what a step creates bears its name, and its networks are its own.
With names only those steps run.
"""

import sys
import traceback

from harness import STEPS
from steps import (  # noqa: F401, for the steps they register
    service,
    records,
    lists,
    filters,
    devices,
    configuration,
    addresses,
    machines,
    organization,
)


def run(function):
    """What is wrong, if anything."""
    name = function.__name__
    try:
        function(name.replace("_", "-"))
    except Exception as error:  # Whatever goes wrong is the step's failure.
        frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.name == name]
        place = f"line {frames[-1].lineno}" if frames else "no line"
        return " ".join(f"{type(error).__name__}, {place}: {error}".split())[:500]
    return None


def main():
    wanted = [function for function in STEPS if not sys.argv[3:] or function.__name__ in sys.argv[3:]]
    failed = 0
    for function in wanted:
        wrong = run(function)
        failed += wrong is not None
        print(f"FAIL {function.__name__}: {wrong}" if wrong else f"ok {function.__name__}")
    print(f"{len(wanted) - failed} ok, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
