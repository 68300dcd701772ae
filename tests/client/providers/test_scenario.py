"""
One scripted scenario, through every provider's own package.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from asking_providers import ASK
from toolcell_client.testing.providers import Calls, ProviderServer, Says, Then, View
from toolcell_client.testing.providers.tokens import count, prompt

if TYPE_CHECKING:
    from toolcell_client.testing.providers import Turn

PARALLEL = [each for each in ASK if each != "openai-functions"]


def run(name: str, arguments: dict[str, Any]) -> str:
    a, b = arguments["a"], arguments["b"]
    return str(a + b if name == "add" else a * b)


@pytest.mark.parametrize("name", PARALLEL)
def test_a_script_with_parallel_calls_runs_for_every_provider(
    name: str, provider: ProviderServer
) -> None:
    provider.script(
        [
            Calls(("add", {"a": 1, "b": 2}), ("multiply", {"a": 3, "b": 4}), text="Both."),
            Then(lambda view: Calls(("add", {"a": view.results[0].value, "b": 12}))),
            Then(lambda view: Says(f"It is {view.results[-1].text}, of {len(view.results)}.")),
        ]
    )

    assert "It is 15, of 3." == ASK[name](provider, "add and multiply", run)
    assert 0 == provider.unplayed


@pytest.mark.parametrize("name", ASK)
def test_a_model_of_rules_runs_for_every_provider(name: str, provider: ProviderServer) -> None:
    seen: list[View] = []

    def model(view: View) -> Turn:
        seen.append(view)
        if view.results:
            return Says(f"{view.user_text} {view.results[0].value}")
        return Calls(("add", {"a": 20, "b": 22}))

    provider.model = model

    assert "the answer is 42" == ASK[name](provider, "the answer is", run)
    assert [name, name] == [each.provider for each in seen]
    assert ["add", "multiply"] == [each.name for each in seen[0].tools]
    assert seen[0].offers("add")
    assert not seen[0].offers("subtract")


@pytest.mark.parametrize("name", ASK)
def test_the_thoughts_of_a_model_go_back_where_they_must(
    name: str, provider: ProviderServer
) -> None:
    """
    The packages' own objects, sent back as they came, satisfy the rules about what is kept.
    """
    provider.script([Calls(("add", {"a": 1, "b": 2}), thought="Add them."), Says("3")])

    assert "3" == ASK[name](provider, "1 + 2", run)


@pytest.mark.parametrize("name", PARALLEL)
def test_a_scenario_takes_the_same_tokens_everywhere(name: str, provider: ProviderServer) -> None:
    """
    Ids of calls differ between providers, and are not counted.
    """
    provider.script([Calls(("add", {"a": 1, "b": 2})), Says("It is 3.")])
    ASK[name](provider, "1 + 2", run)

    views = [each.view for each in provider.requests if each.view]
    entries = [(type(e).__name__, getattr(e, "text", "")) for e in views[-1].entries]

    assert [("Said", "1 + 2"), ("Called", ""), ("Answered", "3")] == entries
    assert 100 == count(prompt(views[-1]))
