"""
P6, P7, P9 and P11: what one process can do to another.

The neighbour is a process of the service's own user, which may be ended, stopped, read and limited
by any process of that user outside of a cell.
"""

from __future__ import annotations

import os
import re
import resource
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from toolcell_server.battery.attack import Attack, Traces
from toolcell_server.battery.attacks.brief import SMALL, brief
from toolcell_server.battery.oracles import reached

if TYPE_CHECKING:
    from toolcell_server.battery.ground import Ground

DESCRIPTORS: Final = 2 * 256  # twice what a cell has by default
STACK_BYTES: Final = 132 * 1024  # what a fresh stack has; arguments and environment lie at its end


def _neighbour(ground: Ground) -> dict[str, Any]:
    return brief(ground, sibling=ground.sibling.pid)


def _memory(ground: Ground) -> dict[str, Any]:
    """
    Where its stack lies: a plan may know that, an attacker would have to guess.
    """
    maps = Path(f"/proc/{ground.sibling.pid}/maps").read_text()
    found = re.search(r"^\w+-(\w+) .*\[stack\]$", maps, re.MULTILINE)
    assert found
    end = int(found[1], 16)
    length = 16 * 1024  # its arguments and its environment are short
    return {**_neighbour(ground), "address": end - length, "length": length}


def _descriptor(ground: Ground) -> dict[str, Any]:
    return {**_neighbour(ground), "descriptor": ground.sibling.descriptor}


def _service(ground: Ground) -> dict[str, Any]:
    """
    The server is we; its zygotes and its keeper are our children.
    """
    children = Path(f"/proc/self/task/{os.getpid()}/children")
    found = map(int, children.read_text().split()) if children.exists() else ()
    return brief(ground, service=[os.getpid(), *found])


def _limited(ground: Ground, traces: Traces) -> list[str]:
    soft, _ = resource.prlimit(ground.sibling.pid, resource.RLIMIT_NOFILE)
    ours, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    said = [] if soft == ours else [f"the neighbour may open {soft} files only"]
    return [*reached(ground, traces), *said]


def _attack(catalogue_id: str, function: str, promise: str, **further: Any) -> Attack:
    module, _, name = function.rpartition(".")
    fields = {"plan": _neighbour, "harm": reached, "programs": True, "limits": SMALL, **further}
    return Attack(id=catalogue_id, name=name, module=module, promise=promise, **fields)


ATTACKS: Final = (
    _attack(
        "P6", "processes_signals.kill_the_neighbour", "no signal ends a process outside of the cell"
    ),
    _attack(
        "P6",
        "processes_signals.kill_the_neighbour_by_descriptor",
        "no descriptor of a process outside of the cell is had",
    ),
    _attack(
        "P6",
        "processes_signals.stop_the_neighbour",
        "no signal stops a process outside of the cell",
    ),
    _attack(
        "P6",
        "processes_signals.signal_the_service",
        "no signal would arrive at the server, a zygote or the keeper",
        plan=_service,
    ),
    _attack(
        "P6", "processes_signals.kill_everybody", "everybody is the cell's own processes, no others"
    ),
    _attack(
        "P7",
        "processes_neighbours.read_the_memory_of_the_neighbour",
        "no memory of another process is read",
        plan=_memory,
    ),
    _attack(
        "P7",
        "processes_neighbours.open_the_memory_of_the_neighbour",
        "nothing that the kernel tells of another process is told to a cell",
        plan=_memory,
    ),
    _attack(
        "P7",
        "processes_neighbours.take_a_descriptor_of_the_neighbour",
        "no open file of another process is taken",
        plan=_descriptor,
    ),
    _attack(
        "P7", "processes_neighbours.trace_the_neighbour", "no process outside of the cell is traced"
    ),
    _attack(
        "P7", "processes_neighbours.trace_its_own_child", "no process is traced, a child neither"
    ),
    _attack(
        "P9",
        "processes_signals.kill_the_init",
        "the init of a cell cannot be ended from inside",
        endings=frozenset({"completed"}),
    ),
    _attack(
        "P11",
        "processes_neighbours.limit_the_neighbour",
        "no limit of another process is changed",
        harm=_limited,
    ),
    _attack(
        "P11",
        "processes_neighbours.raise_its_limits",
        "no limit of its own is raised",
        plan=lambda ground: brief(ground, descriptors=DESCRIPTORS),
        endings=frozenset({"completed"}),
    ),
)
