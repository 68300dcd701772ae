"""
How long calls will wait and run, by what is known of the past.
"""

from __future__ import annotations

import pytest
from toolcell_server.forecast import GUESSED_SECONDS, MAXIMUM_TOOLS, Forecast


def seen(**seconds: float) -> Forecast:
    """
    After a hundred executions of each tool that took so long, one at a time.
    """
    forecast = Forecast()
    now = 0.0
    for tool, taken in seconds.items():
        for number in range(100):
            forecast.begin(f"{tool}-{number}", now)
            now += taken
            forecast.end(f"{tool}-{number}", tool, now)
    return forecast


def test_where_nothing_is_known_a_guess_stands_in_for_it() -> None:
    """
    A burst on a server that has just begun is not accepted as a whole.
    """
    assert Forecast().wait_seconds(49, 2, 0.0) == 25 * GUESSED_SECONDS
    assert Forecast().wait_seconds(49, 2, 0.0, guessed=0.0) == 0.0
    assert seen(tool=1.0).wait_seconds(9, 2, 100.0, guessed=9.0) == pytest.approx(5.0, rel=0.01)
    assert Forecast().run_seconds("any") == 0.0


def test_each_tool_has_its_own_time_and_a_new_one_that_of_all() -> None:
    """
    A short tool is not refused because another is long.
    """
    forecast = seen(long=10.0, short=0.1)

    assert forecast.run_seconds("short") == pytest.approx(0.1, rel=0.01)
    assert forecast.run_seconds("long") == pytest.approx(10.0, rel=0.01)
    assert forecast.run_seconds("new") > 0.1


def test_a_queue_moves_on_once_for_every_place() -> None:
    """
    Nine before, two places and a second each: five seconds.
    """
    assert seen(tool=1.0).wait_seconds(9, 2, 100.0) == pytest.approx(5.0, rel=0.01)


def test_what_hangs_now_counts_before_it_has_ended() -> None:
    """
    What has not ended is in no mean, and blocks all the same.
    """
    forecast = seen(tool=0.1)
    forecast.begin("hangs", 100.0)

    assert forecast.wait_seconds(0, 1, 100.0) == pytest.approx(0.1, rel=0.1)
    assert forecast.wait_seconds(0, 1, 130.0) == pytest.approx(30.0, rel=0.01)


def test_tools_that_come_and_go_are_not_remembered_without_end() -> None:
    """
    Their names are an operator's, and a reload may bring new ones for ever.
    """
    forecast = Forecast()
    for number in range(MAXIMUM_TOOLS + 10):
        forecast.begin("one", 0.0)
        forecast.end("one", f"tool-{number}", 1.0)

    assert len(forecast._tools) == MAXIMUM_TOOLS
    assert forecast.run_seconds(f"tool-{MAXIMUM_TOOLS + 5}") > 0
