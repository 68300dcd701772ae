"""
The gates at which the operator's hooks see a call before it is admitted.

Theory of operation.  At `before_admission` a hook may alter arguments; what it makes is read,
measured and checked as the caller's own bytes were, and stands before the rules about arguments, so
that they judge what runs.  At `after_admission` everything has been decided for these arguments,
rules and approvals included: there a hook can only look, or veto; one that alters them fails.

Hooks see calls with `validate_only` too, and are told.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from toolcell_server import strict_json
from toolcell_server.hooks.hooks import HookDidFail
from toolcell_server.refusals import ArgumentsInvalid, HookFailed, Vetoed

if TYPE_CHECKING:
    import contextlib

    from toolcell_server.gates import Call
    from toolcell_server.hooks.hooks import Hook, Hooks
    from toolcell_server.validation import Validation


@dataclass(frozen=True, slots=True)
class HookGate:
    """
    Asks the hooks at `place`, one after the other.
    """

    hooks: Hooks
    place: str
    validation: Validation
    may_alter: bool

    async def let_pass(self, call: Call, _resources: contextlib.ExitStack) -> Call:
        """
        Raises:
            HookFailed: a hook has no answer that counts, or made arguments that cannot be used.
            Vetoed: a hook does not let it through.
        """
        for hook in self.hooks.at(self.place, call.tool):
            call = await self._asked(hook, call)
        return call

    async def _asked(self, hook: Hook, call: Call) -> Call:
        try:
            answer = await hook.before(_told(call), call.data)
        except HookDidFail as exc:
            raise HookFailed(hook.name, str(exc)) from None
        if answer.veto is not None:
            raise Vetoed(hook.name, answer.veto)
        if answer.value is None:
            return call
        if not self.may_alter:
            raise HookFailed(hook.name, f"altered arguments, which it may not at {self.place}")
        return await self._altered(hook, call, answer.value)

    async def _altered(self, hook: Hook, call: Call, data: bytes) -> Call:
        maximum = call.limits.arguments_bytes
        try:
            arguments = strict_json.parse(data, maximum)
        except strict_json.NotStrictJson as exc:
            raise HookFailed(hook.name, f"made arguments that cannot be used: {exc}") from None
        try:
            await self.validation.check(call.tool, arguments, data)
        except ArgumentsInvalid as exc:  # none of the caller's doing
            why = f"made arguments that the tool's schema does not allow ({exc.violations[0][0]})"
            raise HookFailed(hook.name, why) from None
        return dataclasses.replace(call, arguments=arguments, data=data)


def _told(call: Call) -> dict[str, Any]:
    """
    What a hook is told of a call, besides its arguments.
    """
    request, principal = call.request, call.principal
    return {
        "tool": call.tool.name,
        "version": call.tool.version,
        "principal": principal.name,
        "roles": principal.roles,
        "scopes": principal.scopes,
        "session": principal.session,
        "origin": principal.origin,
        "call_id": request.call_id,
        "request_id": request.request_id,
        "labels": dict(request.labels),
        "validate_only": request.validate_only,
    }
