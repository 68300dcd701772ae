"""
Refusals by what the operator has hooked into calls.
"""

from __future__ import annotations

from toolcell_server.refusals.base import CallRefused, shown


class Vetoed(CallRefused):
    """
    Raised when a hook does not let the call through; `said` is its message.
    """

    code = "PERMISSION_DENIED"
    category = "permanent"
    spoken = "I am not allowed to do that."

    def __init__(self, hook: str, said: str) -> None:
        super().__init__(
            f"vetoed: {said}" if said else f"vetoed by {hook}",
            "call it with other arguments, use another tool, or ask the operator",
            metadata={"hook": hook},
        )


class HookFailed(CallRefused):
    """
    Raised when a hook raised, took too long, or gave back what cannot be used: nobody knows what it
    would have said, so nothing runs.
    """

    code = "UNAVAILABLE"
    category = "temporary"
    spoken = "Something went wrong on our side; try again in a moment."

    def __init__(self, hook: str, why: str, retry_delay_seconds: float = 1.0) -> None:
        super().__init__(
            f"the operator's hook {shown(hook)} {why}",
            f"try again in {retry_delay_seconds:g} seconds, and tell the operator; nothing ran",
            metadata={"hook": hook},
            retry_delay_seconds=retry_delay_seconds,
        )
