"""
Processes of the host, as an attack finds and leaves them.

Whatever an attack starts is known by its run's marker: in its environment, which a control's
processes inherit, or as its name, which hostile code gives itself in a cell (/proc/PID/comm,
proc(5)) and forks keep.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

VARIABLE = "TOOLCELL_BATTERY_RUN"
# Other processes of its user may look into it, so that a control can, whatever Yama says.
_SLEEP = (
    "import ctypes, signal; ctypes.CDLL(None).prctl(0x59616D61, -1, 0, 0, 0);"
    "print(flush=True); signal.pause()"
)


class Sibling:
    """
    A process of the service's user, with a secret in its environment and its arguments; it holds
    `inherited` open.
    """

    def __init__(self, secret: str, inherited: int) -> None:
        self.descriptor = inherited
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", _SLEEP, secret],
            env={"SIBLING_SECRET": secret},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            pass_fds=(inherited,),
        )
        assert self._process.stdout is not None
        self._process.stdout.readline()

    @property
    def pid(self) -> int:
        return self._process.pid

    def harm(self) -> list[str]:
        """
        Whether it was ended or stopped.
        """
        if self._process.poll() is not None:
            return [f"the sibling process was ended: {self._process.returncode}"]
        status = Path(f"/proc/{self.pid}/status").read_text()
        stopped = any(line.startswith("State:\tT") for line in status.splitlines())
        return ["the sibling process was stopped"] if stopped else []

    def close(self) -> None:
        with self._process:
            self._process.kill()


def left_of(marker: str, since: int = 0) -> list[int]:
    """
    Processes that a run has left.  `since`, as of `now`: none of them was there before.
    """
    return [
        int(folder.name)
        for folder in Path("/proc").iterdir()
        if folder.name.isdigit() and int(folder.name) != os.getpid()
        if _bears(folder, marker, since)
    ]


def now() -> int:
    """
    The time since the host was started, as proc_pid_stat(5) says it, a little earlier.
    """
    return int(time.clock_gettime(time.CLOCK_BOOTTIME) * os.sysconf("SC_CLK_TCK")) - 2


def end(marker: str, since: int = 0) -> None:
    """
    Kill what a control has left.
    """
    for _ in range(100):  # arbitrary; whoever forks meanwhile is found in the next round
        left = left_of(marker, since)
        for pid in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        if not left:
            return


def _bears(folder: Path, marker: str, since: int) -> bool:
    """
    A zombie is nobody any more: its environment is gone, and its name does not count.
    """
    with contextlib.suppress(OSError):
        name, _, rest = (folder / "stat").read_text().partition("(")[2].rpartition(") ")
        state, started = rest.split()[0], int(rest.split()[19])
        if state in "ZX" or started < since:
            return False
        environment = f"{VARIABLE}={marker}".encode()
        return name == marker or environment in (folder / "environ").read_bytes()
    return False
