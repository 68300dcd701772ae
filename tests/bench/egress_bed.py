"""
Both ways to one upstream: from a program outside of any cell, and from a tool in one.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from running_server import Server, start_server
from toolcell_client import Client
from toolcell_server.battery.addresses import LOOPBACK
from toolcell_server.battery.authority import Authority
from toolcell_server.battery.egresses import egresses

from bench.egress_upstream import serving

if TYPE_CHECKING:
    from collections.abc import Iterator

    Seconds = dict[str, list[float]]

BUNDLE = Path(__file__).parent / "bundle"
CALL_SECONDS = 300
ENDLESS = 10**12
SETTLE_SECONDS = 0.5  # arbitrary; until a transfer runs at its full speed
SETTINGS = """
[policy]
private_networks = ["127.0.0.1/32"]

[egress]
resolver = ["{resolver}"]

[limits.defaults]
{limits}
[limits.ceilings]
{limits}
[[bundles]]
name = "bench"
path = "{bundle}"
env = {{ BENCH_PORT = "{port}" }}
"""
LIMITS = """\
network_bytes = 1_099_511_627_776
connections = 1_000_000
wall_seconds = 300
cpu_seconds = 300
"""


@dataclass(frozen=True, slots=True)
class Bed:
    """
    `program` is what is run in a cell and outside; the upstream listens at `port`.
    """

    server: Server
    client: Client
    program: Path
    port: int

    def without(self, what: str, protocol: str, amount: int) -> Seconds:
        """
        Measure from outside of any cell.
        """
        with self._started(what, protocol, amount) as process:
            answer, _ = process.communicate()
            if process.returncode:
                raise SystemExit(f"without a cell, {what} over {protocol} failed")
            return dict(json.loads(answer))

    def through(self, what: str, protocol: str, amount: int) -> Seconds:
        """
        Measure from inside a cell.
        """
        arguments = {"what": what, "protocol": protocol, "address": "", "amount": amount}
        return dict(self.client.run("measure", arguments).raise_for_outcome().value)

    @contextlib.contextmanager
    def downloading_without(self) -> Iterator[None]:
        """
        While a program outside of any cell downloads without an end.
        """
        with self._started("download", "tcp", ENDLESS) as process:
            try:
                time.sleep(SETTLE_SECONDS)
                yield
            finally:
                process.kill()

    @contextlib.contextmanager
    def downloading_through(self) -> Iterator[None]:
        """
        While a cell downloads without an end.
        """
        arguments = {"what": "download", "protocol": "tcp", "address": "", "amount": ENDLESS}
        stream = self.client.execute("measure", arguments)
        execution_id = next(iter(stream)).execution_id
        try:
            time.sleep(SETTLE_SECONDS)
            yield
        finally:
            self.client.cancel(execution_id)
            stream.result()

    def memory(self) -> tuple[int, int]:
        """
        Resident bytes of the egress, now and at their peak.
        """
        [egress] = egresses(self.server.process.pid)
        lines = Path(f"/proc/{egress}/status").read_text().splitlines()
        kibibytes = {line.split(":")[0]: line.split()[1] for line in lines if line.startswith("Vm")}
        return int(kibibytes["VmRSS"]) * 1024, int(kibibytes["VmHWM"]) * 1024

    def _started(self, what: str, protocol: str, amount: int) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, str(self.program), what, protocol, LOOPBACK, str(amount)],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "BENCH_PORT": str(self.port)},
        )


@contextlib.contextmanager
def made(folder: Path) -> Iterator[Bed]:
    """
    The upstream, and a service whose cells may reach it, in a folder of their own.
    """
    folder.chmod(0o755)  # cells have ids of their own
    bundle = folder / "bundle"
    shutil.copytree(BUNDLE, bundle, ignore=shutil.ignore_patterns("__pycache__"))
    certificate = Authority.make(folder).issue("tls.example.test")
    with serving(certificate) as (port, resolver):
        settings = SETTINGS.format(resolver=resolver, limits=LIMITS, bundle=bundle, port=port)
        with (
            start_server(folder, settings) as server,
            Client(server.target, timeout=CALL_SECONDS) as client,
        ):
            yield Bed(server, client, bundle / "measuring.py", port)
