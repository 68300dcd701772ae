"""
What tokens cost.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from toolcell_client.formats.turns import Tokens
from toolcell_client.usage import Price, Prices

TOKENS = Tokens(input=1_000_000, output=500_000, cached=400_000, cache_written=100_000, reasoning=9)


def test_every_kind_of_token_has_its_price() -> None:
    price = Price(input="3", output=15, cached_input=0.3, cache_write=Decimal("3.75"))
    assert price.of(TOKENS) == Decimal("1.5") + Decimal("0.12") + Decimal("0.375") + Decimal("7.5")


def test_kinds_without_a_price_cost_as_much_as_input() -> None:
    assert Price(input=2, output=0).of(TOKENS) == 2


@pytest.mark.parametrize("amount", [-1, "x", float("nan"), float("inf")])
def test_an_amount_is_a_number_and_not_negative(amount: Any) -> None:
    with pytest.raises(ValueError, match="price of output"):
        Price(input=1, output=amount)


def test_what_is_not_known_is_not_free() -> None:
    prices = Prices({"a": Price(input=1, output=1)})
    assert prices.cost("openai", TOKENS, "b") is None
    assert prices.cost("openai", TOKENS, "b", "", "a") == Decimal("1.5")


def test_a_name_that_begins_alike_is_another_model() -> None:
    assert Prices({"a": Price(input=1, output=1)}).cost("openai", TOKENS, "a-mini") is None


@pytest.mark.parametrize(
    ("provider", "model"),
    [
        ("openai", "gpt-4o"),
        ("openai-responses", "gpt-4o"),
        ("anthropic", "claude-sonnet-4-5"),
        ("gemini", "gemini-2.5-flash"),
    ],
)
def test_without_prices_those_that_are_published_count(provider: str, model: str) -> None:
    cost = Prices().cost(provider, Tokens(input=1000, output=100, cached=500), model)
    assert cost is not None
    assert 0 < cost < 1


@pytest.mark.parametrize(("provider", "model"), [("openai", "none-such"), ("none-such", "gpt-4o")])
def test_what_is_not_published_is_not_known(provider: str, model: str) -> None:
    assert Prices().cost(provider, Tokens(input=1), model) is None


def test_prices_of_a_package_that_is_not_there_are_not_known(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("toolcell_client.usage.prices.find_spec", lambda _: None)
    assert Prices().cost("openai", Tokens(input=1), "gpt-4o") is None


def test_usage_that_does_not_add_up_is_priced_all_the_same() -> None:
    """
    Some gateways count more cached tokens than there were.
    """
    odd = Tokens(input=10, output=1, cached=90, cache_written=9, reasoning=7)
    assert Price(input=1_000_000, output=0, cached_input=0).of(odd) == 0
    assert Prices().cost("openai", odd, "gpt-4o") is not None
