"""
Calls of a model that a person has to say yes to: the one in front of the program, or another.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from approval_place import Place
from scripted_models import ScriptedModel, calls, complaints, says
from toolcell_client import Conversation
from toolcell_client.loops.approving import Approve, Deny, Later
from toolcell_client.loops.entries import ApprovalAsked, ApprovalDecided

if TYPE_CHECKING:
    from collections.abc import Iterator

    from toolcell_client import Client
    from toolcell_client.loops.approving import Question

BOB, EVE = ("c1", "mail", {"to": "bob"}), ("c2", "mail", {"to": "eve"})


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    made = Place(tmp_path_factory.mktemp("place"))
    try:
        yield made
    finally:
        made.server.stop()


@pytest.fixture(scope="module")
def alice(place: Place) -> Iterator[Client]:
    with place.client("alice") as client:
        yield client


@pytest.fixture(scope="module")
def boss(place: Place) -> Iterator[Client]:
    with place.client("boss") as client:
        yield client


def conversation(client: Client, *steps: Any, **options: Any) -> Conversation:
    tools = ["mail", "wipe"]
    return Conversation(client, ScriptedModel(*steps), provider="openai", tools=tools, **options)


def told(talk: Conversation) -> list[str]:
    return [each["content"] for each in talk.history if each["role"] == "tool"]


def test_a_function_may_decide_at_once(alice: Client) -> None:
    def approve(question: Question) -> Approve | Deny:
        return Approve() if question.call.arguments["to"] == "bob" else Deny("not to her")

    talk = conversation(alice, calls(BOB, EVE), says("Sent one."), approve=approve)
    assert talk.say("Write to both.").ok
    assert told(talk)[0] == "sent to bob"
    assert "not to her" in told(talk)[1]


def test_each_call_is_decided_for_itself(alice: Client) -> None:
    talk = conversation(alice, calls(BOB, EVE), says("Sent one."))
    assert [each.key for each in talk.say("Write to both.").pending] == ["c1", "c2"]
    reply = talk.resume({"c1": True})
    assert (reply.stop_reason, [each.key for each in reply.pending]) == ("pending", ["c2"])
    assert talk.resume(Deny("not to her")).text == "Sent one."
    assert told(talk)[0] == "sent to bob"
    decided = [each for each in talk.transcript if isinstance(each, ApprovalDecided)]
    assert [(each.call_id, each.approved) for each in decided] == [("c1", True), ("c2", False)]
    assert any(isinstance(each, ApprovalAsked) for each in talk.transcript)


def test_a_user_who_goes_on_answers_for_what_waits(alice: Client) -> None:
    talk = conversation(alice, calls(BOB), says("Never mind."))
    assert talk.say("Write to Bob.").stop_reason == "pending"
    assert talk.say("Forget it.").text == "Never mind."
    assert "went on without deciding" in told(talk)[0]
    assert talk.pending == ()
    with pytest.raises(ValueError, match="no call waits"):
        talk.resume(True)


def test_what_is_no_decision_changes_nothing(alice: Client) -> None:
    talk = conversation(alice, calls(BOB), says("Sent."))
    talk.say("Write to Bob.")
    with pytest.raises(ValueError, match="no call waits as 'c9'; these do: c1"):
        talk.resume({"c9": True})
    with pytest.raises(TypeError, match="yes"):
        talk.resume("yes")  # type: ignore[arg-type]
    assert talk.resume(Later()).stop_reason == "pending"
    with pytest.raises(ValueError, match="nothing to retry"):
        talk.retry()
    assert talk.resume(Approve()).text == "Sent."


def test_another_principal_says_yes(place: Place, alice: Client, boss: Client) -> None:
    """
    Until then, to resume only asks again; the approval is the same one.
    """
    wipe = calls(("c1", "wipe", {"path": str(place.file)}))
    talk = conversation(alice, wipe, says("Gone."))
    question = talk.say("Wipe it.").pending[0].question
    assert question is not None
    assert question.kind == "approve"
    again = talk.resume(True).pending[0].question
    assert again is not None
    assert again.approval_id == question.approval_id
    boss.approvals.approve(question.approval_id)
    assert talk.resume(True).text == "Gone."
    assert place.file.read_text() == "wiped"


def test_a_restored_conversation_asks_another_principal_anew(
    place: Place, alice: Client, boss: Client
) -> None:
    """
    The token of the first question is gone, as it should be: it is in no file.
    """
    wipe = calls(("c1", "wipe", {"path": str(place.file)}))
    talk = conversation(alice, wipe)
    first = talk.say("Wipe it.").pending[0].question
    saved = json.loads(json.dumps(talk.save()))
    model = ScriptedModel(says("Gone."))
    options: Any = {"provider": "openai", "tools": ["mail", "wipe"]}
    restored = Conversation.restore(saved, alice, model, **options)
    second = restored.resume(True).pending[0].question
    assert first is not None
    assert second is not None
    assert first.approval_id != second.approval_id
    boss.approvals.approve(second.approval_id)
    assert restored.resume(True).text == "Gone."
    assert complaints(restored.history) == []


def test_a_conversation_is_restored_with_its_own_provider(alice: Client) -> None:
    saved = conversation(alice, says("Hi.")).save()
    with pytest.raises(ValueError, match="was with openai; anthropic cannot"):
        Conversation.restore(saved, alice, ScriptedModel(), provider="anthropic")
    with pytest.raises(ValueError, match="no saved conversation"):
        Conversation.restore({}, alice, ScriptedModel(), provider="openai")
