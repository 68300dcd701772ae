"""
What models took, as Prometheus reads it.
"""

from __future__ import annotations

import sys
import urllib.request
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from prometheus_client import CollectorRegistry, generate_latest, start_http_server
from prometheus_client.parser import text_string_to_metric_families
from scripted_models import ScriptedModel, calls, says
from toolcell_client import Client, Conversation
from toolcell_client.formats.turns import Stop, Tokens
from toolcell_client.testing import script
from toolcell_client.usage import ModelRequest, Price, UsageMetrics

if TYPE_CHECKING:
    from toolcell_client.testing import FakeServer

Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def samples(text: str) -> Samples:
    """
    What Prometheus would store.
    """
    return {
        (each.name, tuple(sorted(each.labels.items()))): each.value
        for family in text_string_to_metric_families(text)
        for each in family.samples
        if not each.name.endswith("_created")
    }


def value(read: Samples, name: str, **labels: str) -> float:
    return read[f"toolcell_model_{name}", tuple(sorted(labels.items()))]


def test_a_conversation_is_scraped_over_http(server: FakeServer, client: Client) -> None:
    """
    The caller's program exposes its own registry.
    """
    server.tool("look", script.completed("seen"))
    registry = CollectorRegistry()
    model = ScriptedModel(calls(("c1", "look", {}), tokens=(10, 5)), says("Yes.", tokens=(20, 1)))
    talk = Conversation(
        client,
        model,
        provider="openai",
        name="support",
        prices={"m-2026": Price(input=1_000, output=0)},
        metrics=UsageMetrics(registry),
    )
    talk.say("Look.")
    exposed, thread = start_http_server(0, "127.0.0.1", registry)
    try:
        address = f"http://127.0.0.1:{exposed.server_port}/metrics"
        with urllib.request.urlopen(address, timeout=10) as answer:
            read = samples(answer.read().decode())
    finally:
        exposed.shutdown()
        exposed.server_close()
        thread.join()
    who = {"provider": "openai", "model": "m-2026", "conversation": "support"}
    assert value(read, "tokens_total", **who, kind="input") == 30
    assert value(read, "tokens_total", **who, kind="output") == 6
    assert value(read, "requests_total", **who, stop="calls") == 1
    assert value(read, "requests_total", **who, stop="end") == 1
    assert value(read, "cost_total", **who, currency="USD") == pytest.approx(0.03)


def test_kinds_of_tokens_do_not_overlap() -> None:
    registry = CollectorRegistry()
    tokens = Tokens(input=100, output=50, cached=60, cache_written=10, reasoning=20)
    UsageMetrics(registry).record(ModelRequest(provider="p", model="m", tokens=tokens))
    read = samples(generate_latest(registry).decode())
    kinds = {
        dict(labels)["kind"]: taken for (name, labels), taken in read.items() if "tokens" in name
    }
    assert kinds == {
        "input": 30,
        "cached_input": 60,
        "cache_write": 10,
        "output": 30,
        "reasoning": 20,
    }


def test_an_unknown_cost_is_counted_as_unknown() -> None:
    registry = CollectorRegistry()
    metrics = UsageMetrics(registry)
    metrics.record(ModelRequest(provider="p", model="m", cost=Decimal("0.5"), currency="EUR"))
    metrics.record(ModelRequest(provider="p", model="m", stop=Stop.END))
    read = samples(generate_latest(registry).decode())
    who = {"provider": "p", "model": "m", "conversation": "unknown"}
    assert value(read, "cost_total", **who, currency="EUR") == 0.5
    assert value(read, "unpriced_requests_total", **who) == 1


def test_label_sets_are_closed() -> None:
    """
    A provider, or a caller that names conversations by an id, cannot flood Prometheus.
    """
    registry = CollectorRegistry()
    metrics = UsageMetrics(registry)
    for number in range(400):
        metrics.record(ModelRequest(provider="p", model=f"m{number}", conversation="c"))
        metrics.record(ModelRequest(provider="p", model="m0", conversation=f"c{number}"))
    read = samples(generate_latest(registry).decode())
    for label in ("model", "conversation"):
        assert len({dict(labels)[label] for _, labels in read}) == 201
    who = {"provider": "p", "model": "other", "conversation": "c"}
    assert value(read, "unpriced_requests_total", **who) == 200


def test_two_of_one_registry_are_refused() -> None:
    registry = CollectorRegistry()
    UsageMetrics(registry)
    with pytest.raises(ValueError, match="toolcell_model_tokens"):
        UsageMetrics(registry)


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "prometheus_client", None)
    with pytest.raises(ImportError, match=r"pip install 'toolcell\[usage\]'"):
        UsageMetrics()
