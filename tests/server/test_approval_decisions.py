"""
Who may know of approvals and decide about them, over a real socket.
"""

from __future__ import annotations

from typing import Any

import pytest
from approving import asked, office
from scripted_executor import run
from served import refusal
from toolcell.v1 import approval_pb2 as pb


def test_nobody_approves_a_call_of_his_own() -> None:
    """
    Not even a principal who may approve those of others.
    """

    async def scenario() -> None:
        async with office() as place:
            approval_id, token = asked((await refusal(place.run("pay", "boss")))[1])
            code, info = await refusal(place.decide(approval_id, "boss"))
            assert (code, info.reason) == ("PERMISSION_DENIED", "APPROVAL_SELF")
            assert (await refusal(place.run("pay", "boss", token)))[1].reason == "APPROVAL_PENDING"
            await place.decide(approval_id, "chief")  # the control
            await place.run("pay", "boss", token)
            assert place.ran == 1

    run(scenario())


@pytest.mark.parametrize("who", ["bob", ""])
@pytest.mark.parametrize("approve", [True, False])
def test_without_the_scope_nobody_decides_about_others(who: str, *, approve: bool) -> None:
    """
    And the answer is the same whether or not there is such an approval.
    """

    async def scenario() -> None:
        async with office() as place:
            approval_id, _ = asked((await refusal(place.run("pay")))[1])
            code, info = await refusal(place.decide(approval_id, who, approve=approve))
            assert (code, info.reason) == ("PERMISSION_DENIED", "NOT_PERMITTED")
            assert await refusal(place.decide("apr-0", who, approve=approve)) == (code, info)
            hidden = await refusal(place.get(approval_id, who))
            assert (hidden[0], hidden[1].reason) == ("NOT_FOUND", "APPROVAL_UNKNOWN")
            assert not (await place.list(who)).approvals
            assert (await place.get(approval_id, "alice")).state == pb.APPROVAL_STATE_PENDING
            assert (await place.get(approval_id, "boss")).principal == "alice"  # the control

    run(scenario())


def test_no_means_no_and_says_why() -> None:
    """
    A denied call stays denied, whoever would approve it now.
    """

    async def scenario() -> None:
        async with office() as place:
            approval_id, token = asked((await refusal(place.run("pay")))[1])
            await place.decide(approval_id, "boss", approve=False, reason="not on Fridays")
            code, info = await refusal(place.run("pay", token=token))
            assert (code, info.reason) == ("FAILED_PRECONDITION", "APPROVAL_DENIED")
            assert (info.metadata["denial_reason"], place.ran) == ("not on Fridays", 0)
            assert (await refusal(place.decide(approval_id, "chief")))[1].reason == (
                "APPROVAL_DECIDED"
            )

    run(scenario())


def test_an_approval_can_be_taken_back_until_it_is_used() -> None:
    """
    By whoever may decide; and the same answer again, as by a client that lost it, is no error.
    """

    async def scenario() -> None:
        async with office() as place:
            approval_id, token = asked((await refusal(place.run("pay")))[1])
            first = await place.decide(approval_id, "boss")
            assert await place.decide(approval_id, "boss") == first
            await place.decide(approval_id, "chief", approve=False)
            assert (await refusal(place.run("pay", token=token)))[1].reason == "APPROVAL_DENIED"
            approval_id, token = asked((await refusal(place.run("pay")))[1])
            await place.decide(approval_id, "boss")
            await place.run("pay", token=token)
            late = await refusal(place.decide(approval_id, "chief", approve=False))
            assert (late[1].reason, place.ran) == ("APPROVAL_DECIDED", 1)

    run(scenario())


def test_a_confirmation_is_its_callers_alone_to_give() -> None:
    """
    Somebody else can stop it, and cannot say yes in the caller's place.
    """

    async def scenario() -> None:
        async with office() as place:
            approval_id, token = asked((await refusal(place.run("mail")))[1])
            for who in ("boss", "alice"):
                _, info = await refusal(place.decide(approval_id, who))
                assert info.reason == "APPROVAL_DECIDED"
            await place.decide(approval_id, "boss", approve=False)
            assert (await refusal(place.run("mail", token=token)))[1].reason == "APPROVAL_DENIED"

    run(scenario())


def test_a_confirmation_does_not_do_where_an_approval_is_demanded_by_now() -> None:
    """
    The settings changed between the question and the answer: the stronger demand counts.
    """

    async def scenario() -> None:
        async with office() as place:
            _, token = asked((await refusal(place.run("mail")))[1])
            (gate,) = place.admission.gates
            demands: Any = gate.demands  # type: ignore[attr-defined]
            known = demands._known._kept
            known.update({key: (of, "approve") for key, (of, _) in known.items()})
            _, info = await refusal(place.run("mail", token=token))
            assert (info.reason, place.ran) == ("APPROVAL_ALTERED", 0)

    run(scenario())


def test_approvals_are_listed_in_pages_newest_first() -> None:
    """
    An approver reads all of them; each other principal its own.
    """

    async def scenario() -> None:
        async with office() as place:
            ids = [asked((await refusal(place.run("pay", "alice")))[1])[0] for _ in range(3)]
            ids += [asked((await refusal(place.run("mail", "bob")))[1])[0]]
            ids += [asked((await refusal(place.run("pay", "boss")))[1])[0]]
            seen, token = [], ""
            while True:
                page = await place.list("boss", page_size=2, page_token=token)
                seen += [each.approval_id for each in page.approvals]
                token = page.next_page_token
                if not token:
                    break
            assert seen == ids[::-1]
            mine = [each.approval_id for each in (await place.list("alice")).approvals]
            assert mine == ids[2::-1]
            decidable = (await place.list("boss", decidable=True)).approvals
            assert [each.approval_id for each in decidable] == ids[2::-1]
            await place.decide(ids[0], "boss")
            pending = (await place.list("alice", state=pb.APPROVAL_STATE_PENDING)).approvals
            assert [each.approval_id for each in pending] == ids[2:0:-1]
            assert [e.tool for e in (await place.list("boss", tool="mail")).approvals] == ["mail"]

    run(scenario())


@pytest.mark.parametrize(
    ("asking", "field"),
    [
        pytest.param(lambda place: place.list("boss", page_size=-1), "page_size", id="size"),
        pytest.param(lambda place: place.list("boss", page_token="x"), "page_token", id="token"),
        pytest.param(lambda place: place.get("", "boss"), "approval_id", id="no id"),
        pytest.param(lambda place: place.decide("", "boss"), "approval_id", id="nothing decided"),
        pytest.param(
            lambda place: place.decide("apr-1", "boss", reason="x" * 501), "reason", id="too long"
        ),
        pytest.param(
            lambda place: place.decide("apr-1", "boss", reason="\x1b[2J"), "reason", id="escape"
        ),
        pytest.param(
            lambda place: place.stub.DecideApproval(pb.DecideApprovalRequest(approval_id="apr-1")),
            "decision",
            id="no decision",
        ),
    ],
)
def test_a_field_that_is_malformed_is_refused_by_name(asking: Any, field: str) -> None:
    """
    As everywhere in the contract.
    """

    async def scenario() -> None:
        async with office() as place:
            code, info = await refusal(asking(place))
            assert (code, info.metadata["field"]) == ("INVALID_ARGUMENT", field)

    run(scenario())
