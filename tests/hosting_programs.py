"""
Programs that host tools, to be killed.
"""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

from waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from typing import Self

TOOLS = '''
import os
import time

from toolcell_client.hosting import HostedCall, hosted


@hosted
def who() -> int:
    """Says which process it is."""
    return os.getpid()


@hosted(effects="read_only")
def read(seconds: float, call: HostedCall) -> int:
    """Takes its time, once."""
    call.print("begun")
    if call.attempt == 1:
        time.sleep(seconds)
    return os.getpid()


@hosted
def write(seconds: float, call: HostedCall) -> int:
    """Takes its time."""
    call.print("begun")
    time.sleep(seconds)
    return os.getpid()
'''


class Program:
    """
    `toolcell host` of these tools, in a process of its own.
    """

    def __init__(self, folder: Path, target: str, *flags: str) -> None:
        file = folder / "tools_of_a_host.py"
        file.write_text(TOOLS)
        self.log = folder / f"host-{id(self)}.log"
        command = [sys.executable, "-m", "toolcell_client.cli", "host", str(file)]
        with self.log.open("w") as stderr:
            self.process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", *command, "--target", target, *flags],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=stderr,
            )
        self.until(lambda: "hosting who" in self.log.read_text())

    def until(self, happened: Callable[[], bool]) -> None:
        wait_until(lambda: happened() or self.process.poll() is not None)
        assert self.process.poll() is None, self.log.read_text()

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(20)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
