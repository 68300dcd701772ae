"""
Our end of the load generator (`generator.py`), which is a process of its own.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from bench.quantities import Measured

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass
class Generating:
    """
    A running generator.  `failures` are what any call so far failed with, with its subject.
    """

    process: subprocess.Popen[str]
    failures: list[str] = field(default_factory=list)

    def calls(
        self,
        target: str,
        kind: str,
        in_flight: int,
        seconds: float,
        *,
        tool: str = "nothing",
        arguments: str = "",
        pause: float = 0.0,
        token: str = "",
    ) -> Measured:
        """
        A closed loop of `in_flight` callers, who pause so many seconds after each call.  With a
        token they say who they are, and each call has a `request_id`.
        """
        asked = {"target": target, "kind": kind, "in_flight": in_flight, "seconds": seconds}
        answer = self.ask(
            "calls", **asked, tool=tool, arguments=arguments, pause=pause, token=token
        )
        return Measured(**answer)

    def ask(self, what: str, **given: Any) -> dict[str, Any]:
        """
        Have it do something, and wait for its answer.

        Raises:
            SystemExit: it has ended; its standard error has said why.
        """
        self.begin(what, **given)
        return self.answer()

    def begin(self, what: str, **given: Any) -> None:
        """
        Have it do something; `answer` waits for what it says of it.
        """
        assert self.process.stdin
        self.process.stdin.write(json.dumps({"do": what, **given}) + "\n")
        self.process.stdin.flush()

    def answer(self) -> dict[str, Any]:
        """
        Raises:
            SystemExit: as `ask`.
        """
        assert self.process.stdout
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(f"the load generator ended with {self.process.wait()}")
        answer: dict[str, Any] = json.loads(line)
        self.failures += answer.get("failures", ())
        return answer


@contextlib.contextmanager
def generating() -> Iterator[Generating]:
    """
    A generator for as long as the context lasts.
    """
    command = ["setpriv", "--pdeathsig", "KILL", sys.executable, "-m", "bench.generator"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            yield Generating(process)
        finally:
            process.kill()
