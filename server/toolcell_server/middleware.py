"""
What an operator's hooks are written with: the public surface of `[[middleware]]`.

A hook is a function of a module that the operator has installed, or a class whose instances can be
called; plain or `async`.  It is given a `HookCall`, and after an execution a `HookResult` too:

    from toolcell_server.middleware import HookCall, HookResult, Veto

    def before(call: HookCall) -> HookCall | Veto | None:
        if call.arguments.get("amount", 0) > 1000:
            return Veto("amounts above 1000 are for people")
        return call.with_arguments({**call.arguments, "currency": "EUR"})

    async def after(call: HookCall, result: HookResult) -> HookResult | Veto | None:
        return None

None means: go on as it is.  What a hook raises, or that it takes longer than its
`timeout_seconds`, refuses the call or withholds the result; see docs/governance/middleware.md.

Hooks run in the server's process, with all that it can reach, and are not enclosed.  Each has a
thread of its own; it must not change what it is given, only return something else.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["HookCall", "HookResult", "Veto"]


@dataclass(frozen=True, slots=True, kw_only=True)
class HookCall:
    """
    One call.  `arguments` are the JSON object that the tool gets, a copy.  `execution_id` is empty
    before the call is admitted; `principal` is empty where nobody asks who calls.
    """

    tool: str
    version: str
    arguments: Mapping[str, Any]
    principal: str = ""
    roles: frozenset[str] = frozenset()
    scopes: frozenset[str] = frozenset()
    session: str = ""
    origin: str = ""
    call_id: str = ""
    request_id: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    execution_id: str = ""
    validate_only: bool = False

    def with_arguments(self, arguments: Mapping[str, Any]) -> Self:
        """
        This call with other arguments.  Only a hook at `before_admission` may return it: they are
        checked against the schema and the limits of the tool, as the caller's are.
        """
        return dataclasses.replace(self, arguments=arguments)


@dataclass(frozen=True, slots=True, kw_only=True)
class HookResult:
    """
    How an execution ended: `outcome` as in the contract ("completed", "failed", "exceeded", …).
    `result` is the JSON value of one that completed; None otherwise.
    """

    outcome: str
    message: str = ""
    result: Any = None

    def with_result(self, result: Any) -> Self:
        """
        This ending with another result, of one that completed.  It is checked against the tool's
        own schema of results and its limit.
        """
        return dataclasses.replace(self, result=result)


@dataclass(frozen=True, slots=True)
class Veto:
    """
    The call goes no further, or its result to nobody.  `message` is told to the caller.
    """

    message: str
