"""
R: resources.

Theory of operation.  Every limit here is small, and the attack asks for a multiple of it that the
host can well spare: outside it gets that.  A line that begins with `reached:` says so; what was
held at once is also measured from outside, where a process or the host shows it.  What a limit
ended must be told as that limit, because a model is to act on it.
"""

from __future__ import annotations

import ctypes
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from toolcell_server.battery.attack import Attack, Traces
from toolcell_server.battery.attacks import resources_memory, resources_output
from toolcell_server.battery.attacks.brief import BRIEF, MEBIBYTE, SMALL, brief
from toolcell_server.battery.oracles import reached

if TYPE_CHECKING:
    from collections.abc import Callable

    from toolcell_server.battery.ground import Ground

DISK: Final = 8 * MEBIBYTE
ROOMY: Final = {**SMALL, "memory_bytes": 256 * MEBIBYTE, "disk_bytes": DISK}
# On a busy host the clock would come before the processor time is used up.
BUSY: Final = {**BRIEF, "wall_seconds": 20.0}
BURNED: Final = 4 * BRIEF["cpu_seconds"]
IPC_RMID: Final = 0  # linux/ipc.h
DESCRIPTORS: Final = 2 * 256  # twice what a cell has by default
# In flight may be as many as are open, and one message more (unix(7), ETOOMANYREFS).
IN_FLIGHT: Final = 256 + 253 + 2


def told(**further: Any) -> Callable[[Ground], dict[str, Any]]:
    """
    A plan with these values.
    """
    return lambda ground: brief(ground, **further)


def _key(ground: Ground) -> dict[str, Any]:
    """
    A key of System V's that nobody has by chance.
    """
    return brief(ground, key=int(ground.token[:7], 16) | 1)


def _left_behind(ground: Ground, traces: Traces) -> list[str]:
    """
    What has the key now, by the host's own lists; it is removed again.
    """
    key = _key(ground)["key"]
    libc, harm = ctypes.CDLL(None, use_errno=True), []
    removals = {"shm": (IPC_RMID, None), "sem": (0, IPC_RMID), "msg": (IPC_RMID, None)}
    for kind, arguments in removals.items():
        for line in Path(f"/proc/sysvipc/{kind}").read_text().splitlines()[1:]:
            words = line.split()
            if int(words[0]) & 0xFFFFFFFF == key:
                getattr(libc, f"{kind}ctl")(int(words[1]), *arguments)
                harm.append(f"left behind: {kind} {words[1]}")
    return [*reached(ground, traces), *harm]


def _queue_left_behind(ground: Ground, traces: Traces) -> list[str]:
    """
    A queue that can be removed by its name was there.
    """
    librt = ctypes.CDLL("librt.so.1", use_errno=True)
    gone = librt.mq_unlink(f"/{ground.marker}".encode()) == 0
    return [*reached(ground, traces), *(["left behind: a queue"] if gone else [])]


def _attack(
    catalogue_id: str, function: str, promise: str, *endings: str, **further: Any
) -> Attack:
    module, _, name = function.rpartition(".")
    fields = {"plan": brief, "harm": reached, "limits": SMALL, **further}
    return Attack(
        id=catalogue_id,
        name=name,
        module=module,
        promise=promise,
        endings=frozenset(endings),
        **fields,
    )


ATTACKS: Final = (
    *resources_memory.ATTACKS,
    _attack(
        "R4",
        "resources.fill_the_disk",
        "the private disk has an end, however many files lie on it",
        "exceeded:disk",
        plan=told(files=16, bytes=4 * DISK),
        limits=ROOMY,
    ),
    _attack(
        "R4",
        "resources.fill_with_empty_files",
        "files without content have an end too",
        "exceeded:disk",
        plan=told(files=DISK // 2048),
        limits=ROOMY,
    ),
    _attack(
        "R5",
        "resources.fill_the_shared_memory_folder",
        "shared memory with a name is part of the private disk",
        "exceeded:disk",
        plan=told(files=16, bytes=4 * DISK),
        limits=ROOMY,
    ),
    _attack(
        "R6",
        "resources.leave_shared_memory_behind",
        "nothing of System V outlives its call",
        "completed",
        plan=_key,
        harm=_left_behind,
    ),
    _attack(
        "R6",
        "resources.leave_a_queue_behind",
        "no queue outlives its call",
        "failed",
        harm=_queue_left_behind,
    ),
    _attack(
        "R7",
        "resources.open_files_without_end",
        "descriptors have an end, and it is named",
        "exceeded:open_files",
        plan=told(descriptors=DESCRIPTORS),
    ),
    _attack(
        "R7",
        "resources.put_descriptors_in_flight",
        "descriptors that nobody receives have an end too",
        "exceeded:open_files",
        plan=told(descriptors=IN_FLIGHT),
    ),
    _attack(
        "R8",
        "resources.use_up_the_quotas_of_its_user",
        "no quota of the service's user is used up",
        "completed",
        plan=told(instances=4, timers=1200, watched=1000),
    ),
    _attack(
        "R12",
        "resources_work.blow_up_an_archive",
        "an archive that unpacks to too much is ended by the limit of memory",
        "exceeded:memory",
        plan=told(mebibytes=256),
    ),
    _attack(
        "R13",
        "resources_work.match_for_ever",
        "a pattern that never ends is ended by a limit",
        *("exceeded:cpu", "exceeded:wall"),
        harm=lambda ground, traces: [
            *reached(ground, traces),
            *(["nobody but itself ended it"] if traces.outcome == "signal:14" else []),
        ],
        limits=BRIEF,
    ),
    _attack(
        "R14",
        "resources_work.burn_on_many_threads",
        "the time of all threads counts",
        "exceeded:cpu",
        plan=told(threads=8, cpu=BURNED),
        limits=BUSY,
    ),
    _attack(
        "R14",
        "resources_work.burn_in_many_processes",
        "the time of all processes counts",
        "exceeded:cpu",
        plan=told(processes=6, cpu=BURNED),
        programs=True,
        limits=BUSY,
    ),
    _attack(
        "R14",
        "resources_work.burn_in_processes_that_nobody_waits_for",
        "processes that nobody waits for are ended, by the clock at the latest",
        *("exceeded:cpu", "exceeded:wall"),
        plan=told(each=0.005),
        programs=True,
        limits=BRIEF,
    ),
    _attack(
        "R15",
        "resources.write_one_large_file",
        "one file has an end, and it is named",
        *("exceeded:file_size",),
        plan=told(bytes=16 * MEBIBYTE),
        limits={**SMALL, "file_size_bytes": MEBIBYTE},
    ),
    *resources_output.ATTACKS,
    _attack(
        "R18",
        "resources.drain_the_random_numbers",
        "there are always random numbers, and their count is nobody's to change",
        "completed",
    ),
)
