"""
A person says yes or no in an MCP client, somebody else does elsewhere, and nobody does for them.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import mcp_bridge
import mcp_types as types
import pytest
from identities import ALICE, BOB, token
from mcp import MCPError
from mcp_bridge import Bridged, client_of, eras, text_of, ways
from toolcell_client import Client
from waiting import until

if TYPE_CHECKING:
    from collections.abc import Iterator

SCOPES = 'scopes = ["tools:*", "toolcell:approve"]'
TO = {"to": "eve@example.com"}


@pytest.fixture(scope="module")
def bridged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bridged]:
    people = token("alice", ALICE, SCOPES) + token("bob", BOB, SCOPES)
    with mcp_bridge.bridged(tmp_path_factory.mktemp("bridged"), people) as one:
        (one.folder / "alice").write_text(ALICE)
        (one.folder / "alice").chmod(0o600)
        yield one


class Person:
    """
    Answers every question in the same way, and remembers them.
    """

    def __init__(self, action: Any, content: Any = None) -> None:
        self.asked: list[str] = []
        self._result = types.ElicitResult(action=action, content=content)

    async def __call__(self, _: Any, params: types.ElicitRequestParams) -> types.ElicitResult:
        self.asked.append(params.message)
        return self._result


def alices(bridged: Bridged, transport: str) -> tuple[Any, str]:
    """
    Where alice calls, and the token that she brings.
    """
    if transport == "http":
        return bridged.url, ALICE
    return bridged.place("stdio", "--token-file", str(bridged.folder / "alice")), ""


def approvals(bridged: Bridged, state: str) -> set[str]:
    with Client(bridged.target, token=ALICE) as client:
        return {each.approval_id for each in client.approvals.list(state=state)}


@ways()
def test_a_person_says_yes_and_the_call_runs(bridged: Bridged, transport: str, mode: str) -> None:
    """
    They are told what will run; the client's program never has the token.
    """
    person = Person("accept", {"confirm": True})
    place, bearer = alices(bridged, transport)

    async def scenario() -> None:
        async with (
            asyncio.timeout(60),
            client_of(place, mode, bearer, elicitation_callback=person) as client,
        ):
            result = await client.call_tool("mail", TO)
            assert (False, "sent to eve@example.com") == (result.is_error, text_of(result))

    asyncio.run(scenario())
    [question] = person.asked
    assert question.startswith("mail wants to run:")
    assert "eve@example.com" in question


@eras()
@pytest.mark.parametrize(
    ("action", "content"),
    [("decline", None), ("cancel", None), ("accept", {"confirm": False}), ("accept", {})],
    ids=["declined", "cancelled", "said no", "said nothing"],
)
def test_anything_else_is_a_no_and_leaves_no_question(
    bridged: Bridged, transport: str, mode: str, action: str, content: Any
) -> None:
    """
    At the server, too: nothing is left that could be approved by accident.
    """
    place, bearer = alices(bridged, transport)
    before = approvals(bridged, "denied")

    async def scenario() -> None:
        person = Person(action, content)
        async with (
            asyncio.timeout(60),
            client_of(place, mode, bearer, elicitation_callback=person) as client,
        ):
            result = await client.call_tool("mail", TO)
            assert (True, "declined") == (result.is_error, result.structured_content["error"])
            await until(lambda: len(approvals(bridged, "denied") - before) == 1)

    asyncio.run(scenario())


@eras()
def test_a_client_that_cannot_ask_is_told_what_to_do(
    bridged: Bridged, transport: str, mode: str
) -> None:
    """
    It declared no elicitation, so it is never sent one.
    """
    place, bearer = alices(bridged, transport)

    async def scenario() -> None:
        async with asyncio.timeout(60), client_of(place, mode, bearer) as client:
            told = (await client.call_tool("mail", TO)).structured_content
            assert "approval_required" == told["error"]
            assert "toolcell call" in told["hint"]

    asyncio.run(scenario())


@eras()
def test_after_somebody_else_approved_the_same_call_goes_through(
    bridged: Bridged, transport: str, mode: str
) -> None:
    """
    Once, and for the same arguments only.
    """
    place, bearer = alices(bridged, transport)
    amount = hash((transport, mode)) % 10_000

    async def scenario() -> None:
        async with asyncio.timeout(60), client_of(place, mode, bearer) as client:
            asked = (await client.call_tool("pay", {"amount": amount})).structured_content
            assert "approval_required" == asked["error"]
            again = (await client.call_tool("pay", {"amount": amount})).structured_content
            assert ("approval_pending", asked["approval_id"]) == (
                again["error"],
                again["approval_id"],
            )
            with Client(bridged.target, token=BOB) as bob:
                bob.approvals.approve(asked["approval_id"])
            other = (await client.call_tool("pay", {"amount": amount + 1})).structured_content
            assert "approval_required" == other["error"]
            paid = await client.call_tool("pay", {"amount": amount})
            assert f"paid {amount}" == text_of(paid)
            more = (await client.call_tool("pay", {"amount": amount})).structured_content
            assert "approval_required" == more["error"]

    asyncio.run(scenario())


def test_an_answer_is_taken_once_and_from_nobody_else(bridged: Bridged) -> None:
    """
    The state goes through the client's hands: made up, used, another's, or with another call it is
    worth nothing.
    """
    yes: Any = {"confirm": types.ElicitResult(action="accept", content={"confirm": True})}

    async def ask(client: Any, arguments: Any) -> str:
        asked = await client.session.call_tool("mail", arguments, allow_input_required=True)
        assert isinstance(asked, types.InputRequiredResult)
        assert asked.request_state
        return asked.request_state

    async def answer(client: Any, arguments: Any, state: str) -> Any:
        return await client.session.call_tool(
            "mail", arguments, input_responses=yes, request_state=state
        )

    async def refused(client: Any, arguments: Any, state: str) -> None:
        with pytest.raises(MCPError, match="requestState is unknown") as error:
            await answer(client, arguments, state)
        assert types.INVALID_PARAMS == error.value.code

    async def scenario() -> None:
        person = Person("accept", {"confirm": True})
        async with (
            asyncio.timeout(60),
            client_of(bridged.url, "auto", ALICE, elicitation_callback=person) as alice,
            client_of(bridged.url, "auto", BOB, elicitation_callback=person) as bob,
        ):
            await refused(alice, TO, "x" * 43)
            state = await ask(alice, TO)
            await refused(bob, TO, state)
            assert "sent to eve@example.com" == text_of(await answer(alice, TO, state))
            await refused(alice, TO, state)
            other = await ask(alice, TO)
            await refused(alice, {"to": "mallory@example.com"}, other)
            await refused(alice, TO, other)
            assert ALICE not in f"{state}{other}"

    asyncio.run(scenario())
