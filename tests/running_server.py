"""
A real server for a test: a program of its own, on ports of its own, that outlives nobody.
"""

from __future__ import annotations

import contextlib
import json
import selectors
import subprocess
import sys
import urllib.request
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any, Self

from waiting import PATIENCE

if TYPE_CHECKING:
    from pathlib import Path

READY_SECONDS = (
    30 * PATIENCE
)  # arbitrary; probing every wall and starting the zygotes takes about one
STOP_SECONDS = 20 * PATIENCE  # the default drain is 10
LOCAL = 'listen = "127.0.0.1:0"\nmetrics_listen = "127.0.0.1:0"\n'


class NotStarted(AssertionError):  # noqa: N818  # names what happened
    """
    Raised when the server ends, or says nothing, instead of announcing its addresses.
    """


@dataclass(frozen=True, slots=True)
class Server:
    """
    A running server.  `target` is host:port for gRPC; `metrics` is host:port for Prometheus.
    """

    target: str
    metrics: str
    process: subprocess.Popen[str]
    log: Path

    def stop(self) -> int:
        """
        Ask the server to drain, and wait for its end.  May be called again.

        Returns: its exit code.
        Raises:
            AssertionError: it did not end in time, and was killed.
        """
        self.process.terminate()
        try:
            return self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f"the server did not drain:\n{tail(self.log)}") from None
        finally:
            if self.process.stdout:
                self.process.stdout.close()

    def scrape(self) -> str:
        """
        The metrics, as Prometheus reads them.
        """
        with urllib.request.urlopen(f"http://{self.metrics}/metrics", timeout=10) as answer:
            return str(answer.read().decode())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def start_server(
    folder: Path, settings: str = "", *, server: str = "", flags: tuple[str, ...] = ()
) -> Server:
    """
    Start `python -m toolcell_server` and wait until it listens.

    Parameters:
        folder: where its settings and its log are written; the test's tmp_path, or one below.
        settings: TOML after the [server] table.
        server: further lines of the [server] table; the ports are chosen by the kernel.
        flags: further command-line flags.
    Raises:
        NotStarted: it ended or said nothing; the text is the end of its log.
    """
    file = folder / "settings.toml"
    file.write_text(f"[server]\n{LOCAL}{server}\n{settings}")
    program = [sys.executable, "-m", "toolcell_server", "--settings", str(file), *flags]
    return start(program, folder / "log")


def start(program: list[str], log: Path) -> Server:
    """
    Start a program that announces its addresses as the server does: one line of JSON on stdout.

    Raises:
        NotStarted: as start_server.
    """
    # If the caller dies, even by SIGKILL, the kernel ends the server: nothing is left behind.
    leash = ["setpriv", "--pdeathsig", "TERM"]
    with log.open("w") as stderr:
        process = subprocess.Popen(
            [*leash, *program],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
        )
    try:
        announced = _announced(process, log)
    except BaseException:
        process.kill()
        process.communicate()  # closes its standard output, too
        raise
    return Server(announced["listening"], announced["metrics"], process, log)


def _announced(process: subprocess.Popen[str], log: Path) -> dict[str, Any]:
    assert process.stdout
    line = _line(process.stdout, READY_SECONDS)
    with contextlib.suppress(ValueError):
        value = json.loads(line)
        if isinstance(value, dict):
            return value
    raise NotStarted(f"instead of its addresses the server said {line!r}:\n{tail(log)}")


def _line(stream: IO[str], seconds: float) -> str:
    with selectors.DefaultSelector() as selector:
        selector.register(stream, selectors.EVENT_READ)
        return stream.readline() if selector.select(seconds) else ""


def tail(log: Path) -> str:
    return log.read_text()[-4000:]
