"""
R1, R2, R3, R5: memory, wherever it lies.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from toolcell_server.battery.attack import Attack
from toolcell_server.battery.attacks.brief import SMALL, brief
from toolcell_server.battery.oracles import beyond, confirmed, reached

if TYPE_CHECKING:
    from toolcell_server.battery.ground import Ground
    from toolcell_server.battery.oracles import Harm

BUFFERS: Final = "resources_buffers"
LIMIT: Final = int(SMALL["memory_bytes"])
WANTED: Final = 6 * LIMIT
PROCESSES: Final = 7  # with their parent as many as may be
# The interpreter's own, in each process; what is touched between two looks of the watchdog; for the
# host's account also what others do meanwhile.
ALLOWED: Final = 4 * LIMIT


def _attack(
    catalogue_id: str,
    name: str,
    promise: str,
    *endings: str,
    harm: Harm = reached,
    programs: bool = False,
    module: str = "resources_memory",
    **told: Any,
) -> Attack:
    def plan(ground: Ground) -> dict[str, Any]:
        if harm is not reached:
            ground.gauge  # noqa: B018  # it begins to measure
        return brief(ground, **{"bytes": WANTED, "processes": PROCESSES, "seconds": 0.2, **told})

    return Attack(
        id=catalogue_id,
        name=name,
        module=module,
        promise=promise,
        plan=plan,
        harm=harm,
        programs=programs,
        limits=SMALL,
        endings=frozenset(endings),
    )


ATTACKS: Final = (
    _attack(
        "R1",
        "touch_memory",
        "one process gets no more memory than its limit",
        "exceeded:memory",
        harm=beyond(memory=ALLOWED),
    ),
    _attack(
        "R1",
        "touch_memory_in_many_processes",
        "all processes together get no more memory than the limit",
        "exceeded:memory",
        harm=beyond(memory=ALLOWED),
        programs=True,
    ),
    _attack(
        "R1",
        "hide_its_memory_by_its_name",
        "no name that a process gives itself hides its memory",
        "exceeded:memory",
        programs=True,
    ),
    _attack(
        "R1",
        "hide_memory_behind_a_thread_that_has_ended",
        "memory counts when the first thread of its process has ended, and shows none",
        "exceeded:memory",
        harm=beyond(memory=ALLOWED),
        programs=True,
    ),
    _attack(
        "R1",
        "touch_shared_memory",
        "memory that processes share is part of their private disk, which has an end",
        *("completed", "exceeded:memory"),
        harm=beyond(memory=ALLOWED),
        programs=True,
    ),
    _attack(
        "R1",
        "hide_shared_memory",
        "there is no shared memory that no process seems to hold",
        *("completed", "exceeded:memory"),
        harm=confirmed(shared=ALLOWED),
        programs=True,
    ),
    _attack(
        "R1",
        "hide_shared_memory_in_a_child",
        "there is no shared memory that nobody looks at",
        *("completed", "exceeded:memory", "exceeded:processes"),
        harm=confirmed(shared=ALLOWED),
        programs=True,
    ),
    _attack(
        "R1",
        "hide_shared_memory_in_crumbs",
        "there is no shared memory of which a single page is left",
        "failed",
        harm=confirmed(shared=ALLOWED),
    ),
    _attack(
        "R1",
        "hide_memory_of_the_zero_device",
        "a device gives no memory either",
        "failed",
        harm=confirmed(shared=ALLOWED),
    ),
    _attack(
        "R2",
        "reserve_address_space",
        "no more address space is promised than memory may be used",
        "completed",
        bytes=2**40,
    ),
    _attack("R3", "lock_memory", "no memory is locked", "completed"),
    _attack(
        "R5",
        "keep_memory_in_files_without_a_name",
        "no memory lies in such files",
        "failed",
        module=BUFFERS,
    ),
    _attack("R5", "fill_pipes", "no pipe is made larger", "completed", module=BUFFERS, pipes=16),
    _attack(
        "R5",
        "fill_sockets",
        "the buffers of a process's sockets hold no more than its memory may",
        *("completed", "exceeded:cpu"),
        module=BUFFERS,
        bytes=2 * LIMIT,
    ),
)
