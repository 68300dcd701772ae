"""
Progress that always grows, and never floods.
"""

from __future__ import annotations

from exampling import few
from hypothesis import given
from hypothesis import strategies as st
from toolcell_client.mcp_server.pacing import AT_ONCE, Pace

_fractions = st.none() | st.floats(allow_nan=True, allow_infinity=True)


@few
@given(told=st.lists(st.tuples(st.floats(0, 2), _fractions), max_size=60))
def test_whatever_a_tool_says_progress_grows(told: list[tuple[float, float | None]]) -> None:
    """
    A client may end a call whose progress goes back.
    """
    pace, seconds, sent = Pace(), 0.0, []
    for passed, fraction in told:
        seconds += passed
        one = pace.at(seconds, fraction, "x")
        if one is not None:
            sent.append(one)
    values = [one.progress for one in sent]

    assert values == sorted(set(values))
    assert all(0 <= one.progress <= (one.total or 1) for one in sent)
    assert len(sent) <= AT_ONCE + 10 * seconds


def test_a_tool_that_says_nothing_promises_nothing() -> None:
    """
    No total until there is one.
    """
    pace = Pace()
    first, second, third = pace.at(0, None), pace.at(1, None, "on"), pace.at(2, 0.5, "half")

    assert first is not None
    assert second is not None
    assert third is not None
    assert (first.total, second.total, third.total) == (None, None, 1.0)
    assert (first.progress, second.message, third.progress) == (0.001, "on", 0.5)


def test_a_flood_is_cut() -> None:
    """
    Ten at once, then ten a second.
    """
    pace = Pace()
    sent = [pace.at(0.0, n / 1000) for n in range(1000)]
    later = [pace.at(1.0, 1.0), pace.at(1.0, 1.0)]

    assert AT_ONCE == len([one for one in sent if one])
    assert [True, False] == [one is not None for one in later]
