"""
The page about usage: its programs and its metrics, as it shows them.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from conversed_tools import serve
from pages_of_models import DOCS, printed, programs
from prometheus_client.parser import text_string_to_metric_families
from toolcell_client.testing.providers import Says

if TYPE_CHECKING:
    from collections.abc import Iterator

    from running_server import Server

COST, LEDGER, METRICS = programs("usage.md")
ANSWER = Says("It is 437.")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serve(tmp_path_factory.mktemp("page")) as one:
        yield one


def test_tokens_and_cost(server: Server) -> None:
    requests, taken, made, cost = printed(COST, server.target, [ANSWER]).split()
    assert requests == "1"
    assert Decimal(cost) == (int(taken) * Decimal("2.5") + int(made) * 10) / 1_000_000


def test_all_conversations_of_a_program(server: Server) -> None:
    support, sales, models = printed(LEDGER, server.target, [ANSWER] * 3).splitlines()
    assert support.startswith("support 2 ")
    assert sales.startswith("sales 1 ")
    assert models == "['gpt-4o']"


def test_metrics_are_those_of_the_page(server: Server) -> None:
    shown = printed(METRICS, server.target, [ANSWER])
    families = {
        each.name: each
        for each in text_string_to_metric_families(shown)
        if not each.name.endswith("_created")
    }
    listed = re.findall(
        r"\| `(toolcell_\w+)_total` \| ([a-z, ]+) \|", (DOCS / "usage.md").read_text()
    )
    assert sorted(name for name, _ in listed) == sorted(families)
    for name, labels in listed:
        for sample in families[name].samples:
            assert sorted(sample.labels) == sorted(labels.split(", "))
