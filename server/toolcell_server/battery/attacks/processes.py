"""
P: processes.

Theory of operation.  Limits are short, so that an attack is over soon: what the hostile code calls
"as long as it liked" is more than twice the wall limit.  A line that begins with `reached:` is said
only by who was still alive then.  Who is alive after the end, and how many there were at once, is
counted from outside by their name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from toolcell_server.battery.attack import Attack
from toolcell_server.battery.attacks import processes_endings, processes_neighbours
from toolcell_server.battery.attacks.brief import BRIEF, BRIEF_REST, SMALL, brief
from toolcell_server.battery.ground import Call
from toolcell_server.battery.oracles import beyond, reached

if TYPE_CHECKING:
    from toolcell_server.battery.attack import Traces
    from toolcell_server.battery.ground import Ground

LOOKS: Final = 20
FORKS: Final = 300  # more than the hard ceiling below
# RLIMIT_NPROC is the limit of processes and 256 threads beside them: what a bomb can reach between
# two looks of the watchdog.
CEILING: Final = int(SMALL["processes"]) + 256 + 1


def _measured(ground: Ground, **further: Any) -> dict[str, Any]:
    ground.gauge  # noqa: B018  # it begins to measure
    return brief(ground, **further)


def _cancelled(ground: Ground) -> dict[str, Any]:
    """
    The neighbour is the attacker: it is cancelled when our own call, which does nothing, has ended.
    """
    plan = brief(ground, stays=True)
    ground.beside = Call("processes_signals.stay_after_being_cancelled", plan)
    return {**plan, "stays": False}


def _still_there(ground: Ground, traces: Traces) -> list[str]:
    """
    A chain is missed by who looks once: the process that he has just read of is gone already.
    """
    looks = (reached(ground, traces) for _ in range(LOOKS))
    return next(filter(None, looks), [])


def _attack(
    catalogue_id: str, function: str, promise: str, *endings: str, **further: Any
) -> Attack:
    module, _, name = function.rpartition(".")
    fields = {"plan": brief, "harm": reached, "programs": True, "limits": SMALL, **further}
    return Attack(
        id=catalogue_id,
        name=name,
        module=module,
        promise=promise,
        endings=frozenset(endings),
        **fields,
    )


ATTACKS: Final = (
    _attack(
        "P1",
        "processes.fork_without_end",
        "there are never more processes than the ceiling, and their limit ends them",
        "exceeded:processes",
        plan=lambda ground: _measured(ground, forks=FORKS),
        harm=beyond(processes=CEILING),
    ),
    _attack(
        "P1",
        "processes.fork_along_a_chain",
        "processes that end as soon as they have forked all end with the tool",
        "completed",
        harm=_still_there,
    ),
    _attack("P2", "processes.leave_a_daemon", "a daemon does not outlive its call", "completed"),
    _attack("P2", "processes.leave_a_program", "a program does not outlive its call", "completed"),
    _attack(
        "P3",
        "processes_signals.ignore_every_signal",
        "who hears no signal is ended by the wall clock",
        "exceeded:wall",
        programs=False,
        limits=BRIEF,
    ),
    _attack(
        "P4",
        "processes_signals.stop_itself",
        "who stops itself is ended by the wall clock",
        "exceeded:wall",
        limits=BRIEF_REST,
    ),
    _attack(
        "P5",
        "processes.hold_the_pipes",
        "nobody waits for a grandchild that holds the pipes",
        "completed",
    ),
    _attack(
        "P8",
        "processes.leave_its_parent",
        "who leaves its parent does not leave the cell",
        "failed",
    ),
    _attack(
        "P9",
        "processes.end_before_its_children",
        "what the tool leaves running ends with it",
        "failed",
    ),
    _attack(
        "P10",
        "processes.start_programs_without_end",
        "a loop of short programs is ended by a limit",
        *("exceeded:wall", "exceeded:cpu"),
        limits=BRIEF,
    ),
    _attack(
        "P12",
        "processes_scheduling.become_a_real_time_process",
        "no tool takes the processor from others",
        "completed",
        programs=False,
        needs_root=True,
    ),
    _attack(
        "P12",
        "processes_scheduling.become_more_important",
        "no tool gets a larger share than others",
        "completed",
        programs=False,
        needs_root=True,
    ),
    _attack(
        "P14",
        "processes_scheduling.start_threads_without_end",
        "there are never more threads than the ceiling, and the limit ends them",
        *("exceeded:processes", "exceeded:memory"),
        programs=False,
        plan=lambda ground: _measured(ground, threads=2 * FORKS),
        harm=beyond(threads=CEILING),
        limits={**SMALL, "wall_seconds": 30.0},  # a slow host takes long to start so many
    ),
    _attack(
        "P16",
        "processes_signals.stay_after_being_cancelled",
        "a call that is cancelled leaves nothing, whatever it ignores",
        "completed",
        plan=_cancelled,
    ),
    _attack(
        "P17",
        "processes.take_the_number_of_another",
        "no tool chooses the number of its processes",
        "completed",
        needs_root=True,
    ),
    _attack(
        "P18",
        "processes_signals.stop_and_go",
        "who stops whenever somebody may look is ended by a limit all the same",
        *("exceeded:cpu", "exceeded:wall"),
        limits=BRIEF,
    ),
    *processes_endings.ATTACKS,
    *processes_neighbours.ATTACKS,
)
