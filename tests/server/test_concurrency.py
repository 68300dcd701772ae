"""
How many may run at once, by what the host says.
"""

from __future__ import annotations

from typing import Any

import pytest
from toolcell_server import host_load
from toolcell_server.bearing import LOOK_SECONDS, Bearing
from toolcell_server.concurrency import PER_CORE, Concurrency, Load

GIBIBYTE = 2**30
CORES = 2
CALM = Load(runnable=1, available_bytes=20 * GIBIBYTE, total_bytes=24 * GIBIBYTE)


def load(**changes: Any) -> Load:
    known = {"runnable": 1, "available_bytes": 20 * GIBIBYTE, "total_bytes": 24 * GIBIBYTE}
    return Load(**{**known, **changes})


def settled(concurrency: Concurrency, computing: float, looks: int = 100) -> list[int]:
    """
    The limits of the last half of the looks; as many run as may, and that share of them computes.
    """
    limits = []
    for _ in range(looks):
        running = concurrency.limit
        limits.append(concurrency.look(load(runnable=int(running * computing)), running, 0, 0.0))
    return limits[looks // 2 :]


def test_a_thousand_that_wait_run_at_once() -> None:
    """
    Who waits for others costs no core.
    """
    assert settled(Concurrency(1000, CORES), 0.004) == [1000] * 50


def test_of_a_thousand_that_compute_a_few_run_at_a_time() -> None:
    """
    All at once they would each take as long as all of them together.
    """
    limits = settled(Concurrency(1000, CORES), 1.0)

    assert PER_CORE * CORES <= min(limits)
    assert max(limits) <= 2 * PER_CORE * CORES


def test_a_mixture_finds_its_own_number() -> None:
    """
    A tenth of them computes: ten times as many.
    """
    limits = settled(Concurrency(1000, CORES), 0.1)

    assert 5 * PER_CORE * CORES <= min(limits)
    assert max(limits) <= 15 * PER_CORE * CORES


def test_the_limit_comes_back_when_the_cores_are_free_again() -> None:
    """
    A burst must not slow down what comes after it.
    """
    concurrency = Concurrency(1000, CORES)
    settled(concurrency, 1.0)

    assert settled(concurrency, 0.0)[-1] == 1000


def test_what_others_do_on_the_host_never_stops_us() -> None:
    """
    A neighbour who floods the cores gets his share of them from the kernel, and not ours.
    """
    concurrency = Concurrency(100, CORES)
    for _ in range(100):
        concurrency.look(load(runnable=500), 1, 0, 0.0)

    assert concurrency.limit == PER_CORE * CORES


def test_a_small_maximum_is_never_passed() -> None:
    """
    It is the operator's word.
    """
    assert settled(Concurrency(3, CORES), 0.0) == [3] * 50
    assert settled(Concurrency(3, CORES), 1.0) == [3] * 50


@pytest.mark.parametrize(
    ("changes", "running", "young", "expected"),
    [
        pytest.param({"available_bytes": 2 * GIBIBYTE}, 100, 0, 108, id="as many as find room"),
        pytest.param(
            {"available_bytes": 2 * GIBIBYTE}, 100, 100, 8, id="the young take theirs yet"
        ),
        pytest.param(
            {"available_bytes": GIBIBYTE}, 100, 0, 97, id="fewer than run when it is short"
        ),
        pytest.param({"available_bytes": 0}, 3, 0, 1, id="one may always run"),
        pytest.param({"stalled_percent": 50.0}, 100, 0, 100, id="no more when the host stalls"),
    ],
)
def test_memory_bounds_how_many_run(
    changes: dict[str, Any], running: int, young: int, expected: int
) -> None:
    """
    A host without memory ends somebody, and does not ask whom we would choose.
    """
    concurrency = Concurrency(1000, CORES)

    assert expected == concurrency.look(load(**changes), running, young, 100 * 2**20)


def test_the_host_is_asked_now_and_then_only() -> None:
    """
    At a thousand calls a second a look at each would cost more than it is worth.
    """
    asked: list[Load] = []

    def ask() -> Load:
        asked.append(CALM)
        return CALM

    bearing = Bearing(10, ask, 0.0)
    for tick in range(1000):
        bearing.look(5, tick * LOOK_SECONDS / 100)

    assert 8 <= len(asked) <= 10


def test_this_host_says_how_it_is() -> None:
    """
    Of the real kernel.
    """
    said = host_load.read()

    assert said is not None
    assert said.runnable >= 1
    assert 0 < said.available_bytes < said.total_bytes
    assert 0.0 <= said.stalled_percent <= 100.0
