"""
What a conversation may take, and how it ends when it has taken it.
"""

from __future__ import annotations

import contextlib
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from clocks import Clock
from exampling import few
from hypothesis import given
from hypothesis import strategies as st
from scripted_models import ScriptedModel, calls, complaints, says
from toolcell_client import Budget, Client, Conversation
from toolcell_client.formats.turns import Tokens
from toolcell_client.testing import script
from toolcell_client.usage import Price, Usage

if TYPE_CHECKING:
    from toolcell_client.testing import FakeServer

LOOK: tuple[str, str, Any] = ("c1", "look", {})
PRICES = {"m": Price(input=1_000, output=10_000)}


def conversation(client: Client, model: ScriptedModel, **options: Any) -> Conversation:
    return Conversation(client, model, provider="openai", model_name="m", **options)


@pytest.fixture(autouse=True)
def tools(server: FakeServer) -> None:
    server.tool("look", script.completed("seen"))
    server.tool("fail", script.failed("broken"))


@pytest.mark.parametrize("name", ["steps", "seconds", "tokens", "cost", "repeats"])
@pytest.mark.parametrize("value", [0, -1, float("inf"), float("nan")])
def test_a_bound_is_positive(name: str, value: Any) -> None:
    with pytest.raises(ValueError, match=name):
        Budget(**{name: value})


def test_costs_add_up_exactly() -> None:
    """
    Three requests of 0.10 use up 0.30; with floats they would not.
    """
    budget = Budget(cost=0.3)
    assert budget.used_up(0, 0, Usage(priced=Decimal("0.1") * 3)) == "cost"
    assert budget.used_up(0, 0, Usage(priced=Decimal("0.29"))) == ""


def test_a_cost_that_is_not_known_is_more_than_any_budget() -> None:
    assert Budget(cost=1).used_up(0, 0, Usage(unpriced=1)) == "cost"


def test_tokens_that_nobody_counted_are_more_than_any_budget(client: Client) -> None:
    """
    Some servers report no usage; a budget that nothing uses up would be none.
    """
    budget = Budget(tokens=10**9)
    silent = says("Hello.", tokens=(0, 0))
    talk = conversation(client, ScriptedModel(silent), budget=budget, prices=PRICES)
    assert talk.say("Hi.").usage.cost is None
    assert talk.say("Hi?").stop_reason == "budget(tokens)"


@pytest.mark.parametrize(("given_seconds", "left"), [(None, 3.0), (2.0, 2.0), (9.0, 3.0)])
def test_a_call_may_take_what_is_left(given_seconds: float | None, left: float) -> None:
    assert Budget(seconds=5).timeout(2, given_seconds) == left
    assert Budget().timeout(2, given_seconds) == given_seconds
    assert Budget(seconds=5).timeout(6, None) is not None


def test_the_last_step_executes_nothing(server: FakeServer, client: Client) -> None:
    """
    Nobody would read what came of it.
    """
    model = ScriptedModel(calls(LOOK), calls(("c2", "look", {})), says("I go on."))
    talk = conversation(client, model, budget=Budget(steps=2))
    reply = talk.say("Look.")
    assert (reply.stop_reason, len(server.requests)) == ("budget(steps)", 1)
    assert "budget of steps is used up" in talk.history[-1]["content"]
    assert talk.say("Go on.").stop_reason == "end"


def test_in_the_last_step_the_model_may_only_speak(client: Client) -> None:
    model = ScriptedModel(calls(LOOK), says("So far I saw this."))
    talk = conversation(client, model, budget=Budget(steps=2), conclude=True)
    reply = talk.say("Look.")
    assert (reply.text, reply.stop_reason) == ("So far I saw this.", "budget(steps)")
    assert [each["tool_choice"] for each in model.requests] == ["auto", "none"]


def test_a_model_that_calls_all_the_same_is_not_obeyed(server: FakeServer, client: Client) -> None:
    model = ScriptedModel(calls(LOOK), calls(("c2", "look", {})))
    talk = conversation(client, model, budget=Budget(steps=2), conclude=True)
    assert talk.say("Look.").stop_reason == "budget(steps)"
    assert len(server.requests) == 1
    assert complaints(talk.history) == []


def test_tokens_are_of_the_whole_conversation(server: FakeServer, client: Client) -> None:
    model = ScriptedModel(says("Hello.", tokens=(50, 40)), calls(LOOK, tokens=(8, 2)))
    talk = conversation(client, model, budget=Budget(tokens=100))
    assert talk.say("Hi.").ok
    assert talk.say("Look.").stop_reason == "budget(tokens)"
    assert talk.say("Again.").stop_reason == "budget(tokens)"
    assert server.requests == []
    assert complaints(talk.history) == []


def test_a_cost_ends_it_too(server: FakeServer, client: Client) -> None:
    model = ScriptedModel(calls(LOOK, tokens=(10, 5)), calls(("c2", "look", {})))
    talk = conversation(client, model, budget=Budget(cost="0.12"), prices=PRICES)
    reply = talk.say("Look.")
    assert (reply.stop_reason, reply.usage.cost) == ("budget(cost)", Decimal("0.12"))
    assert len(server.requests) == 1


def test_a_cost_without_a_price_is_refused_at_once(client: Client) -> None:
    with pytest.raises(ValueError, match=r"needs the price of m: .*prices="):
        conversation(client, ScriptedModel(), budget=Budget(cost=1), prices={})


def test_time_is_up_between_steps_and_bounds_calls(server: FakeServer, client: Client) -> None:
    clock = Clock()

    def slowly(_: Any) -> dict[str, Any]:
        clock.now += 4
        return calls(LOOK)

    model = ScriptedModel(slowly, slowly, slowly, says("Now."))
    options: Any = {"budget": Budget(seconds=10), "clock": clock, "timeout": 5}
    talk = conversation(client, model, **options)
    assert talk.say("Look.").stop_reason == "budget(seconds)"
    assert [each.timeout.seconds for each in server.requests] == [5, 2]
    assert talk.say("And now?").ok


def test_a_person_who_thinks_uses_no_time(server: FakeServer, client: Client) -> None:
    clock = Clock()
    talk = conversation(client, ScriptedModel(says("Yes.")), budget=Budget(seconds=5), clock=clock)
    talk.dialogue.start()
    clock.now += 1
    talk.dialogue.stop()
    clock.now += 100
    assert talk.dialogue.seconds == 1


def test_the_same_failure_again_and_again_ends_it(server: FakeServer, client: Client) -> None:
    """
    The model is told before it is stopped.
    """
    steps = [calls((f"c{at}", "fail", {"b": 1, "a": 2})) for at in range(3)]
    model = ScriptedModel(*steps)
    talk = conversation(client, model)
    assert talk.say("Fail.").stop_reason == "repeating"
    answers = [each["content"] for each in talk.history if each["role"] == "tool"]
    assert ["failed in the same way" in each for each in answers] == [False, True, False]


def test_a_failure_that_changes_goes_on(server: FakeServer, client: Client) -> None:
    steps = [calls((f"c{at}", "fail", {"a": at})) for at in range(5)]
    talk = conversation(client, ScriptedModel(*steps, says("I give up.")))
    assert talk.say("Fail.").text == "I give up."


def test_a_model_that_repeats_itself_may_conclude(client: Client) -> None:
    steps = [calls((f"c{at}", "fail", {})) for at in range(3)]
    model = ScriptedModel(*steps, says("It does not work."))
    reply = conversation(client, model, conclude=True).say("Fail.")
    assert (reply.text, reply.stop_reason) == ("It does not work.", "repeating")
    assert model.requests[-1]["tool_choice"] == "none"


CALL = st.tuples(
    st.sampled_from(["c1", "c2", ""]),
    st.sampled_from(["look", "fail", "none_such"]),
    st.sampled_from(["{}", '{"a": 1}', "{", "[]", ""]),
)
STOPS = st.sampled_from(["stop", "tool_calls", "length", "content_filter", "odd"])
RESPONSE = st.one_of(
    st.builds(says, st.sampled_from(["", "Hm."]), stop=STOPS),
    st.lists(CALL, min_size=1, max_size=3, unique_by=lambda each: each[0]).flatmap(
        lambda made: st.builds(lambda stop: calls(*made, stop=stop), STOPS)
    ),
    st.just(TimeoutError("gone")),
)


@few
@given(
    said=st.lists(RESPONSE, max_size=6),
    steps=st.integers(1, 4),
    tokens=st.none() | st.integers(1, 60),
    conclude=st.booleans(),
)
def test_whatever_a_model_does_the_history_can_be_sent(
    client: Client, said: list[Any], steps: int, tokens: int | None, conclude: bool
) -> None:
    """
    The scripted model judges every request; this judges what is left.
    """
    model = ScriptedModel(*said, *(says("End.") for _ in range(30)))
    budget = Budget(steps=steps, tokens=tokens)
    talk = conversation(client, model, budget=budget, conclude=conclude)
    for text in ("One.", "Two.", "Three."):
        try:
            talk.say(text)
        except TimeoutError:
            assert complaints(talk.history) == []
            with contextlib.suppress(TimeoutError):
                talk.retry()
        assert complaints(talk.history) == []
    assert talk.usage.requests <= len(model.requests)
    assert talk.usage.tokens == Tokens(
        input=10 * talk.usage.requests, output=5 * talk.usage.requests
    )
