"""
Sums of what models took.
"""

from __future__ import annotations

import json
import threading
from decimal import Decimal

from toolcell_client.formats.turns import Tokens
from toolcell_client.usage import ModelRequest, Usage, UsageLedger

ONE = ModelRequest(
    provider="openai",
    model="m",
    conversation="support",
    tokens=Tokens(input=10, output=5),
    cost=Decimal("0.1"),
)
UNPRICED = ModelRequest(provider="openai", model="n", tokens=Tokens(input=1))


def test_requests_add_up_by_model_and_by_conversation() -> None:
    ledger = UsageLedger()
    for each in (ONE, ONE, UNPRICED):
        ledger.record(each)
    assert ledger.total.tokens == Tokens(input=21, output=10)
    assert ledger.by_model["m"].cost == Decimal("0.2")
    assert ledger.by_conversation["support"].requests == 2
    assert set(ledger.by_conversation) == {"support", "unknown"}


def test_a_sum_with_an_unknown_cost_has_none() -> None:
    total = Usage().plus(ONE).plus(UNPRICED)
    assert (total.cost, total.priced, total.unpriced) == (None, Decimal("0.1"), 1)


def test_usage_comes_back_from_json() -> None:
    total = Usage().plus(ONE).plus(UNPRICED)
    assert Usage.of_plain(json.loads(json.dumps(total.to_plain()))) == total


def test_names_beyond_the_first_share_one_sum() -> None:
    ledger = UsageLedger()
    for number in range(250):
        ledger.record(ModelRequest(provider="p", model=f"m{number}", conversation=f"c{number}"))
    assert len(ledger.by_model) == len(ledger.by_conversation) == 201
    assert ledger.by_model["other"].requests == 50


def test_many_threads_may_record() -> None:
    ledger = UsageLedger()

    def record() -> None:
        for _ in range(500):
            ledger.record(ONE)

    threads = [threading.Thread(target=record) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert ledger.total.requests == 2_000
