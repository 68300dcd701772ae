"""
Leaves a tool alone that keeps failing for want of something that time may mend.

Theory of operation.  Counted is what is nobody's fault who calls: executions that were lost, and
failures that the tool itself calls temporary.  A caller's arguments may bring both about, and his
limits: so nobody's failures close a tool to others.  Each caller has a circuit of his own for each
version of a tool, which his failures open for him; and there is one for all, in which the failures
of one caller count for half of what opens it at most (rounded up), and never for all of it.  It
opens when several meet the same trouble.  Where callers are not told apart they are one, with one
circuit.

Circuits that are as new are forgotten, so that calls of tools that work look up nothing; the rest
are bounded, and the one that was used least recently goes first.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Final, NamedTuple

from toolcell.v1 import execution_pb2 as pb

from toolcell_server.breaking.circuit import Circuit

if TYPE_CHECKING:
    from collections.abc import Callable

    from toolcell_server.breaking.circuit import Rules
    from toolcell_server.tool import Tool

MAXIMUM_CIRCUITS: Final = 4096  # arbitrary; about two megabytes


class _Key(NamedTuple):
    """
    Whose circuit it is; None: everybody's.  `label` is the tool's in metrics.
    """

    tool: str
    version: str
    principal: str | None
    label: str


class Breaker:
    """
    The circuits of all tools.  `changed` is told of each that opens (1) or closes (-1): the tool,
    and whether it is everybody's.
    """

    def __init__(
        self, rules: Rules, clock: Callable[[], float], changed: Callable[[str, bool, int], None]
    ) -> None:
        self._rules = rules
        self._clock = clock
        self._changed = changed
        self._circuits: OrderedDict[_Key, Circuit] = OrderedDict()

    def wait_seconds(self, tool: Tool, principal: str) -> float:
        """
        How long a caller is to leave a tool alone; 0.0: not at all.
        """
        if not self._circuits:
            return 0.0
        now = self._clock()
        return max((each.wait_seconds(now) for each in self._of(tool, principal)), default=0.0)

    def enter(self, tool: Tool, principal: str) -> list[Circuit]:
        """
        Go through; the circuits that this call tries, each of which it must leave.
        """
        if not self._circuits:
            return []
        return [circuit for circuit in self._of(tool, principal) if circuit.enter()]

    def note(self, tool: Tool, principal: str, outcome: pb.Outcome) -> None:
        """
        Learn how an execution ended.
        """
        if is_trouble(outcome):
            # All that ran in a zygote end with it, which is one failure.
            together = outcome.lost.reason == pb.LOST_REASON_ZYGOTE_DIED
            for key in _keys(tool, principal):
                self._note_failure(key, principal, together=together)
        elif self._circuits and outcome.HasField("completed"):
            for key in _keys(tool, principal):
                self._note_success(key)

    def _note_failure(self, key: _Key, principal: str, *, together: bool) -> None:
        circuit = self._circuits.get(key)
        if circuit is None:
            circuit = self._circuits[key] = Circuit(self._rules, self._most_of_one(key))
        self._circuits.move_to_end(key)
        was_open = circuit.is_open
        circuit.failed(principal, self._clock(), together=together)
        if circuit.is_open and not was_open:
            self._changed(key.label, key.principal is None, 1)
        if len(self._circuits) > MAXIMUM_CIRCUITS:
            self._forget(next(iter(self._circuits)))

    def _note_success(self, key: _Key) -> None:
        if (circuit := self._circuits.get(key)) is None:
            return
        was_open = circuit.is_open
        circuit.succeeded(self._clock())
        if was_open and not circuit.is_open:
            self._changed(key.label, key.principal is None, -1)
        if circuit.is_clean:
            del self._circuits[key]

    def _forget(self, key: _Key) -> None:
        if self._circuits.pop(key).is_open:
            self._changed(key.label, key.principal is None, -1)

    def _of(self, tool: Tool, principal: str) -> list[Circuit]:
        return [self._circuits[key] for key in _keys(tool, principal) if key in self._circuits]

    def _most_of_one(self, key: _Key) -> int:
        failures = self._rules.failures
        return failures if key.principal is not None else max(1, min((failures + 1) // 2, failures))


def is_trouble(outcome: pb.Outcome) -> bool:
    """
    Whether time may mend it, and nobody who called.
    """
    match outcome.WhichOneof("kind"):
        case "lost":
            return True
        case "failed":
            return outcome.category == pb.ERROR_CATEGORY_TEMPORARY
    return False


def _keys(tool: Tool, principal: str) -> tuple[_Key, ...]:
    own = _Key(tool.identity, tool.version, principal, tool.label)
    return (own, own._replace(principal=None)) if principal else (own,)
