"""
Refusals around tools that are registered at run time.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from toolcell_server.refusals.base import CallRefused, shown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from toolcell_server.refusals.base import FieldViolation


class ToolRetired(CallRefused):
    """
    Raised when the tool was deprecated, and the day has come from which on it is refused.
    """

    code = "FAILED_PRECONDITION"
    category = "permanent"
    spoken = "That tool is no longer in use."

    def __init__(self, name: str, version: str, sunset: float, why: str) -> None:
        since = datetime.fromtimestamp(sunset, UTC).isoformat(timespec="seconds")
        super().__init__(
            f"the tool {shown(name)} in version {shown(version)} is refused since {since}: {why}",
            "use what that says, or list the tools and use another one",
            metadata={"tool": name, "version": version, "sunset_time": since},
        )


class DefinitionsInvalid(CallRefused):
    """
    Raised when all definitions of a request were to be registered or none, and one cannot be.
    """

    spoken = "I could not add that, because its description was not right."

    def __init__(self, violations: Sequence[FieldViolation]) -> None:
        first = "; ".join(f"{field}: {said}" for field, said in violations[:1])
        many = f"{len(violations)} faults, the first" if len(violations) != 1 else "one fault:"
        super().__init__(
            f"nothing was registered, because of {many} {first}",
            "correct the definitions and send all of them again",
            violations=violations,
        )


class TooManyWatchers(CallRefused):
    """
    Raised when as many streams of changes are open as may be.
    """

    code = "RESOURCE_EXHAUSTED"
    category = "temporary"
    spoken = "I am already following as much as I can."

    def __init__(self, most: int) -> None:
        super().__init__(
            f"{most} streams of changes are open, and no more may be",
            "close one, or list the tools now and then",
            retry_delay_seconds=10.0,
        )
