"""
What tokens cost.

Theory of operation.  Costs are sums of many small amounts, so they are `Decimal`: a budget of 0.30
is used up after three requests of 0.10, which floats would miss.  A price that is not known gives
no cost (None), never 0; who adds up costs has to say so.  Prices come from the caller, by the
model's name, exactly: what merely begins alike may cost ten times as much.  Without any, they come
from the package `genai-prices`, if it is installed, as of its release; it asks no server.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from decimal import Decimal, InvalidOperation
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from toolcell_client.usage.request import by_kind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from toolcell_client.formats.turns import Tokens

MILLION = 1_000_000
Amount = Decimal | float | int | str

# Ids of genai-prices, by the providers of `formats`.  Not of voice: tokens of sound cost several
# times what tokens of text do, and `Tokens` does not tell them apart; who knows a price gives it.
PRICED = {
    "openai": "openai",
    "openai-functions": "openai",
    "openai-responses": "openai",
    "anthropic": "anthropic",
    "gemini": "google",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """
    What a million tokens of each kind cost.  `cached_input` and `cache_write`, if they are None,
    cost as much as `input`; reasoning costs as much as `output`.

    Raises:
        ValueError: an amount is negative, or no number.
    """

    input: Amount
    output: Amount
    cached_input: Amount | None = None
    cache_write: Amount | None = None

    def __post_init__(self) -> None:
        for each in fields(self):
            value = getattr(self, each.name)
            if value is not None:
                object.__setattr__(self, each.name, _amount(each.name, value))

    def of(self, tokens: Tokens) -> Decimal:
        """
        What these tokens cost.
        """
        kinds = by_kind(tokens)
        cached = self.input if self.cached_input is None else self.cached_input
        written = self.input if self.cache_write is None else self.cache_write
        total = (
            kinds["input"] * Decimal(self.input)
            + kinds["cached_input"] * Decimal(cached)
            + kinds["cache_write"] * Decimal(written)
            + tokens.output * Decimal(self.output)
        )
        return total / MILLION


class Prices:
    """
    A list of prices by model; None: those of `genai-prices`, or none at all without it.
    """

    def __init__(self, by_model: Mapping[str, Price] | None = None, currency: str = "USD") -> None:
        self._by_model = None if by_model is None else dict(by_model)
        self.currency = currency

    @classmethod
    def of(cls, prices: Prices | Mapping[str, Price] | None) -> Prices:
        return prices if isinstance(prices, Prices) else cls(prices)

    def cost(self, provider: str, tokens: Tokens, *models: str) -> Decimal | None:
        """
        What tokens cost by the first of these names of the model that has a price; None: none has,
        or there are no tokens, which is what a provider that does not count them looks like.
        """
        if not tokens.input and not tokens.output:
            return None
        for model in filter(None, models):
            if self._by_model is None:
                cost = _published(provider, model, tokens)
            else:
                price = self._by_model.get(model)
                cost = None if price is None else price.of(tokens)
            if cost is not None:
                return cost
        return None


def _amount(name: str, value: Any) -> Decimal:
    try:
        amount = Decimal(str(value))
    except InvalidOperation as exc:
        raise ValueError(f"price of {name}: {value!r} is no number") from exc
    if not amount.is_finite() or amount < 0:
        raise ValueError(f"price of {name}: {value!r} must be finite, and not negative")
    return amount


def _published(provider: str, model: str, tokens: Tokens) -> Decimal | None:
    if provider not in PRICED or find_spec("genai_prices") is None:
        return None
    published: Any = import_module("genai_prices")
    kinds = by_kind(tokens)
    usage = published.Usage(
        input_tokens=tokens.input,
        output_tokens=tokens.output,
        cache_read_tokens=kinds["cached_input"],
        cache_write_tokens=kinds["cache_write"],
    )
    try:
        found = published.calc_price(usage, model, provider_id=PRICED[provider])
    except (LookupError, ValueError):  # no such model, or usage that its price has no place for
        return None
    return Decimal(found.total_price)
