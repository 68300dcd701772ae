"""
One request to a model, as it is accounted for.  Pure.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from toolcell_client.formats.turns import Stop, Tokens

if TYPE_CHECKING:
    from decimal import Decimal

OTHER = "other"
KEPT_NAMES = 200  # arbitrary; as the service's metrics: enough for anybody, bounded for Prometheus
NAME_CHARACTERS = 128  # arbitrary; providers say what they like


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRequest:
    """
    What one answered request took.  `model` is the provider's word for it, or the caller's if the
    provider said none; `conversation` is the caller's name of the KIND of conversation, never an
    id.  `cost` is None where no price is known: unknown is not free.
    """

    provider: str
    model: str
    conversation: str = ""
    tokens: Tokens = field(default_factory=Tokens)
    cost: Decimal | None = None
    currency: str = "USD"
    stop: Stop = Stop.UNKNOWN


class UsageSink(Protocol):
    """
    What conversations tell of their requests.  Called from whichever thread asked.
    """

    def record(self, request: ModelRequest) -> None: ...


class BoundedNames:
    """
    The first names have their own value; all later ones are `other`.  The caller locks.
    """

    def __init__(self, kept: int = KEPT_NAMES) -> None:
        self._kept = kept
        self._names: set[str] = set()

    def of(self, name: str) -> str:
        name = name[:NAME_CHARACTERS] or "unknown"
        if name not in self._names:
            if len(self._names) >= self._kept:
                return OTHER
            self._names.add(name)
        return name


def by_kind(tokens: Tokens) -> dict[str, int]:
    """
    Tokens by kinds that do not overlap, so that their sum is what was taken.
    """
    cached = min(tokens.cached, tokens.input)
    written = min(tokens.cache_written, tokens.input - cached)
    reasoning = min(tokens.reasoning, tokens.output)
    return {
        "input": tokens.input - cached - written,
        "cached_input": cached,
        "cache_write": written,
        "output": tokens.output - reasoning,
        "reasoning": reasoning,
    }
