"""
Runs `python -I -c pass` in sandlock, one after another: a program for sandlock's environment.

Run as `PYTHON sandlock_loop.py IN_FLIGHT SECONDS`; prints what load.py prints.
"""

from __future__ import annotations

import json
import os
import sys
import time

from sandlock import Sandbox

SYSTEM = ("/usr", "/lib", "/lib64", "/bin", "/etc", "/proc", "/dev")
# What the environment's link leads to, so that no more need be readable.
PYTHON = os.path.realpath(sys.executable)


def main(in_flight: int, duration: float) -> None:
    assert in_flight == 1, "it is measured one at a time"
    readable = [path for path in (*SYSTEM, sys.base_prefix) if os.path.exists(path)]
    sandbox = Sandbox(fs_readable=readable)
    seconds: list[float] = []
    began = time.perf_counter()
    while not seconds or time.perf_counter() < began + duration:
        start = time.perf_counter()
        result = sandbox.run([PYTHON, "-I", "-c", "pass"], timeout=10)
        if not result.success:
            raise SystemExit(f"sandlock: {result}")
        seconds.append(time.perf_counter() - start)
    elapsed = time.perf_counter() - began
    print(json.dumps({"seconds": seconds, "elapsed": elapsed, "failures": []}))


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]))
