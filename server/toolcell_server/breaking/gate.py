"""
The gate before a tool that has failed too often of late.

It stands behind rights, so that nobody hears of tools that are not his, and before rates and
approvals: a call that is refused here has spent neither.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from toolcell_server.refusals import ToolUnavailable

if TYPE_CHECKING:
    import contextlib

    from toolcell_server.breaking.breaker import Breaker
    from toolcell_server.gates import Call


@dataclass(frozen=True, slots=True)
class BreakerGate:
    """
    Refuses calls of tools that are left alone, and lets through those that try whether they work.
    """

    breaker: Breaker

    async def let_pass(self, call: Call, resources: contextlib.ExitStack) -> Call:
        """
        Raises:
            ToolUnavailable: the tool is left alone, by everybody or by this caller.
        """
        principal = call.principal.name
        if seconds := self.breaker.wait_seconds(call.tool, principal):
            raise ToolUnavailable(call.tool.name, seconds)
        if not call.request.validate_only:
            for circuit in self.breaker.enter(call.tool, principal):
                resources.callback(circuit.leave)
        return call
