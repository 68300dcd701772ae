"""
Proves the walls: builds one throw-away cell and has it try them (`toolcell_worker.probe`).

What the cell cannot see of itself is added here.  Canaries are planted outside for the purpose.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import tempfile
import time
from typing import TYPE_CHECKING, Any, Final

from toolcell.v1 import execution_pb2 as pb
from toolcell_worker.wire import CellGrant, Frame, PeerClosed, Profile, ProtocolError

from toolcell_server.isolation import Isolation
from toolcell_server.session import Session
from toolcell_server.zygote import ZygoteFailed

if TYPE_CHECKING:
    from toolcell_server.slots import Slots
    from toolcell_server.zygote import Zygote

PROBE_SECONDS: Final = 20.0  # arbitrary; a probe takes milliseconds
ACTIVE: Final = "active"
# Verified by inode in every cell when it is built: no effect of it could be tried from inside.
VERIFIED: Final = ("ipc",)
NO_CONTROL_GROUP: Final = pb.WallReport(
    wall=pb.WALL_RESOURCES,
    status=pb.WALL_STATUS_DEGRADED,
    reason="no control group is used: memory and processes of a cell are bounded together by a "
    "watchdog that looks every 20 ms, and each process by rlimits; memory of the kernel (socket "
    "buffers) and shared pages that no process maps are not counted",
    remedy="none yet: control groups are not supported by this version",
)


async def prove(zygote: Zygote, slots: Slots) -> Isolation:
    """
    Build a cell of exactly the make that tools get, and report what it found of each wall.

    Raises:
        ZygoteDied: the zygote died over it.
        ZygoteFailed: the cell could not be built; names the wall.
    """
    with contextlib.ExitStack() as resources:
        slot = slots.take()
        resources.callback(slots.give_back, slot)
        canary = resources.enter_context(tempfile.NamedTemporaryFile(prefix="toolcell-canary-"))
        os.fchmod(canary.fileno(), 0o644)
        arguments = json.dumps({"file": canary.name, "host_user": os.geteuid()}).encode()
        grant = _grant(zygote.next_number(), slot, len(arguments))
        session = await Session.open(zygote, grant, (), arguments)
        resources.callback(session.close)
        try:
            async with asyncio.timeout(PROBE_SECONDS):
                found = await _result(session)
                session.cell.kill()
                await asyncio.shield(session.cell.reaped)
        except TimeoutError:
            raise ZygoteFailed("", 0, f"the probe took more than {PROBE_SECONDS} s") from None
    return Isolation.from_reports([*map(_report, found.items()), *_from_outside()])


def _grant(number: int, slot: int, arguments_bytes: int) -> CellGrant:
    mebibyte = 2**20
    return CellGrant(
        number=number,
        profile=Profile.COMPUTE,
        slot=slot,
        deadline=time.monotonic() + PROBE_SECONDS,
        cpu_seconds=PROBE_SECONDS,
        memory_bytes=256 * mebibyte,
        disk_bytes=mebibyte,
        file_size_bytes=mebibyte,
        result_bytes=mebibyte,
        processes=4,
        open_files=64,
        arguments_bytes=arguments_bytes,
        environment=(("HOME", "/tmp"),),  # noqa: S108  # of the cell
    )


async def _result(session: Session) -> dict[str, str]:
    """
    What the probe found, wall by wall.
    """
    try:
        while True:
            message = await session.channel.receive()
            if message.kind == Frame.SETUP_FAILED:
                raise ZygoteFailed.from_frame(message.json())
            if message.kind == Frame.RESULT:
                found = message.json()
                return {str(wall): str(reason) for wall, reason in found.items()}
    except (PeerClosed, ProtocolError) as exc:
        raise ZygoteFailed("", 0, "the probe ended without a result") from exc


def _report(found: tuple[str, str]) -> pb.WallReport:
    wall, reason = found
    number = pb.Wall.Value(f"WALL_{wall.upper()}")
    if reason == ACTIVE:
        return pb.WallReport(wall=number, status=pb.WALL_STATUS_ACTIVE)
    return pb.WallReport(wall=number, status=pb.WALL_STATUS_ABSENT, reason=reason)


def _from_outside() -> list[Any]:
    """
    What no cell can tell of itself.
    """
    reports = [
        pb.WallReport(wall=pb.Wall.Value(f"WALL_{wall.upper()}"), status=pb.WALL_STATUS_ACTIVE)
        for wall in VERIFIED
    ]
    reports.append(NO_CONTROL_GROUP)
    if os.geteuid() != 0:
        reports.append(
            pb.WallReport(
                wall=pb.WALL_IDENTITY,
                status=pb.WALL_STATUS_DEGRADED,
                reason="all cells are the one user that started the service, each in a user "
                "namespace of its own",
                remedy="start the service as root: it then gives each cell a host id of its own",
            )
        )
    return reports
