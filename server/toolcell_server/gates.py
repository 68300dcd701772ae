"""
The one interface of what stands between the arguments of a call and its grant: one decision per
file, wired in `wiring.py`.

Theory of operation.  Admission leads a call, whose tool and limits are known and whose arguments
are one JSON object, through the gates in order.  A gate lets it pass, lets it pass altered (other
arguments, another tool), or refuses by raising.  What a gate takes (a place, a token) it gives back
by `resources`, which are closed when the execution ends or a later station refuses.  A call with
`validate_only` passes as any other, but takes nothing: it must leave no trace in a count.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import contextlib

    from toolcell.v1 import execution_pb2 as pb

    from toolcell_server.approvals.reserving import Reservation
    from toolcell_server.limits import Limits
    from toolcell_server.principal import Principal
    from toolcell_server.request_fields import Request
    from toolcell_server.sessions.session import Session
    from toolcell_server.tool import Tool


class Taken(Protocol):
    """
    What a gate took for a call, and gives back by `resources` unless the call has run.
    """

    @property
    def counts_usage(self) -> bool:
        """
        Whether it is to be told what the call used.
        """
        ...

    def begin(self) -> None:
        """
        The call runs now: what it took is used.  Every later call does nothing.
        """
        ...

    def charge(self, cpu_seconds: float, network_bytes: int) -> None:
        """
        The call used that much; once for each attempt, if that is counted.
        """
        ...

    def end(self) -> None:
        """
        The call is over, and its caller is about to hear so: he may make the next one at once,
        while its cell is still being taken to pieces.  Every later call does nothing.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """
    One call before it is granted anything.  `data` is what `arguments` were parsed from; whoever
    alters one alters both (`dataclasses.replace`).  `deadline` is a reading of `time.monotonic()`.
    `approval_demanded` ("", "confirm", "approve") is what the caller's rights ask for.  The gate
    that has seen to it takes it away; a call that comes out of the gates with it is refused.
    `approval` is the one that lets the call pass.
    `stands_in`: it is made in place of another tool, and no caller would hear what it asks for.
    `session` is the one whose workspace it uses.
    A gate that takes something adds it to `taken`.
    `reports` are told to the caller as events: what a gate found and let pass all the same.
    """

    request: Request
    principal: Principal
    tool: Tool
    limits: Limits
    arguments: dict[str, Any]
    data: bytes
    deadline: float | None = None
    taken: list[Taken] = field(default_factory=list)
    approval_demanded: str = ""
    approval: Reservation | None = None
    reports: tuple[pb.Denied, ...] = ()
    stands_in: bool = False
    session: Session | None = None

    @property
    def may_ask(self) -> bool:
        """
        Whether a person may be asked about it.
        """
        return not (self.request.validate_only or self.stands_in)


def is_stateful(call: Call) -> bool:
    """
    Whether it asks to go on where the call before it has stopped.
    """
    return call.tool.stateful and call.arguments.get("stateful") is True


class Gate(Protocol):
    """
    Decides about one call.  Must not keep it after it has answered.
    """

    async def let_pass(self, call: Call, resources: contextlib.ExitStack) -> Call:
        """
        The call, altered or as it was.

        Raises:
            CallRefused: one of its kinds; nothing ran.
        """
        ...
