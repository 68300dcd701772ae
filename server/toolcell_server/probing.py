"""
Proves the walls: builds a throw-away cell and has it try them (`toolcell_worker.probe`).

Cells have two lives, with the same walls: a spare builds them by other code than a whole cell, so
where there can be whole cells one of each is tried, and the worse finding counts.  What a cell
cannot see of itself is added here.  Canaries are planted outside for the purpose.
Where cells have no namespaces a second one tries whether it can be held to a proxy: if not, that
costs the calls with domains, and no others.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
import tempfile
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self

from toolcell.v1 import execution_pb2 as pb
from toolcell_worker.wire import Call, CellGrant, Frame, PeerClosed, Profile, ProtocolError

from toolcell_server import control_groups
from toolcell_server.denials import Denials
from toolcell_server.hold import Hold
from toolcell_server.isolation import Isolation
from toolcell_server.zygote import ZygoteFailed

if TYPE_CHECKING:
    from toolcell_server.control_groups import NotDelegated
    from toolcell_server.makes import Make
    from toolcell_server.slots import Slots
    from toolcell_server.zygote import Zygote

LOOPBACK: Final = "127.0.0.1"
PROBE_SECONDS: Final = 20.0  # arbitrary; a probe takes milliseconds
ACTIVE: Final = "active"
# Verified by inode in every cell when it is built: no effect of it could be tried from inside.
VERIFIED: Final = ("ipc",)
NOT_ASKED: Final = "none was asked for"
UNTRIED: Final = "it was not tried in cells of both lives"
WATCHED: Final = (
    "memory and processes of a cell are bounded together by a watchdog that looks every 20 ms, and "
    "each process by rlimits; memory of the kernel (socket buffers) is bounded for each process "
    "alone"
)


async def prove(
    zygote: Zygote, slots: Slots, make: Make, refused: NotDelegated | None = None
) -> Isolation:
    """
    Build cells of exactly the make that tools get, and report what they found of each wall.
    `refused` says why there are no control groups.

    Raises:
        ZygoteDied: the zygote died over it.
        ZygoteFailed: the cell could not be built; names the wall.
    """
    with tempfile.NamedTemporaryFile(prefix="toolcell-canary-") as canary:
        os.fchmod(canary.fileno(), 0o644)
        told = _canaries(canary.name, make)
        tried = await _try(zygote, slots, told)
        if make.namespaces:
            tried = tried.or_worse(await _try(zygote, slots, told, whole=True))
    unproxied = "" if make.namespaces else await _unproxied(zygote, slots)
    resources_report = _resources(zygote, tried.counted, make, refused)
    found = map(_report, tried.found.items())
    reports = [*_from_outside(zygote, make, unproxied), resources_report, *found]
    proxied = not (make.namespaces or unproxied)
    return Isolation.from_reports(reports, observed=tried.observed, proxied=proxied)


@dataclass(frozen=True, slots=True)
class Tried:
    """
    What a throw-away cell found, wall by wall; whether its control group `counted` what it used;
    whether its refused calls were `observed`.
    """

    found: dict[str, str]
    counted: bool
    observed: bool

    def or_worse(self, other: Self) -> Self:
        """
        What may be said of cells of both lives.
        """
        found = {
            wall: self.found.get(wall, UNTRIED) if said == ACTIVE else said
            for wall, said in other.found.items()
        }
        untried = dict.fromkeys(self.found.keys() - found.keys(), UNTRIED)
        counted = self.counted and other.counted
        return type(self)({**found, **untried}, counted, self.observed and other.observed)


async def _unproxied(zygote: Zygote, slots: Slots) -> str:
    """
    Why cells cannot be held to a proxy; empty if they can.

    Raises:
        ZygoteDied: the zygote died over it.
    """
    with socket.create_server((LOOPBACK, 0)) as proxy, socket.create_server((LOOPBACK, 0)) as other:
        arguments = json.dumps({"port": other.getsockname()[1]}).encode()
        try:
            tried = await _try(zygote, slots, arguments, proxy.getsockname()[1])
        except ZygoteFailed as exc:
            return str(exc)
    return "" if tried.found["network"] == ACTIVE else tried.found["network"]


async def _try(
    zygote: Zygote, slots: Slots, arguments: bytes, proxy: int = 0, *, whole: bool = False
) -> Tried:
    """
    Build one cell, a spare or a whole one, and let it try.
    """
    with contextlib.ExitStack() as resources:
        slot = slots.take()
        resources.callback(slots.give_back, slot)
        call = Call(deadline=time.monotonic() + PROBE_SECONDS, arguments=arguments)
        grant = _grant(len(arguments), proxy)
        if whole:
            hold = await Hold.warm(zygote, slot, grant.pack(), grant.result_bytes)
        else:
            hold = await Hold.open(zygote, slot, grant, (), call)
        resources.callback(hold.close)
        if whole:
            hold.tell(call)
        denials = Denials()
        resources.callback(denials.close)
        try:
            async with asyncio.timeout(PROBE_SECONDS):
                found = await _result(hold, denials)
                hold.cell.kill()
                reaping = await asyncio.shield(hold.cell.reaped)
        except TimeoutError:
            raise ZygoteFailed("", 0, f"the probe took more than {PROBE_SECONDS} s") from None
        return Tried(found, bool(reaping.group_seconds), denials.saw("ptrace"))


def _canaries(file: str, make: Make) -> bytes:
    """
    What the probe is told of the outside.  An ordinary user who has no user namespace cannot empty
    the bounding set; no_new_privs makes it worthless.
    """
    user = os.geteuid()
    bounding = make.namespaces or user == 0
    # In a user namespace of its own a cell's id is another's, even where it is the same number.
    told = {"file": file, "host_user": 0 if make.namespaces else user, "bounding": bounding}
    return json.dumps(told).encode()


def _grant(arguments_bytes: int, proxy: int) -> CellGrant:
    mebibyte = 2**20
    return CellGrant(
        profile=Profile.NET if proxy else Profile.COMPUTE,
        cpu_seconds=PROBE_SECONDS,
        memory_bytes=256 * mebibyte,
        disk_bytes=mebibyte,
        file_size_bytes=mebibyte,
        result_bytes=mebibyte,
        processes=4,
        open_files=64,
        arguments_bytes=arguments_bytes,
        environment=(("HOME", "/tmp"),),  # noqa: S108  # of the cell
        proxy=proxy,
    )


async def _result(hold: Hold, denials: Denials) -> dict[str, str]:
    """
    What the probe found, wall by wall.
    """
    try:
        while True:
            message = await hold.channel.receive()
            if message.kind == Frame.SETUP_FAILED:
                raise ZygoteFailed.from_frame(message.json())
            if message.kind == Frame.LISTENER:
                denials.observe(message.descriptors)
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


def _from_outside(zygote: Zygote, make: Make, unproxied: str) -> list[pb.WallReport]:
    """
    What no cell can tell of itself.
    """
    reports = [
        pb.WallReport(wall=pb.Wall.Value(f"WALL_{wall.upper()}"), status=pb.WALL_STATUS_ACTIVE)
        for wall in VERIFIED
    ]
    host = zygote.catalogue.get("host", {})
    version, root = host.get("landlock_abi", 0), os.geteuid() == 0
    reports += make.reports(landlock_abi=version, root=root, unproxied=unproxied)
    return reports


def _resources(
    zygote: Zygote,
    counted: bool,  # noqa: FBT001  # private
    make: Make,
    refused: NotDelegated | None,
) -> pb.WallReport:
    """
    Whether the probe's cells were in control groups: then the kernel has an account of them there,
    and has taken their limits, without which they would not have begun.

    Raises:
        ZygoteFailed: it was not, and should have been.
    """
    if zygote.group is not None:
        if not counted:
            raise ZygoteFailed("resources", 0, "the control group counted nothing of the cell")
        return pb.WallReport(wall=pb.WALL_RESOURCES, status=pb.WALL_STATUS_ACTIVE)
    why = refused.reason if refused else dict(make.failed).get("resources", NOT_ASKED)
    return pb.WallReport(
        wall=pb.WALL_RESOURCES,
        status=pb.WALL_STATUS_DEGRADED,
        reason=f"no control group is used, for {why}: {WATCHED}",
        remedy=refused.remedy if refused else control_groups.CONTAINER,
    )
