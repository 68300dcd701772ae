"""
S: what a tool can do to the service over its own channel, and by the ways in which it ends.

Theory of operation.  Outside, the channel leads to a receiver that believes what it is sent, and
says so (`toolcell_worker.battery.naive`).  In a cell it leads to the service itself: what it
believed shows in the ending that the caller is told, in the canary that only unpickling touches,
in the descriptors that are open in this process and in the memory that it took meanwhile.  That
the next call succeeds is asked after every attack.
"""

from __future__ import annotations

import contextlib
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from toolcell_server.battery.attack import Attack, Traces, generic_harm

if TYPE_CHECKING:
    from toolcell_server.battery.ground import Ground

FAILED: Final = frozenset({"failed"})
SILENCED: Final = frozenset({"exceeded:wall"})
FLOODED: Final = frozenset({"completed", "exceeded:wall"})
FLOOD_BYTES: Final = 64 * 2**20  # arbitrary; a journal holds 8 MiB, a flood brings 240 MiB
FEW_SECONDS: Final = {"wall_seconds": 2.0}
RESET_PEAK: Final = "5"  # proc(5), clear_refs


def unplanned(_ground: Ground) -> dict[str, Any]:
    """
    The hostile code needs to know nothing.
    """
    return {}


def believed(ground: Ground, traces: Traces) -> list[str]:
    """
    What a receiver believed, and what was harmed besides.
    """
    found = dict.fromkeys(re.findall(r"believed: [^\"\n]*", traces.text))
    return [*generic_harm(ground, traces), *found]


def _pickled(ground: Ground) -> dict[str, Any]:
    return {"path": f"{ground.folder}/unpickled"}


def _staged(ground: Ground) -> dict[str, Any]:
    return {"folder": ground.folder}


def _named(ground: Ground) -> dict[str, Any]:
    return {"name": f"descriptor-{ground.marker}"}


def _kept_descriptors(ground: Ground, traces: Traces) -> list[str]:
    """
    Descriptors that are open in this process, and name the tool's file.
    """
    kept = [link for link in _open_here() if f"descriptor-{ground.marker}" in link]
    return [*believed(ground, traces), *[f"kept: {len(kept)} descriptors" for _ in kept[:1]]]


def _open_here() -> list[str]:
    links = []
    for descriptor in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(OSError):
            links.append(str(descriptor.readlink()))
    return links


def _measured(ground: Ground) -> dict[str, Any]:
    """
    The most memory that this process has, counted anew from now.
    """
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text(RESET_PEAK)
    ground.notes["peak"] = _peak_bytes()
    return {}


def _grown(ground: Ground, traces: Traces) -> list[str]:
    """
    How much memory this process needed for what it was sent.
    """
    grown = _peak_bytes() - ground.notes["peak"]
    harm = believed(ground, traces)
    return [*harm, f"the service grew by {grown} bytes"] if grown > FLOOD_BYTES else harm


def _peak_bytes() -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:"))


def _observed(ground: Ground, traces: Traces) -> list[str]:
    """
    Denials of the tool's own making that are told as if we had seen them.
    """
    forged = [said for said in traces.denials if "forged" in said]
    harm = [f"told as observed: {said}" for said in forged if "reported_by_tool" not in said]
    return [*believed(ground, traces), *harm]


def _attack(function: str, promise: str, **further: Any) -> Attack:
    module, _, name = function.rpartition(".")
    fields = {"plan": unplanned, "harm": believed, "endings": FAILED, **further}
    return Attack(id="S", name=name, module=module, promise=promise, **fields)


ATTACKS: Final = (
    _attack(
        "service.send_a_frame_of_no_kind", "a frame that nobody has defined fails the tool alone"
    ),
    _attack("service.send_garbage", "bytes that are no frames fail the tool alone"),
    _attack(
        "service_floods.announce_more_than_comes",
        "what is announced takes no memory",
        plan=_measured,
        harm=_grown,
    ),
    _attack("service.end_without_a_result", "without a result nothing has completed"),
    _attack("service.give_two_results", "of two results none is told"),
    _attack("service.give_a_result_and_crash", "a result before a crash is no result"),
    _attack("service.give_a_result_and_fail", "a result before a bad exit code is no result"),
    _attack("service.raise_and_then_give_a_result", "an exception cannot be taken back"),
    _attack(
        "service_forgeries.give_a_pickle_as_the_result",
        "a result is never unpickled",
        plan=_pickled,
    ),
    _attack(
        "service_forgeries.give_a_pickle_as_a_part",
        "a part of it is never unpickled either",
        plan=_pickled,
    ),
    _attack("service.nest_a_result_deeply", "no depth of nesting ends the service"),
    _attack("service.raise_with_wild_values", "no value of an exception ends the service"),
    _attack(
        "service_forgeries.claim_a_limit_of_the_service",
        "limits of the service are told by the service",
    ),
    _attack("service_forgeries.say_ready_again", "the tool's words never count as ours"),
    _attack("service_forgeries.claim_that_a_wall_failed", "no tool calls its failure our fault"),
    _attack(
        "service_forgeries.claim_a_staging_folder",
        "nothing is put in place at a tool's word",
        plan=_staged,
    ),
    _attack(
        "service_forgeries.speak_as_the_zygote", "nobody speaks as the zygote over a cell's channel"
    ),
    _attack(
        "service_forgeries.claim_an_observed_denial",
        "what a tool reports is told as reported by a tool",
        harm=_observed,
        endings=frozenset({"completed"}),
    ),
    _attack(
        "service_floods.send_descriptors",
        "no descriptor of a tool stays in the service",
        plan=_named,
        harm=_kept_descriptors,
    ),
    _attack(
        "service_floods.send_descriptors_beside_nothing",
        "nor one that came beside half a frame",
        plan=_named,
        harm=_kept_descriptors,
    ),
    _attack(
        "service_floods.flood_with_log_lines",
        "no flood of log lines fills the service's memory",
        plan=_measured,
        harm=_grown,
        endings=FLOODED,
        limits=FEW_SECONDS,
    ),
    _attack(
        "service_floods.flood_with_parts",
        "nor one of parts of a result",
        plan=_measured,
        harm=_grown,
        endings=FLOODED,
        limits=FEW_SECONDS,
    ),
    _attack(
        "service_floods.flood_with_denials",
        "nor one of denials",
        plan=_measured,
        harm=_grown,
        endings=FLOODED,
        limits=FEW_SECONDS,
    ),
    _attack(
        "service_floods.close_the_channel_and_live_on",
        "the wall clock ends whoever is silent",
        endings=SILENCED,
        limits=FEW_SECONDS,
    ),
    _attack(
        "service_floods.stop_in_the_middle_of_a_frame",
        "nobody waits for the rest of a frame beyond the wall clock",
        endings=SILENCED,
        limits=FEW_SECONDS,
    ),
)
