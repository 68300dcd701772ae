"""
Adds up what models took.  Safe to use from many threads.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from toolcell_client.formats.turns import Tokens
from toolcell_client.usage.request import BoundedNames

if TYPE_CHECKING:
    from collections.abc import Mapping

    from toolcell_client.usage.request import ModelRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """
    What some requests took.  `priced` is the cost of those whose price is known; `unpriced` counts
    the others.  `unreported` counts those of which the provider said no tokens; they are unpriced,
    too.
    """

    requests: int = 0
    tokens: Tokens = field(default_factory=Tokens)
    priced: Decimal = Decimal(0)
    unpriced: int = 0
    unreported: int = 0
    currency: str = "USD"

    @property
    def cost(self) -> Decimal | None:
        """
        What all of them cost; None: the price of one of them is not known.
        """
        return None if self.unpriced else self.priced

    @property
    def total_tokens(self) -> int:
        return self.tokens.input + self.tokens.output

    def plus(self, request: ModelRequest) -> Usage:
        """
        With one request more.
        """
        return Usage(
            requests=self.requests + 1,
            tokens=self.tokens + request.tokens,
            priced=self.priced + (request.cost or 0),
            unpriced=self.unpriced + (request.cost is None),
            unreported=self.unreported + (request.tokens == Tokens()),
            currency=request.currency,
        )

    def to_plain(self) -> dict[str, Any]:
        """
        As JSON; amounts of money are text, so that none of it is rounded away.
        """
        tokens = {name: getattr(self.tokens, name) for name in Tokens.__slots__}
        cost = None if self.cost is None else str(self.cost)
        return {
            "requests": self.requests,
            "tokens": tokens,
            "cost": cost,
            "priced": str(self.priced),
            "unpriced": self.unpriced,
            "unreported": self.unreported,
            "currency": self.currency,
        }

    @classmethod
    def of_plain(cls, plain: Mapping[str, Any]) -> Usage:
        return cls(
            requests=plain["requests"],
            tokens=Tokens(**plain["tokens"]),
            priced=Decimal(plain["priced"]),
            unpriced=plain["unpriced"],
            unreported=plain["unreported"],
            currency=plain["currency"],
        )


class UsageLedger:
    """
    Adds up requests: all, by model, and by name of conversation.  The first 200 of either have
    their own sum, the others share `other`.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._total = Usage()
        self._models: dict[str, Usage] = {}
        self._conversations: dict[str, Usage] = {}
        self._model_names = BoundedNames()
        self._conversation_names = BoundedNames()

    def record(self, request: ModelRequest) -> None:
        with self._lock:
            self._total = self._total.plus(request)
            model = self._model_names.of(request.model)
            self._models[model] = self._models.get(model, Usage()).plus(request)
            name = self._conversation_names.of(request.conversation)
            self._conversations[name] = self._conversations.get(name, Usage()).plus(request)

    @property
    def total(self) -> Usage:
        with self._lock:
            return self._total

    @property
    def by_model(self) -> dict[str, Usage]:
        with self._lock:
            return dict(self._models)

    @property
    def by_conversation(self) -> dict[str, Usage]:
        with self._lock:
            return dict(self._conversations)
