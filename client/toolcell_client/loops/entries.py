"""
What can happen in a conversation, as typed entries of its transcript.  Pure values.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from decimal import Decimal
from typing import Any, ClassVar

from toolcell_client.formats.turns import Tokens


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """
    Something happened; `time` is in seconds since 1970.
    """

    kind: ClassVar[str] = "entry"

    time: float = 0.0

    def to_plain(self) -> dict[str, Any]:
        """
        As JSON, with its `kind`; amounts of money are text.
        """
        told: dict[str, Any] = {"kind": self.kind}
        for each in fields(self):
            told[each.name] = _plain(getattr(self, each.name))
        return told


@dataclass(frozen=True, slots=True, kw_only=True)
class UserSaid(Entry):
    """
    A message of the user.
    """

    kind: ClassVar[str] = "user"

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSaid(Entry):
    """
    One response of the model, with what it took; `calls` counts those that it asks for.
    """

    kind: ClassVar[str] = "model"

    model: str
    text: str
    stop: str
    calls: int = 0
    tokens: Tokens = field(default_factory=Tokens)
    cost: Decimal | None = None
    seconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class CallAnswered(Entry):
    """
    One call, and what the model was told of it.  `problem` says why nothing was executed, as
    `formats.Problem` or "budget", "denied", "interrupted"; `execution_id` and `outcome` are those
    of the execution, if there was one.
    """

    kind: ClassVar[str] = "call"

    call_id: str
    tool: str
    arguments: Any = None
    problem: str = ""
    execution_id: str = ""
    outcome: str = ""
    seconds: float | None = None
    truncated: bool = False
    failed: bool = False
    answer: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalAsked(Entry):
    """
    A call waits for a person; never the token.
    """

    kind: ClassVar[str] = "approval_asked"

    call_id: str
    tool: str
    summary: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalDecided(Entry):
    """
    Somebody said yes or no.
    """

    kind: ClassVar[str] = "approval_decided"

    call_id: str
    tool: str
    approved: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFailed(Entry):
    """
    The provider did not answer; the history is as it was before.
    """

    kind: ClassVar[str] = "model_failed"

    error: str
    message: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended(Entry):
    """
    The answer to a message of the user is over; `stop_reason` as in `Reply`.
    """

    kind: ClassVar[str] = "ended"

    stop_reason: str
    steps: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Withheld(Entry):
    """
    An entry for which the redaction hook raised; only its kind is kept.
    """

    kind: ClassVar[str] = "withheld"

    of: str


KINDS: dict[str, type[Entry]] = {
    each.kind: each
    for each in (
        UserSaid,
        ModelSaid,
        CallAnswered,
        ApprovalAsked,
        ApprovalDecided,
        ModelFailed,
        Ended,
        Withheld,
    )
}


def entry_of(plain: dict[str, Any]) -> Entry:
    """
    The entry of its JSON.

    Raises:
        ValueError: it is none; says what is wrong.
    """
    values = dict(plain)
    kind = values.pop("kind", None)
    if kind not in KINDS:
        raise ValueError(f"a transcript has no entry of kind {kind!r}; it has {', '.join(KINDS)}")
    if "tokens" in values:
        values["tokens"] = Tokens(**values["tokens"])
    if values.get("cost") is not None:
        values["cost"] = Decimal(values["cost"])
    try:
        return KINDS[kind](**values)
    except TypeError as exc:
        raise ValueError(f"this is no entry of kind {kind}: {exc}") from exc


def _plain(value: Any) -> Any:
    if isinstance(value, Tokens):
        return {name: getattr(value, name) for name in Tokens.__slots__}
    return str(value) if isinstance(value, Decimal) else value
