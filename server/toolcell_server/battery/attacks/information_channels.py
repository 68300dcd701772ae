"""
Attacks by what processes share: I6 and I7.
"""

from __future__ import annotations

import secrets
import socket
import sysconfig
from pathlib import Path
from typing import TYPE_CHECKING, Any

from toolcell_server.battery.attack import Attack, generic_harm
from toolcell_server.battery.ground import Call

if TYPE_CHECKING:
    from toolcell_server.battery.attack import Traces
    from toolcell_server.battery.ground import Ground


def _abstract(ground: Ground) -> dict[str, Any]:
    ground.listeners.unix(f"\0{ground.marker}")
    return {"name": ground.marker}


def _by_path(ground: Ground) -> dict[str, Any]:
    return {"path": ground.listeners.unix(f"{ground.folder}/socket")}


def _datagrams(ground: Ground) -> dict[str, Any]:
    return {"path": ground.listeners.unix(f"{ground.folder}/socket", socket.SOCK_DGRAM)}


def _told(function: str, ground: Ground) -> dict[str, Any]:
    start = secrets.randbelow(2**30)  # other batteries may use the same locks
    told = {"text": ground.token, "start": start}
    ground.beside = Call(f"information_channels.{function}", told)
    return {"bits": len(ground.token) * 4, "start": start}


def _watched(ground: Ground) -> dict[str, Any]:
    """
    A file of the library that the service opens as soon as the attack runs.
    """
    path = str(Path(sysconfig.get_path("stdlib"), "this.py"))
    ground.when_ready = lambda: Path(path).read_bytes()
    return {"path": path}


def _noticed(ground: Ground, traces: Traces) -> list[str]:
    said = ["it noticed what the service opened"] if traces.result else []
    return [*generic_harm(ground, traces), *said]


def _system_objects(ground: Ground) -> dict[str, Any]:
    key = int(ground.marker[-7:], 16) + 1
    told = {"key": key, "text": ground.token}
    ground.earlier.append(Call("information_channels.leave_in_system_objects", told))
    return {"key": key}


LOCKS = (
    "two tools that conspire, and run at once, can tell each other something by locks on files of"
    " the runtime that both may read; neither learns anything that the other does not tell"
)
ATTACKS: tuple[Attack, ...] = (
    Attack(
        id="I6",
        name="reach_an_abstract_socket",
        module="information_channels",
        promise="no abstract socket of the host can be reached",
        plan=_abstract,
    ),
    Attack(
        id="I6",
        name="reach_a_socket_by_its_path",
        module="information_channels",
        promise="no socket of the host can be reached by its path",
        plan=_by_path,
    ),
    Attack(
        id="I6",
        name="send_from_a_pair_to_a_path",
        module="information_channels",
        promise="a pair of sockets talks to itself only",
        plan=_datagrams,
    ),
    Attack(
        id="I7",
        name="hear_by_locks",
        module="information_channels",
        promise="one cell cannot tell another anything by locking files that both may read",
        plan=lambda ground: _told("tell_by_locks", ground),
        known=LOCKS,
    ),
    Attack(
        id="I7",
        name="hear_by_records",
        module="information_channels",
        promise="one cell cannot tell another anything by locking parts of a file",
        plan=lambda ground: _told("tell_by_records", ground),
        known=LOCKS,
    ),
    Attack(
        id="I7",
        name="watch_what_others_open",
        module="information_channels",
        promise="a cell cannot watch what others on the host open",
        plan=_watched,
        harm=_noticed,
    ),
    Attack(
        id="I7",
        name="find_in_system_objects",
        module="information_channels",
        promise="no queue, memory or key of an earlier call is there",
        plan=_system_objects,
    ),
)
