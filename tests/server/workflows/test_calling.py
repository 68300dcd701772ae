from __future__ import annotations

import itertools

from toolcell_server.workflows import calling


def test_who_waits_long_for_an_approval_asks_less_and_less_often() -> None:
    """
    An hour's waiting of one call is some hundreds of admissions, and not thousands.
    """
    times = itertools.accumulate(calling.pauses())
    asked = list(itertools.takewhile(lambda seconds: seconds < 3600, times))

    assert [1.0, 2.25] == asked[:2]
    assert 240 < len(asked) < 300
