"""
The endings that hooks give executions.  Pure.
"""

from __future__ import annotations

from typing import Final

from toolcell.v1 import execution_pb2 as pb

from toolcell_server.endings import failed, lost

VETOED: Final = "VETOED"


def vetoed(hook: str, said: str) -> pb.Outcome:
    """
    A hook did not let the tool run.
    """
    return _veto(hook, said, "nothing ran", "Use another tool, or ask the operator.")


def withheld(hook: str, said: str) -> pb.Outcome:
    """
    A hook does not let the result out.
    """
    hint = "The tool has run, and its result is withheld; do not run it again for it."
    return _veto(hook, said, "the tool ran, and its result is withheld", hint)


def failed_before(hook: str, why: str) -> pb.Outcome:
    """
    Nobody knows what a hook would have said, and nothing ran.
    """
    outcome = lost(pb.LOST_REASON_INTERNAL, f"the operator's hook {hook} {why}; nothing ran")
    outcome.hint = "The service failed, not the tool, and nothing ran; it may work later."
    return outcome


def failed_after(hook: str, why: str) -> pb.Outcome:
    """
    Nobody knows what a hook would have said of a result, which is withheld.
    """
    message = f"the operator's hook {hook} {why}; the tool ran, and its result is withheld"
    outcome = lost(pb.LOST_REASON_INTERNAL, message)
    outcome.retryable = False
    outcome.category = pb.ERROR_CATEGORY_UNKNOWN
    outcome.hint = "The service failed after the tool had run; check what it did before you retry."
    return outcome


def _veto(hook: str, said: str, state: str, hint: str) -> pb.Outcome:
    outcome = failed("", f"vetoed by {hook}: {said}; {state}", None)
    outcome.failed.code = VETOED
    outcome.category = pb.ERROR_CATEGORY_PERMANENT
    outcome.hint = hint
    outcome.spoken = "I am not allowed to do that."
    return outcome
