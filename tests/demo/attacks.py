"""
Hostile code in `run_python`: the same code, run outside, gets everything it wants.
"""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from toolcell.v1 import execution_pb2 as pb

if TYPE_CHECKING:
    from pathlib import Path

    from toolcell_client import Client

    from demo.report import Report
    from demo.server import Served


@dataclass(frozen=True)
class Attack:
    """
    Code that prints GOT if it gets what it wants.  `cause` is the operation that is to be denied,
    or the exception where nothing is denied because there is nothing.
    """

    name: str
    code: str
    cause: str


def show_attacks(client: Client, served: Served, report: Report) -> None:
    """
    Each attack outside, where it succeeds, and in a cell, where it does not.
    """
    report.title("hostile code: outside it succeeds, in a cell it does not")
    client.run("run_python", {"code": "open('/tmp/left', 'w').write('secret')"})
    for attack in _attacks(served):
        outside = _outside(attack, served)
        report.check(f"outside, {attack.name}", expected=True, actual=outside)
        stream = client.execute("run_python", {"code": attack.code})
        result = stream.result()
        got = b"GOT" in result.stdout
        report.check(f"in a cell, {attack.name}", expected=False, actual=got)
        causes: dict[str, pb.Denied | None] = {d.operation: d for d in result.denials}
        causes |= {name: None for name in ("FileNotFoundError",) if name in result.stderr.decode()}
        named = attack.cause if attack.cause in causes else None
        report.check("  named cause", expected=attack.cause, actual=named)
        if (denied := causes.get(attack.cause)) is not None:
            wall = pb.Wall.Name(denied.wall)
            report.tell(f"  {wall} {denied.operation} {denied.target}: {denied.reason}")
    _show_neighbour(client, served, report)


def _show_neighbour(client: Client, served: Served, report: Report) -> None:
    report.title("a grant for one file")
    granted = client.run("read_file", {"path": str(served.root / "a.txt")})
    report.check("the granted file is read", expected="completed", actual=granted.label)
    report.tell(f"result {granted.value}")
    written = client.run(
        "write_file", {"path": str(served.root / "new.txt"), "content": "staged\n"}
    )
    report.check("a new file is written", expected="completed", actual=written.label)
    there = (served.root / "new.txt").read_text()
    report.check("the service put it in place", expected="staged\n", actual=there)


def _outside(attack: Attack, served: Served) -> bool:
    """
    The positive control: the same code as an ordinary process on this host.
    """
    done = subprocess.run(
        [sys.executable, "-c", attack.code],
        capture_output=True,
        env={**os.environ, "DEMO_SECRET": "a secret of the service"},
        timeout=30,
        check=False,
    )
    return b"GOT" in done.stdout


def _attacks(served: Served) -> list[Attack]:
    return [
        Attack("a file that anybody may read", _read(served.canary), "open"),
        Attack("the service's settings", _read(served.settings), "open"),
        Attack("a file in the operator's root", _read(served.root / "b.txt"), "open"),
        Attack("the service's environment", _environment(served.pid), "open"),
        Attack("another call's scratch file", _other_calls_file(), "FileNotFoundError"),
        Attack("the network", _network(served), "socket"),
    ]


def _read(path: Path) -> str:
    return f"print('GOT' if open({str(path)!r}).read() else '')"


def _environment(pid: int) -> str:
    """
    By its process if that can be read, and by inheritance.
    """
    return (
        "import os\n"
        "if 'DEMO_SECRET' in os.environ: print('GOT')\n"
        f"print('GOT' if b'DEMO_SECRET' in open('/proc/{pid}/environ', 'rb').read() else '')"
    )


def _other_calls_file() -> str:
    """
    What an earlier call left in /tmp; outside it is planted first.
    """
    return (
        "import os, sys\n"
        "if os.path.exists('/proc/self'): open('/tmp/left', 'w').write('secret')\n"
        "print('GOT' if open('/tmp/left').read() else '')\n"
        "os.unlink('/tmp/left')"
    )


def _network(served: Served) -> str:
    host, port = served.target.rsplit(":", 1)
    return f"import socket\nsocket.create_connection(({host!r}, {port}), 5).close()\nprint('GOT')"
