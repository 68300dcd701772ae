"""
Approvals that are over are kept for a while, and not without end.
"""

from __future__ import annotations

from approving import asked, office
from scripted_executor import run
from served import refusal
from toolcell_server.approvals.desk import OVER


def test_whoever_withdraws_and_asks_again_does_not_go_on_without_end() -> None:
    """
    What was withdrawn no longer waits, so the bound of those that wait does not stop him; and what
    is refused for want of an approval counts for no rate.
    """

    async def scenario() -> None:
        async with office(maximum_pending=2) as place:
            for _ in range(2 * OVER):
                approval_id, token = asked((await refusal(place.run("pay")))[1])
                await place.decide(approval_id, "alice", approve=False)
            _, info = await refusal(place.run("pay"))
            of_bob = (await refusal(place.run("pay", who="bob")))[1]
            latest = (await refusal(place.run("pay", token=token)))[1]

            assert "TOO_MANY_APPROVALS" == info.reason
            assert ("APPROVAL_REQUIRED", "APPROVAL_DENIED") == (of_bob.reason, latest.reason)
            place.clock.now += 3600
            assert "APPROVAL_REQUIRED" == (await refusal(place.run("pay")))[1].reason

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
