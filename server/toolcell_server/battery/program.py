"""
`python -m toolcell_server doctor --battery`: attacks the walls of this host's cells.

Exit code 1 if anything was breached, or if no cell can be built; 2 if no attack is called so.
"""

from __future__ import annotations

import asyncio
import json
import logging
import signal
import sys
from typing import TYPE_CHECKING

from toolcell_server.app import App
from toolcell_server.battery import catalogue, report
from toolcell_server.battery.cells import Cells
from toolcell_server.battery.internet import DENIED, PRIVATE
from toolcell_server.battery.running import Battery
from toolcell_server.battery.session import Session
from toolcell_server.battery.verdict import BREACHED
from toolcell_server.host_ids import NoSpareIds
from toolcell_server.keeper import KeeperFailed
from toolcell_server.policy import Policy
from toolcell_server.settings import (
    BuiltinSettings,
    BundleSettings,
    ServerSettings,
    Settings,
)
from toolcell_server.zygote import ZygoteFailed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from toolcell.v1 import execution_pb2 as pb

    from toolcell_server.battery.attack import Attack
    from toolcell_server.battery.verdict import Verdict

WRONG, UNKNOWN = 1, 2
BUNDLE = "battery"
CELLS = 8  # arbitrary; an attack, its neighbour, and some that ask for more at once


def main(only: Sequence[str], *, as_json: bool) -> int:
    """
    Run the attacks that were asked for, all if none was; the exit code.
    """
    try:
        attacks = catalogue.chosen(only)
    except ValueError as exc:
        print(exc, file=sys.stderr)  # noqa: T201  # a program speaks
        return UNKNOWN
    # Whatever the attacks provoke is in the verdicts.
    logging.getLogger("toolcell_server").setLevel(logging.CRITICAL)
    # Whoever ends us shall find nothing left behind, as after Ctrl-C.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with Session() as session:
            isolation, verdicts = asyncio.run(_run(attacks, session, as_json=as_json))
    except (KeeperFailed, NoSpareIds, ZygoteFailed) as exc:
        print(f"no cell can be built here: {exc}", file=sys.stderr)  # noqa: T201  # a program speaks
        return WRONG
    if as_json:
        print(json.dumps(report.as_json(isolation, verdicts), indent=2))  # noqa: T201  # its result
    else:
        print(report.summary(isolation, verdicts))  # noqa: T201  # its result
    return WRONG if any(verdict.verdict == BREACHED for verdict in verdicts) else 0


def settings(session: Session) -> Settings:
    """
    A server with nothing but the battery.
    """
    roots = [{"path": path, "access": "write"} for path in (session.root, session.linked)]
    return Settings(
        server=ServerSettings(max_executions=CELLS),
        # Whatever cells this host can build are attacked; what they hold is what the report says.
        policy=Policy.from_settings(
            {
                "roots": roots,
                "minimum_isolation": "basic",
                "private_networks": PRIVATE,
                "denied_domains": (DENIED,),
            }
        ),
        bundles=(
            BundleSettings(
                name=BUNDLE,
                package="toolcell_worker.battery",
                env=session.internet.environment(),
            ),
        ),
        builtin=BuiltinSettings(enabled=False),
        egress=session.internet.settings(session.secret),
    )


async def _run(
    attacks: Sequence[Attack], session: Session, *, as_json: bool
) -> tuple[pb.IsolationReport, list[Verdict]]:
    application = App(settings(session))
    verdicts: list[Verdict] = []
    async with application.without_a_face() as admission:
        if failure := application.pool.unbuilt():
            raise failure
        battery = Battery(Cells(admission, application.executions), session)
        for attack in attacks:
            verdicts.append(await battery.run(attack))
            if not as_json:
                print(report.line(verdicts[-1]), flush=True)  # noqa: T201  # its result
        return application.pool.isolation(BUNDLE).to_proto(), verdicts
