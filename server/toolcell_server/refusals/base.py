"""
The one base of all refusals.  Pure; `status` turns them into gRPC statuses.

Theory of operation.  Whoever refuses raises one of these, deep inside, and knows nothing of gRPC:
the name of the code is a word here, so that a decision (limits, grants) imports no network.  Each
message says what was wrong, where, and the remedy.  What a machine needs is in `metadata` and
`violations`, never to be parsed out of the message.  `reason` is the class's name in
UPPER_SNAKE_CASE; it is part of the contract, so renaming a class breaks callers.

What a caller sent appears in a message only shortened and escaped (`shown`).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, ClassVar, Literal

from toolcell_server import principal

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Code = Literal[
    "INVALID_ARGUMENT",
    "NOT_FOUND",
    "PERMISSION_DENIED",
    "FAILED_PRECONDITION",
    "OUT_OF_RANGE",
    "UNAVAILABLE",
    "RESOURCE_EXHAUSTED",
    "UNAUTHENTICATED",
]
Category = Literal["user", "temporary", "permanent"]
FieldViolation = tuple[str, str]  # field of the request, description

MAXIMUM_SHOWN = 128  # arbitrary; long enough for a path, short enough for a log line


def shown(value: str) -> str:
    """
    A caller's text for a message: quoted, escaped, shortened.
    """
    return repr(value if len(value) <= MAXIMUM_SHOWN else value[:MAXIMUM_SHOWN] + "…")


class CallRefused(Exception):  # noqa: N818  # names what happened
    """
    Raised when a call is refused: nothing ran.

    `message` is for people, `hint` one sentence that a model can act on, `spoken` one short
    sentence for a voice agent.  `metadata` holds what the message says, for machines.
    `retry_delay_seconds` is how long to wait before the same call may succeed; 0.0: never said.
    `caller` is who was refused, as far as that was known where it was decided: by the time that
    the refusal is recorded, the context of the call has gone.
    """

    code: ClassVar[Code] = "INVALID_ARGUMENT"
    reason: ClassVar[str]
    category: ClassVar[Category] = "user"
    spoken: ClassVar[str] = "I could not do that, because the request was not right."

    def __init_subclass__(cls) -> None:
        cls.reason = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", cls.__name__).upper()

    def __init__(
        self,
        what: str,
        hint: str,
        *,
        metadata: Mapping[str, str] | None = None,
        violations: Sequence[FieldViolation] = (),
        retry_delay_seconds: float = 0.0,
    ) -> None:
        super().__init__(f"{what}; {hint}")
        self.message = f"{what}; {hint}"
        self.hint = f"{hint[:1].upper()}{hint[1:]}."
        self.metadata = dict(metadata or {})
        self.violations = list(violations)
        self.retry_delay_seconds = retry_delay_seconds
        self.caller = principal.current()

    @property
    def retryable(self) -> bool:
        """
        Whether the same call may succeed later.
        """
        return self.category == "temporary"
