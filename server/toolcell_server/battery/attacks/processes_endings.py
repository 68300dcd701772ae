"""
P13 and P15: the ways in which a tool ends, or does not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from toolcell_server.battery.attack import Attack
from toolcell_server.battery.attacks.brief import BRIEF, SMALL, brief
from toolcell_server.battery.oracles import ended_well, reached, took_its_runner_along

if TYPE_CHECKING:
    from toolcell_server.battery.oracles import Harm

MODULE: Final = "processes_endings"


def _ending(name: str, promise: str, *endings: str, harm: Harm = took_its_runner_along) -> Attack:
    return Attack(
        id="P13",
        name=name,
        module=MODULE,
        promise=promise,
        plan=brief,
        harm=harm,
        limits=SMALL,
        endings=frozenset(endings or ("failed",)),
    )


def _late(name: str, promise: str, **further: Any) -> Attack:
    return Attack(
        id="P15",
        name=name,
        module=MODULE,
        promise=promise,
        plan=brief,
        harm=reached,
        limits=BRIEF,
        endings=frozenset({"exceeded:wall"}),
        **further,
    )


ATTACKS: Final = (
    _ending(
        "exit_as_if_all_were_well",
        "exit code 0 without a result is not completed",
        harm=ended_well,
    ),
    _ending(
        "say_that_it_completed",
        "what a tool prints is not its ending",
        harm=ended_well,
    ),
    _ending("crash", "a crash ends one call, and is told as its signal"),
    _ending("abort", "an abort ends one call, and is told as its signal"),
    _ending("overflow_the_stack", "an overflown stack ends one call"),
    _ending("exit_with_a_text", "an exit ends one call, and is told as a failure"),
    _ending("kill_itself", "a signal of its own is not taken for a limit of ours"),
    _ending("fake_a_limit", "a limit that was not exceeded is not named"),
    _late("linger_while_it_answers", "the wall clock runs while the result is written"),
    _late("linger_while_it_is_imported", "the wall clock runs while modules are imported"),
)
