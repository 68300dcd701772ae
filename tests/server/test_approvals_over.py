"""
Approvals that are over are kept for a while, and not without end.
"""

from __future__ import annotations

from approving import asked, office
from scripted_executor import run
from served import refusal
from toolcell_server.approvals.desk import OVER


def test_whoever_withdraws_and_asks_again_does_not_fill_the_disk() -> None:
    """
    What was withdrawn no longer waits, so the bound of those that wait does not stop him.
    """

    async def scenario() -> None:
        async with office(maximum_pending=2) as place:
            for _ in range(3 * OVER):
                approval_id, token = asked((await refusal(place.run("pay")))[1])
                await place.decide(approval_id, "alice", approve=False)
            _, latest = await refusal(place.run("pay", token=token))
            _, waiting = asked((await refusal(place.run("pay")))[1])
            of_bob, _ = asked((await refusal(place.run("pay", who="bob")))[1])
            await place.decide(of_bob, "bob", approve=False)

            assert "APPROVAL_DENIED" == latest.reason
            assert len((await place.list("alice")).approvals) == 2 * OVER + 1
            assert len((await place.list("bob")).approvals) == 1
            _, info = await refusal(place.run("pay", token=waiting))
            assert "APPROVAL_PENDING" == info.reason

    run(scenario())


def test_a_token_that_is_forgotten_lets_nothing_run() -> None:
    async def scenario() -> None:
        async with office(maximum_pending=1) as place:
            tokens = []
            for _ in range(OVER + 2):
                tokens.append(asked((await refusal(place.run("mail")))[1])[1])
                await place.run("mail", token=tokens[-1])
            reasons = [(await refusal(place.run("mail", token=each)))[1].reason for each in tokens]

            assert ["APPROVAL_UNKNOWN", *["APPROVAL_REPLAYED"] * (OVER + 1)] == reasons
            assert len(tokens) == place.ran

    run(scenario())
