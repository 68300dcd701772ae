"""
The endings an execution can have, each with its texts for people, models and voices.  Pure.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from toolcell.v1 import execution_pb2 as pb

from toolcell_server import denial_hints
from toolcell_server.ending_hints import CANCELLED_HINTS, MAY_WORK_LATER, NOT_ENCLOSED
from toolcell_server.limit_hints import LIMIT_HINTS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from toolcell_server.limits import Limits

LIMITS = {
    "wall": (pb.LIMIT_WALL, "wall_seconds"),
    "cpu": (pb.LIMIT_CPU, "cpu_seconds"),
    "memory": (pb.LIMIT_MEMORY, "memory_bytes"),
    "output": (pb.LIMIT_OUTPUT, "output_bytes"),
    "result": (pb.LIMIT_RESULT, "result_bytes"),
    "processes": (pb.LIMIT_PROCESSES, "processes"),
    "open_files": (pb.LIMIT_OPEN_FILES, "open_files"),
    "disk": (pb.LIMIT_DISK, "disk_bytes"),
    "file_size": (pb.LIMIT_FILE_SIZE, "file_size_bytes"),
    "file_operations": (pb.LIMIT_FILE_OPERATIONS, "file_operations"),
    "network": (pb.LIMIT_NETWORK, "network_bytes"),
    "connections": (pb.LIMIT_NETWORK, "connections"),
}
# That these were reached, only the server can see; a tool that says so is not believed.
OURS_TO_TELL = frozenset({"wall", "cpu", "output", "file_operations", "network", "connections"})
WALLS = {name.removeprefix("WALL_").lower(): number for name, number in pb.Wall.items()}
CATEGORIES = {
    "user": pb.ERROR_CATEGORY_USER,
    "temporary": pb.ERROR_CATEGORY_TEMPORARY,
    "permanent": pb.ERROR_CATEGORY_PERMANENT,
}


def exceeded(limit: str, limits: Limits, detail: str = "") -> pb.Outcome:
    """
    A limit ended it.  `limit` is a key of `LIMITS`.
    """
    number, name = LIMITS[limit]
    allowed = getattr(limits, name)
    return pb.Outcome(
        exceeded=pb.Exceeded(limit=number, allowed=allowed),
        category=pb.ERROR_CATEGORY_PERMANENT,
        message=detail or f"the tool exceeded its limit of {name} = {allowed}",
        hint=LIMIT_HINTS[limit],
        spoken="That took more than it was allowed to.",
    )


def timed_out() -> pb.Outcome:
    """
    The call's timeout or its RPC's deadline passed during the run.
    """
    return pb.Outcome(
        exceeded=pb.Exceeded(limit=pb.LIMIT_TIMEOUT),
        category=pb.ERROR_CATEGORY_TEMPORARY,
        retryable=True,
        message="the call's timeout passed before the tool ended",
        hint=LIMIT_HINTS["timeout"],
        spoken="That took too long.",
    )


def cancelled(reason: pb.CancelReason.ValueType | None) -> pb.Outcome:
    """
    The caller ended it.
    """
    reason = reason or pb.CANCEL_REASON_REQUESTED
    return pb.Outcome(
        cancelled=pb.Cancelled(reason=reason),
        category=pb.ERROR_CATEGORY_TEMPORARY,
        retryable=True,
        message="the execution was cancelled",
        hint=CANCELLED_HINTS.get(reason, ""),
        spoken="That was cancelled.",
    )


def lost(reason: pb.LostReason.ValueType, message: str, wall: str = "") -> pb.Outcome:
    """
    A fault of ours ended it.
    """
    built = reason != pb.LOST_REASON_WALL_NOT_BUILT
    return pb.Outcome(
        lost=pb.Lost(reason=reason, wall=WALLS.get(wall, pb.WALL_UNSPECIFIED)),
        category=pb.ERROR_CATEGORY_TEMPORARY if built else pb.ERROR_CATEGORY_PERMANENT,
        retryable=built,
        message=message,
        hint=MAY_WORK_LATER if built else NOT_ENCLOSED,
        spoken="Something went wrong on our side.",
    )


def zygote_died() -> pb.Outcome:
    """
    The zygote is gone, and with it the cell.
    """
    return lost(pb.LOST_REASON_ZYGOTE_DIED, "the zygote died, and the cell with it")


def unchecked_result() -> pb.Outcome:
    """
    The tool completed, and nobody could say whether its result is one.
    """
    return lost(pb.LOST_REASON_INTERNAL, "the tool completed, and its result could not be checked")


def bad_result(faults: list[str]) -> pb.Outcome:
    """
    The tool returned what its own schema does not allow.
    """
    outcome = failed("ResultInvalid", f"the result is not what the tool promises: {faults[0]}", 0)
    outcome.category = pb.ERROR_CATEGORY_PERMANENT
    outcome.hint = "The tool is at fault, not the arguments; use another tool."
    return outcome


def screened_result(kind: str) -> pb.Outcome:
    """
    The tool returned what would act on whoever shows it; `kind` says how, as a screen calls it.
    """
    outcome = failed("ResultScreened", f"the result is withheld: it holds {kind} that acts", 0)
    outcome.category = pb.ERROR_CATEGORY_PERMANENT
    outcome.hint = "The result is not safe to show; use another tool, or ask for less of it."
    return outcome


def violated(wall: str, what: str) -> pb.Outcome:
    """
    A wall ended it.
    """
    return pb.Outcome(
        violated=pb.Violated(wall=WALLS.get(wall, pb.WALL_UNSPECIFIED), what=what),
        category=pb.ERROR_CATEGORY_PERMANENT,
        message=f"the {wall} wall ended the tool: {what}",
        hint="The tool tried something that is never allowed here; do it another way.",
        spoken="That is not allowed here.",
    )


def raised(said: dict[str, Any], limits: Limits) -> pb.Outcome:
    """
    The outcome that a RAISED frame describes; every value is bounded and checked.
    """
    limit = said.get("limit")
    if isinstance(limit, str) and limit in LIMITS.keys() - OURS_TO_TELL:
        outcome = exceeded(limit, limits, _text(said, "message", 2000))
    else:
        failed = pb.Failed(
            exception=_text(said, "exception", 200),
            code=_text(said, "code", 200),
            traceback=_text(said, "traceback", 8192),
        )
        for name in ("exit_code", "signal"):
            value = said.get(name)
            if type(value) is int and abs(value) < 2**31:  # a bool is an int, and not protobuf's
                setattr(failed, name, value)
        outcome = pb.Outcome(failed=failed, message=_text(said, "message", 2000))
        outcome.category = CATEGORIES.get(_text(said, "category", 20), pb.ERROR_CATEGORY_UNKNOWN)
        outcome.retryable = said.get("retryable") is True
        outcome.spoken = _text(said, "spoken", 300)
    outcome.hint = _text(said, "hint", 500) or outcome.hint
    denials = said.get("denials")
    for value in denials[:32] if isinstance(denials, list) else ():
        if isinstance(value, dict):
            outcome.denials.append(denied(value))
    return outcome


def with_denials(
    outcome: pb.Outcome, observed: Sequence[pb.Denied], *, network: bool = False
) -> pb.Outcome:
    """
    The outcome of a tool that ended in error, with the denials that we saw in place of what it
    said of the same operations, and with what to do about them if it said nothing.  `network` says
    whether the cell has one.
    """
    if not observed or outcome.WhichOneof("kind") != "failed":
        return outcome
    seen = {each.operation for each in observed}
    reported = [each for each in outcome.denials if each.operation not in seen]
    del outcome.denials[:]
    outcome.denials.extend([*observed, *reported])
    # Of a program that failed nobody has said why.
    if not outcome.hint or outcome.failed.code == "COMMAND_FAILED":
        hint = denial_hints.hint(observed, network=network)
        outcome.hint = f"{hint} {outcome.hint}".strip()
    return outcome


def denied(said: dict[str, Any]) -> pb.Denied:
    """
    A denial that the tool's own process reported.
    """
    return pb.Denied(
        wall=WALLS.get(_text(said, "wall", 20), pb.WALL_UNSPECIFIED),
        operation=_text(said, "operation", 100),
        target=_text(said, "target", 1000),
        reason=_text(said, "reason", 100),
        evidence=pb.EVIDENCE_REPORTED_BY_TOOL,
    )


def failed(exception: str, message: str, code: int | None) -> pb.Outcome:
    """
    The tool ended in error, and said nothing that we believe.
    """
    return pb.Outcome(
        failed=pb.Failed(exception=exception, exit_code=code),
        category=pb.ERROR_CATEGORY_UNKNOWN,
        message=message,
        spoken="The tool failed.",
    )


def broke_protocol(what: str) -> pb.Outcome:
    """
    The tool's own process sent what no tool of ours sends.
    """
    return failed("ProtocolError", f"the tool's process broke the protocol: {what}", None)


def _text(said: dict[str, Any], key: str, maximum: int) -> str:
    """
    A text of the tool's, bounded, and free of what protobuf cannot carry.
    """
    value = said.get(key)
    text = value if isinstance(value, str) else ""
    return text[:maximum].encode("utf-8", "replace").decode()
