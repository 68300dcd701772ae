"""
What a run used at its peak, measured from outside.

Theory of operation.  A program of its own (`python -m toolcell_server.battery.gauge MARKER SERVER`)
looks at /proc every few milliseconds, from when it has said that it is ready until after its
standard input has closed, and then prints the peaks as JSON.  A thread of ours would slow the very
watchdog that is under attack.  Processes are found by the marker of their run, which is their name.
What belongs to no process (shared pages that all have given up) shows in the host's own account
only, which others change too: limits for it must be generous.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import subprocess
import sys
from pathlib import Path

TICK_MILLISECONDS = 5
# /proc/PID/status, /proc/meminfo: sizes are in units of 1024 bytes.
OF_PROCESSES = {"RssAnon": "memory", "RssShmem": "memory", "VmLck": "locked", "Threads": "threads"}


class Gauge:
    """
    Measures from when it is made until `peaks` is asked for the first time.
    """

    def __init__(self, marker: str) -> None:
        self._peaks: dict[str, int] = {}
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-B", "-m", __name__, marker, str(os.getpid())],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        self._process.stdout.readline()

    def peaks(self) -> dict[str, int]:
        """
        `processes` and `threads` of the run, their `memory` and what of it is `locked`; by how much
        the host's `shared` memory and the `server`'s own grew.  Sizes in bytes.
        """
        if not self._peaks:
            said, _ = self._process.communicate()
            self._peaks = json.loads(said)
        return self._peaks

    def close(self) -> None:
        """
        End it, if nobody has asked.
        """
        with self._process:
            self._process.kill()


def main(marker: str, server: str) -> None:
    """
    Measure until standard input is closed.
    """
    peaks: dict[str, int] = {}
    before = _host(server)
    print(flush=True)  # noqa: T201  # whoever started us waits for it
    over = False
    while not over:  # one look comes after the end: what ran may have been quicker than a tick
        over = bool(select.select([0], [], [], TICK_MILLISECONDS / 1000)[0])
        seen = _processes(marker)
        seen |= {name: value - before[name] for name, value in _host(server).items()}
        for name, value in seen.items():
            peaks[name] = max(value, peaks.get(name, 0))
    print(json.dumps(peaks))  # noqa: T201  # the program's result


def _host(server: str) -> dict[str, int]:
    return {
        "shared": _fields("/proc/meminfo").get("Shmem", 0) * 1024,
        "server": _fields(f"/proc/{server}/status").get("VmRSS", 0) * 1024,
    }


def _processes(marker: str) -> dict[str, int]:
    found = {"processes": 0, "threads": 0, "memory": 0, "locked": 0}
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if (folder / "comm").read_text().strip() != marker:
                continue
            found["processes"] += 1
            for key, value in _fields(f"{folder}/status").items():
                if key in OF_PROCESSES:
                    found[OF_PROCESSES[key]] += value if key == "Threads" else value * 1024
    return found


def _fields(path: str) -> dict[str, int]:
    """
    The lines `Name: number …` of a file.
    """
    pairs = (line.partition(":") for line in Path(path).read_bytes().decode().splitlines())
    return {
        key: int(words[0])
        for key, _, rest in pairs
        if (words := rest.split()) and words[0].isdigit()
    }


if __name__ == "__main__":
    main(*sys.argv[1:])
