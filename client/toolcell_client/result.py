"""
How one execution ended, as a value.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from toolcell.v1 import execution_pb2 as pb

from toolcell_client import errors
from toolcell_client.plain import short_name

if TYPE_CHECKING:
    from typing import Self

ENDINGS: dict[str, type[errors.ExecutionEnded]] = {
    "failed": errors.ToolFailed,
    "exceeded": errors.LimitExceeded,
    "violated": errors.WallViolated,
    "cancelled": errors.ExecutionCancelled,
    "lost": errors.ExecutionLost,
}


@dataclass(frozen=True, kw_only=True)
class Result:
    """
    The ending of one execution, with what it left behind.

    `stdout` and `stderr` are what was kept: the last 16 MiB of a stream that was read from its
    beginning, the last 64 KiB after `run`; `usage` says how much there was, and `truncated` that
    the server left some out.  `denials` are the first 32 accesses that were denied, or would have
    been (`reported_only`).  `isolation` is None
    when no cell was built.  `result_left_out`: the call completed before the server was restarted,
    and its result was too large to be kept.
    """

    execution_id: str
    call_id: str
    outcome: pb.Outcome
    result_json: bytes
    stdout: bytes
    stderr: bytes
    usage: pb.Usage
    isolation: pb.IsolationReport | None
    denials: tuple[pb.Denied, ...] = ()
    committed_paths: tuple[str, ...] = ()
    contacts: tuple[pb.HostContact, ...] = ()
    warnings: tuple[pb.Warning, ...] = ()
    cached: bool = False
    replayed: bool = False
    truncated: bool = False
    result_left_out: bool = False

    @property
    def kind(self) -> str:
        """
        "completed", "failed", "exceeded", "violated", "cancelled" or "lost"; "unknown" for a kind
        that this client does not know.
        """
        return self.outcome.WhichOneof("kind") or "unknown"

    @property
    def ok(self) -> bool:
        """
        Whether the tool returned.
        """
        return self.kind == "completed"

    @property
    def label(self) -> str:
        """
        The kind with its cause: "completed", "exceeded(wall)", "violated(seccomp)", …
        """
        match self.kind:
            case "exceeded":
                cause = short_name(pb.Limit, self.outcome.exceeded.limit)
            case "violated":
                cause = short_name(pb.Wall, self.outcome.violated.wall)
            case "cancelled":
                cause = short_name(pb.CancelReason, self.outcome.cancelled.reason)
            case "lost":
                cause = short_name(pb.LostReason, self.outcome.lost.reason)
            case _:
                return self.kind
        return f"{self.kind}({cause})"

    @cached_property
    def value(self) -> Any:
        """
        The result, parsed.  None when there is none: the outcome is not `completed`, or the call
        was `validate_only`.

        Raises:
            ContractBroken: the server sent what is not JSON.
            ResultLeftOut: there was one, and nobody has it any more.
        """
        if self.result_left_out:
            raise errors.ResultLeftOut(self.outcome.message)
        if not self.result_json:
            return None
        try:
            return json.loads(self.result_json)
        except (ValueError, RecursionError) as exc:
            raise errors.ContractBroken("the result is not JSON") from exc

    def raise_for_outcome(self) -> Self:
        """
        This result, if it completed.

        Raises:
            ToolFailed: the tool ended in error.
            LimitExceeded: a limit ended it.
            WallViolated: a wall ended it.
            ExecutionCancelled: a caller ended it.
            ExecutionLost: a fault of the server ended it.
        """
        if self.ok:
            return self
        raise ENDINGS.get(self.kind, errors.ExecutionEnded)(self)
