"""
Attacks on what is known: I1 to I10.
"""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import TYPE_CHECKING, Any

from toolcell_server.battery.attack import ORDINARY, Attack, generic_harm
from toolcell_server.battery.attacks import information_channels
from toolcell_server.battery.attacks.files_links import REFUSED
from toolcell_server.battery.attacks.planting import for_writing
from toolcell_server.battery.ground import Call
from toolcell_server.battery.running import NotHere

if TYPE_CHECKING:
    from toolcell_server.battery.attack import Traces
    from toolcell_server.battery.ground import Ground

IDENTITIES = ("/etc/machine-id", "/proc/sys/kernel/random/boot_id")
UNTELLING = {"", "cell", "localhost"}


def _sibling(ground: Ground) -> dict[str, Any]:
    return {"pid": ground.sibling.pid}


def _peers(ground: Ground, traces: Traces) -> list[str]:
    """
    The service has been identified, or can be held on to.
    """
    found = traces.result if isinstance(traces.result, dict) else {}
    named = [f"the service's pid was learned: {os.getpid()}"] * (
        os.getpid() in found.get("pids", ())
    )
    words = {"pidfds": "got a handle of", "signalled": "could signal", "taken": "took from"}
    held = [f"{said} the service: {found[key]}" for key, said in words.items() if found.get(key)]
    return [*generic_harm(ground, traces), *named, *held]


def _earlier_secret(ground: Ground) -> dict[str, Any]:
    ground.earlier.append(Call("information.know", {"secret": ground.token}))
    return {}


def _drawn_before(ground: Ground) -> dict[str, Any]:
    ground.earlier.append(Call("information.draw_random_numbers", {}))
    return {}


def _same_numbers(ground: Ground, traces: Traces) -> list[str]:
    now = traces.result if isinstance(traces.result, dict) else {}
    said = generic_harm(ground, traces)
    for before in traces.earlier:
        same = [name for name in now if isinstance(before, dict) and before.get(name) == now[name]]
        said += [f"drawn twice: {name}" for name in same]
    return said


def _identities(ground: Ground) -> dict[str, Any]:
    names = {socket.gethostname()} - UNTELLING
    for path in IDENTITIES:
        names |= {Path(path).read_text().strip()} if Path(path).exists() else set()
    ground.names += [name for name in names if name]
    return {"paths": list(IDENTITIES)}


def _linked(ground: Ground) -> dict[str, Any]:
    folder = Path(ground.session.linked, ground.marker)
    folder.mkdir()
    ground.claim(str(folder))
    path = f"{folder}/staged"
    ground.stages.append(path)
    ground.writes.append(str(folder))  # not granted, but what is made there is no harm
    return {"path": path}


def _linked_for_staging(ground: Ground) -> dict[str, Any]:
    told = _linked(ground)
    ground.writes.clear()
    return told


def _linked_to_a_link(ground: Ground) -> dict[str, Any]:
    told = _linked(ground)
    Path(told["path"]).symlink_to(ground.plant("public.txt"))
    ground.stages.clear()
    ground.writes.clear()
    ground.reads.append(told["path"])
    return told


def _secret_alone(ground: Ground, traces: Traces) -> list[str]:
    return ground.leaks(traces.text)


def _crash(ground: Ground) -> dict[str, Any]:
    pattern = Path("/proc/sys/kernel/core_pattern").read_text()
    if pattern.startswith("|"):
        raise NotHere("this kernel hands images of the memory to a program")
    return for_writing(ground)


def _dumped(ground: Ground, traces: Traces) -> list[str]:
    found = traces.result if isinstance(traces.result, dict) else {}
    said = ["the kernel wrote an image of the memory"] if found.get("dumped") else []
    left = list(Path(ground.root).rglob("core*"))
    return [*generic_harm(ground, traces), *said, *(f"was left: {path}" for path in left)]


ATTACKS: tuple[Attack, ...] = (
    Attack(
        id="I1",
        name="read_the_environment_of_the_service",
        module="information",
        promise="no variable of the service's environment is known in a cell",
        plan=_sibling,
    ),
    Attack(
        id="I2",
        name="read_descriptors_that_were_left_open",
        module="information",
        promise="nothing that the service has open is open in a cell",
        plan=lambda _: {},
    ),
    Attack(
        id="I2",
        name="identify_the_peer_of_a_socket",
        module="information",
        promise="the channel to the service does not tell who the service is",
        plan=lambda _: {},
        harm=_peers,
        programs=True,
    ),
    Attack(
        id="I3",
        name="search_the_memory_for_earlier_calls",
        module="information",
        promise="the arguments of an earlier call are not in the memory of a later one",
        plan=_earlier_secret,
    ),
    Attack(
        id="I4",
        name="draw_random_numbers",
        module="information",
        promise="no two cells draw the same random numbers",
        plan=_drawn_before,
        harm=_same_numbers,
        forks=True,
    ),
    Attack(
        id="I5",
        name="read_what_proc_says_of_others",
        module="information",
        promise="arguments, environments and maps of other processes cannot be seen",
        plan=_sibling,
    ),
    *information_channels.ATTACKS,
    Attack(
        id="I8",
        name="learn_where_it_runs",
        module="information",
        promise="the names of the host and of its boot are not known in a cell",
        plan=_identities,
    ),
    Attack(
        id="I9",
        name="learn_paths_from_errors",
        module="information",
        promise="where an operator's folder really lies is not told by an error or by an ending",
        plan=_linked_for_staging,
        harm=_secret_alone,
        endings=ORDINARY,
    ),
    Attack(
        id="I9",
        name="learn_paths_from_a_refusal",
        module="information",
        promise="where an operator's folder really lies is not told by a refusal",
        plan=_linked_to_a_link,
        harm=_secret_alone,
        endings=REFUSED,
    ),
    Attack(
        id="I10",
        name="leave_an_image_of_the_memory",
        module="information",
        promise="a crash in a cell leaves no image of its memory",
        plan=_crash,
        harm=_dumped,
        programs=True,
    ),
)
