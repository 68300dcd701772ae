"""
What a broken call needs next, as a pure decision.
"""

from __future__ import annotations

import grpc
import pytest
from toolcell.v1 import execution_pb2 as pb
from toolcell_client.errors import (
    CallRefused,
    CallTimedOut,
    ConnectionLost,
    ContractBroken,
    Refusal,
    ServerUnreachable,
    ToolcellError,
    UnknownExecution,
)
from toolcell_client.recovery import Attach, Find, Recovery, Resend, Step

BUSY = CallRefused(Refusal(code=grpc.StatusCode.UNAVAILABLE, message="busy", retry_delay=7.0))
WRONG = CallRefused(Refusal(code=grpc.StatusCode.INVALID_ARGUMENT, message="wrong"))
GONE = UnknownExecution(Refusal(code=grpc.StatusCode.NOT_FOUND, message="gone"))


def recovery(*, accepted: bool = False, attempts: int = 6) -> Recovery:
    made = Recovery(attempts, jitter=lambda: 1.0)
    if accepted:
        made.take(event(1))
    return made


def event(sequence: int) -> pb.ExecuteResponse:
    return pb.ExecuteResponse(sequence=sequence, execution_id="e", heartbeat=pb.Heartbeat())


@pytest.mark.parametrize(
    ("error", "accepted", "step"),
    [
        (BUSY, False, Resend(7.0)),
        (BUSY, True, Attach(7.0)),
        (ServerUnreachable("none"), False, Resend(0.1)),
        (ServerUnreachable("none"), True, Attach(0.1)),
        (ConnectionLost("cut"), False, Find(0.1)),
        (ConnectionLost("cut"), True, Attach(0.1)),
        (ContractBroken("gap"), True, Attach(0.1)),
    ],
    ids=[
        "refused for want of capacity: nothing ran",
        "refused while watching: the execution goes on",
        "no server: nothing was sent",
        "no server while watching",
        "cut before acceptance: it may run",
        "cut after acceptance",
        "an event is missing",
    ],
)
def test_the_next_step_follows_from_what_is_known(
    error: ToolcellError, *, accepted: bool, step: Step
) -> None:
    """
    Only what surely did not run is sent again.
    """
    assert recovery(accepted=accepted).after(error) == step


@pytest.mark.parametrize(
    ("error", "raised"),
    [(WRONG, WRONG), (CallTimedOut("late"), None), (GONE, None)],
    ids=["refused for good", "timed out", "never known"],
)
def test_what_time_does_not_heal_is_raised(
    error: ToolcellError, raised: ToolcellError | None
) -> None:
    """
    The error itself, so that its details arrive.
    """
    with pytest.raises(type(error)) as caught:
        recovery().after(error)

    assert caught.value is (raised or error)


def test_a_refused_connection_after_a_lost_one_does_not_make_it_safe_to_send_again() -> None:
    """
    The server that may have run the tool is only away.
    """
    lost = recovery()

    assert isinstance(lost.after(ConnectionLost("cut")), Find)
    assert isinstance(lost.after(ServerUnreachable("none")), Find)
    assert isinstance(lost.after(BUSY), Find)


def test_delays_grow_and_end_within_the_grace_of_the_server() -> None:
    """
    The server cancels what nobody re-attached to within 10 s.
    """
    accepted = recovery(accepted=True)

    delays = [accepted.after(ConnectionLost("cut")).delay_seconds for _ in range(6)]

    assert delays == [0.1, 0.2, 0.4, 0.8, 1.6, 2.0]
    assert sum(delays) < 10
    with pytest.raises(ConnectionLost) as caught:
        accepted.after(ConnectionLost("cut"))
    assert caught.value.execution_id == "e"


def test_an_event_makes_all_attempts_available_again() -> None:
    """
    What counts is progress, not the length of the stream.
    """
    accepted = recovery(accepted=True, attempts=1)

    for sequence in range(2, 9):
        assert accepted.after(ConnectionLost("cut")) == Attach(0.1)
        assert accepted.take(event(sequence))


def test_an_event_seen_before_is_skipped_and_a_missing_one_is_noticed() -> None:
    """
    The sequence is the only thing that tells.
    """
    accepted = recovery(accepted=True)

    assert [accepted.take(event(1)), accepted.take(event(2))] == [False, True]
    with pytest.raises(ContractBroken, match="event 4 of e came after 2"):
        accepted.take(event(4))


def test_an_execution_that_is_not_found_ends_the_search() -> None:
    """
    Another look would find nothing either, and sending again could run it twice.
    """
    lost = recovery()
    lost.after(ConnectionLost("cut"))

    with pytest.raises(ConnectionLost, match="whether the tool ran is not known") as caught:
        lost.found("")

    with pytest.raises(ConnectionLost):
        lost.after(caught.value)


def test_an_execution_the_server_no_longer_knows_is_not_a_refusal() -> None:
    """
    It was accepted; "nothing ran" would be a lie.
    """
    with pytest.raises(ConnectionLost, match="no longer knows"):
        recovery(accepted=True).after(GONE)
