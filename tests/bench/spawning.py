"""
What a tool call would cost as a program: a fresh interpreter, bare or in bubblewrap.

Run as `python -m bench.spawning python|bubblewrap IN_FLIGHT SECONDS`, or with a command in JSON
instead of its name; prints what load.py prints.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time

PYTHON = [sys.executable, "-I", "-c", "pass"]
# The namespaces that bubblewrap makes by itself: no seccomp, no Landlock, no limits, no results.
BUBBLEWRAP = [
    *("bwrap", "--unshare-all", "--die-with-parent", "--new-session", "--cap-drop", "ALL"),
    *("--ro-bind", "/", "/", "--proc", "/proc", "--dev", "/dev"),
]
SUBJECTS = {"python": "python -I -c pass", "bubblewrap": "bubblewrap + python"}
COMMANDS = {"python": PYTHON, "bubblewrap": [*BUBBLEWRAP, *PYTHON]}


def program(kind: str) -> list[str]:
    """
    The load program of a command, which is one of ours or written in JSON; in flight and seconds
    follow.
    """
    return [sys.executable, "-m", "bench.spawning", kind]


def why_not(kind: str) -> str:
    """
    Why this command does not run here.  Empty: it does.
    """
    command = _command(kind)
    try:
        answer = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return "not installed"
    return answer.stderr.strip() or ("" if answer.returncode == 0 else "failed")


def _command(kind: str) -> list[str]:
    return COMMANDS.get(kind) or list(json.loads(kind))


def repeat(command: list[str], until: float, seconds: list[float], failures: list[str]) -> None:
    """
    Start one after another until a point in time.
    """
    while time.perf_counter() < until:
        began = time.perf_counter()
        code = subprocess.call(command, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        if code == 0:
            seconds.append(time.perf_counter() - began)
        else:
            failures.append(f"exit code {code}")


def main(kind: str, in_flight: int, duration: float) -> None:
    command = _command(kind)
    subprocess.call(command)  # warms the page cache
    seconds: list[float] = []
    failures: list[str] = []
    began = time.perf_counter()
    given = (command, began + duration, seconds, failures)
    # Threads only wait here: the work is in the processes they start.
    threads = [threading.Thread(target=repeat, args=given) for _ in range(in_flight)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    elapsed = time.perf_counter() - began
    print(json.dumps({"seconds": seconds, "elapsed": elapsed, "failures": failures}))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]))
