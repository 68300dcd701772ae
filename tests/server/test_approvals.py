"""
Calls that need an approval, over a real socket: each way to get through, and each way not to.
"""

from __future__ import annotations

import asyncio
import random
import string
from typing import TYPE_CHECKING, Any

import pytest
from approving import MORNING, Office, asked, office, runs
from scripted_executor import run
from served import refusal
from toolcell.v1 import approval_pb2 as pb
from toolcell_server.limits import Limits

if TYPE_CHECKING:
    from pathlib import Path

SEED = 7


def test_an_approved_call_runs_once_and_says_who_let_it() -> None:
    """
    The whole way: asked, approved by somebody else, run, used.
    """

    async def scenario() -> None:
        async with office() as place:
            code, info = await refusal(place.run("pay"))
            approval_id, token = asked(info)
            assert (code, place.ran, info.metadata["kind"]) == ("FAILED_PRECONDITION", 0, "approve")
            assert (await refusal(place.run("pay", token=token)))[1].reason == "APPROVAL_PENDING"

            approved = await place.decide(approval_id, "boss", reason="it is fine")
            answer = await place.run("pay", token=token)

            assert approved.state == pb.APPROVAL_STATE_APPROVED
            assert (answer.finished.result_json, place.ran) == (b"1", 1)
            used = await place.get(approval_id, "alice")
            assert (used.state, used.decided_by) == (pb.APPROVAL_STATE_USED, "boss")
            assert used.execution_id == answer.execution_id
            again = (await refusal(place.run("pay", token=token)))[1].reason
            assert (again, place.ran) == ("APPROVAL_REPLAYED", 1)
            assert [each.what for each in place.happenings] == [
                *("requested", "approved", "reserved", "used")
            ]

    run(scenario())


def test_a_confirmation_is_the_same_call_again_by_the_same_principal() -> None:
    """
    Two steps, without anybody else.
    """

    async def scenario() -> None:
        async with office() as place:
            _, token = asked((await refusal(place.run("mail")))[1])
            answer = await place.run("mail", token=token, arguments=b'{ "amount" : 1 }')
            assert (answer.finished.result_json, place.ran) == (b"1", 1)
            assert (await refusal(place.run("mail", token=token)))[1].reason == "APPROVAL_REPLAYED"

    run(scenario())


Change = dict[str, Any]


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"arguments": {"amount": 2}}, id="other arguments"),
        pytest.param({"arguments": {"amount": 1.0}}, id="a number that is written otherwise"),
        pytest.param({"arguments": {"amount": 1, "to": "me"}}, id="one argument more"),
        pytest.param({"arguments": {}}, id="no arguments"),
        pytest.param({"limits": Limits(wall_seconds=5.0).to_proto()}, id="other limits"),
        pytest.param({"tool": "sign"}, id="another tool"),
    ],
)
def test_a_token_lets_no_other_call_run(change: Change) -> None:
    """
    A person said yes to one call; a model that changes it afterwards has nothing.
    """

    async def scenario() -> None:
        async with office() as place:
            approval_id, token = asked((await refusal(place.run("pay")))[1])
            await place.decide(approval_id, "boss")
            altered = {"tool": "pay", **change}
            _, info = await refusal(place.run(altered.pop("tool"), token=token, **altered))
            assert (info.reason, place.ran) == ("APPROVAL_ALTERED", 0)
            await place.run("pay", token=token)  # the control: the real one still runs
            assert place.ran == 1

    run(scenario())


@pytest.mark.parametrize("thief", ["mallory", "boss", "", "alice/other"])
def test_a_stolen_token_is_as_unknown_as_one_that_was_made_up(thief: str) -> None:
    """
    Nobody learns from the answer that somebody else's token exists.
    """

    async def scenario() -> None:
        async with office() as place:
            approval_id, token = asked((await refusal(place.run("pay")))[1])
            await place.decide(approval_id, "boss")
            stolen = await refusal(place.run("pay", thief, token))
            made_up = await refusal(place.run("pay", thief, "A" * 43))
            assert stolen == made_up
            assert (stolen[0], stolen[1].reason) == ("NOT_FOUND", "APPROVAL_UNKNOWN")
            assert place.ran == 0
            await place.run("pay", token=token)

    run(scenario())


def test_the_id_of_an_approval_is_no_token() -> None:
    """
    Ids are in lists and messages; whoever reads them must not be able to use them.
    """

    async def scenario() -> None:
        async with office() as place:
            approval_id, _ = asked((await refusal(place.run("pay")))[1])
            await place.decide(approval_id, "boss")
            _, info = await refusal(place.run("pay", token=approval_id))
            assert (info.reason, place.ran) == ("APPROVAL_UNKNOWN", 0)

    run(scenario())


def test_no_token_that_is_made_up_lets_anything_run() -> None:
    """
    Near misses of a real one, and noise; each is refused by name, none is an error of ours.
    """
    chance = random.Random(SEED)  # a test's noise

    def made_up(token: str) -> str:
        at = chance.randrange(len(token))
        letter = chance.choice([*string.ascii_letters, "_", "-", ".", "é", "\N{PILE OF POO}"])
        guesses: list[str] = [
            token[:at] + letter + token[at + 1 :],
            token[:at],
            token + letter,
            token.swapcase(),
            "".join(chance.choices(string.printable[:90], k=chance.randrange(1, 200))),
        ]
        return chance.choice(guesses)

    async def scenario() -> None:
        async with office() as place:
            approval_id, token = asked((await refusal(place.run("pay")))[1])
            await place.decide(approval_id, "boss")
            for _ in range(300):
                guess = made_up(token)
                if guess.partition(".")[0] == token:
                    continue  # a PIN that nobody asked for is not looked at
                _, info = await refusal(place.run("pay", token=guess))
                assert (info.reason, place.ran) == ("APPROVAL_UNKNOWN", 0), guess
            await place.run("pay", token=token)

    run(scenario())


@pytest.mark.parametrize("tool", ["mail", "pay"])
def test_what_is_late_is_refused_and_what_is_just_in_time_is_not(tool: str) -> None:
    """
    A yes of yesterday is none.
    """

    async def scenario() -> None:
        async with office(confirm_seconds=60, approve_seconds=60) as place:
            late, late_token = asked((await refusal(place.run(tool)))[1])
            place.clock.now += 0.5
            early, early_token = asked((await refusal(place.run(tool)))[1])
            if tool == "pay":
                await place.decide(late, "boss")
                await place.decide(early, "boss")
            place.clock.now = MORNING + 60.0
            _, info = await refusal(place.run(tool, token=late_token))
            assert (info.reason, place.ran) == ("APPROVAL_EXPIRED", 0)
            await place.run(tool, token=early_token)
            assert (await place.get(late, "alice")).state == pb.APPROVAL_STATE_EXPIRED
            _, info = await refusal(place.decide(late, "chief", approve=False))
            assert info.reason == "APPROVAL_EXPIRED"

    run(scenario())


@pytest.mark.parametrize("folder", [True, False], ids=["on disk", "in memory"])
def test_of_fifty_calls_with_one_token_exactly_one_runs(tmp_path: Path, *, folder: bool) -> None:
    """
    The race that a replay wins against a check that is not atomic.
    """

    async def scenario() -> None:
        async with office(folder=str(tmp_path) if folder else "") as place:
            approval_id, token = asked((await refusal(place.run("pay")))[1])
            await place.decide(approval_id, "boss")
            calls = [place.run("pay", token=token, request_id=str(n)) for n in range(50)]
            ended = await asyncio.gather(*calls, return_exceptions=True)
            let_pass = [each for each in ended if not isinstance(each, BaseException)]
            assert (len(let_pass), place.ran) == (1, 1)
            refused = [each for each in ended if isinstance(each, BaseException)]
            assert {str(each.code()) for each in refused} == {  # type: ignore[attr-defined]
                "StatusCode.FAILED_PRECONDITION"
            }

    run(scenario())


def test_fifty_sendings_of_one_call_join_and_need_one_approval() -> None:
    """
    With a request_id they are one call, which was approved once.
    """

    async def scenario() -> None:
        async with office() as place:
            _, token = asked((await refusal(place.run("mail", request_id="r")))[1])
            calls = [place.run("mail", token=token, request_id="r") for _ in range(50)]
            ended = await asyncio.gather(*calls)
            assert (len({each.execution_id for each in ended}), place.ran) == (1, 1)
            again = await place.run("mail", request_id="r")  # without any token
            assert again.finished.replayed

    run(scenario())


def test_a_call_that_is_only_checked_takes_nothing() -> None:
    """
    It says what would be needed, asks nobody, and leaves the token as it was.
    """

    async def scenario() -> None:
        async with office() as place:
            _, info = await refusal(place.run("mail", validate_only=True))
            assert info.reason == "APPROVAL_REQUIRED"
            assert "approval_token" not in info.metadata
            assert not (await place.list("alice")).approvals
            _, token = asked((await refusal(place.run("mail")))[1])
            await place.run("mail", token=token, validate_only=True)
            await place.run("mail", token=token, validate_only=True)
            await place.run("mail", token=token)
            assert place.ran == 1
            _, info = await refusal(place.run("mail", token=token, validate_only=True))
            assert info.reason == "APPROVAL_REPLAYED"

    run(scenario())


async def reason_of(place: Office, tool: str, **fields: Any) -> str:
    _, info = await refusal(place.run(tool, **fields))
    return str(info.reason)


def test_a_principal_may_have_only_so_many_that_wait() -> None:
    """
    A model in a loop must not bury the person who decides; others are not held up by it.
    """

    async def scenario() -> None:
        async with office(maximum_pending=3) as place:
            reasons = [await reason_of(place, "mail") for _ in range(5)]
            assert reasons == ["APPROVAL_REQUIRED"] * 3 + ["TOO_MANY_APPROVALS"] * 2
            assert await reason_of(place, "mail", who="bob") == "APPROVAL_REQUIRED"
            mine = (await place.list("alice")).approvals
            await place.decide(mine[0].approval_id, "alice", approve=False)
            assert await reason_of(place, "mail") == "APPROVAL_REQUIRED"
            place.clock.now += 7200
            assert await reason_of(place, "mail") == "APPROVAL_REQUIRED"
            place.clock.now += 7200
            await reason_of(place, "mail")
            assert len((await place.list("alice")).approvals) <= 2  # the old ones are forgotten

    run(scenario())


def test_a_tool_that_nobody_asks_about_needs_no_approval_but_its_token_is_looked_at() -> None:
    """
    The control; and whoever sends a token counts on its being asked for.
    """

    async def scenario() -> None:
        async with office(runs()) as place:
            await place.run("look")
            await place.run("wipe")
            assert place.ran == 2
            assert await reason_of(place, "look", token="A" * 43) == "APPROVAL_UNKNOWN"

    run(scenario())


def test_the_settings_say_which_tools_need_what() -> None:
    """
    The operator's entry replaces what a manifest says; the first that fits counts.
    """

    async def scenario() -> None:
        tools = [
            {"tool": "pay", "kind": ""},
            {"tool": "l*", "kind": "confirm"},
            {"tool": "look", "kind": "approve"},
        ]
        async with office(default_for_destructive="approve", tools=tools) as place:
            await place.run("pay")
            kinds = {}
            for tool in ("look", "wipe", "mail", "sign"):
                kinds[tool] = (await refusal(place.run(tool)))[1].metadata["kind"]
            assert kinds == {
                "look": "confirm",
                "wipe": "approve",
                "mail": "confirm",
                "sign": "approve",
            }

    run(scenario())
