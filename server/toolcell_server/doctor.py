"""
`python -m toolcell_server doctor`: what this host can isolate, proved by a cell that tried.

Exit code 0 if cells reach the default floor, 1 if not: then the service refuses to start here too,
unless its settings accept less.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import sys
from typing import TYPE_CHECKING, Any

from toolcell.v1 import execution_pb2 as pb

from toolcell_server import isolation_check
from toolcell_server.app import App
from toolcell_server.host_ids import NoSpareIds
from toolcell_server.isolation import ALL_WALLS, Isolation
from toolcell_server.keeper import KeeperFailed
from toolcell_server.policy import Policy
from toolcell_server.settings import Settings
from toolcell_server.settings.bundles import BUILTIN

if TYPE_CHECKING:
    from collections.abc import Sequence

    from toolcell_server.zygote import ZygoteFailed

NOT_ISOLATED = 1


def main(arguments: Sequence[str]) -> int:
    """
    Print the walls of this host; the exit code.
    """
    parser = argparse.ArgumentParser(
        prog="toolcell doctor", description="Says what this host can isolate."
    )
    parser.add_argument("--json", action="store_true", help="as one JSON object")
    parser.add_argument(
        "--battery", action="store_true", help="attack the walls, outside and in cells"
    )
    parser.add_argument(
        "--only", nargs="+", default=[], metavar="ATTACK", help="of the battery: names or ids"
    )
    given = parser.parse_args(arguments)
    if given.only and not given.battery:
        parser.error("--only chooses among the attacks of --battery; add --battery")
    if given.battery:
        # A server that only serves loads none of it.
        from toolcell_server.battery import program

        return program.main(given.only, as_json=given.json)
    logging.basicConfig(level=logging.ERROR, format="%(message)s")
    try:
        isolation = asyncio.run(_examine(App(Settings())))
    except (KeeperFailed, NoSpareIds) as exc:
        print(f"no cell can be built here: {exc}", file=sys.stderr)  # noqa: T201  # a program speaks
        return NOT_ISOLATED
    _print(isolation, as_json=given.json or not sys.stdout.isatty())
    try:
        isolation_check.check([isolation], Policy().minimum_isolation)
    except isolation_check.NotIsolated as exc:
        print(exc, file=sys.stderr)  # noqa: T201  # a program speaks
        return NOT_ISOLATED
    return 0


async def _examine(application: App) -> Isolation:
    async with application.without_a_face():
        if failure := application.pool.unbuilt():
            return _nothing(failure)
        return application.pool.isolation(BUILTIN)


def _nothing(failure: ZygoteFailed) -> Isolation:
    """
    The report of a host on which no cell can be built: its first wall says why.
    """
    reason = f"no cell can be built: {failure}"
    return Isolation.from_reports(
        pb.WallReport(wall=wall, status=pb.WALL_STATUS_ABSENT, reason=reason) for wall in ALL_WALLS
    )


def _print(isolation: Isolation, *, as_json: bool) -> None:
    level = isolation_check.level_name(isolation)
    rows = [_row(report) for report in isolation.walls]
    if as_json:
        print(json.dumps({"level": level, "walls": rows}, indent=2))  # noqa: T201  # its result
        return
    print(f"isolation: {level}\n")  # noqa: T201  # its result
    for row in rows:
        print(f"{row['wall']:<12} {row['status']:<9} {row['reason']}")  # noqa: T201  # its result
        if row["remedy"]:
            print(f"{'':<22} remedy: {row['remedy']}")  # noqa: T201  # its result


def _row(report: pb.WallReport) -> dict[str, Any]:
    return {
        "wall": pb.Wall.Name(report.wall).removeprefix("WALL_").lower(),
        "status": pb.WallStatus.Name(report.status).removeprefix("WALL_STATUS_").lower(),
        "reason": report.reason,
        "remedy": report.remedy,
    }
