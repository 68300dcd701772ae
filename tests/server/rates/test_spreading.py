"""
Refusals of one caller that leave one after another.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, NoReturn

import pytest
from grpc_server import SERVICE, calling, failure
from scripted_executor import run
from toolcell_server.interceptors import ErrorInterceptor
from toolcell_server.principal import Principal
from toolcell_server.rates import spreading
from toolcell_server.rates.spreading import APART_SECONDS, LONGEST_SECONDS, Spreading
from toolcell_server.refusals import QuotaExceeded, UnknownTool

if TYPE_CHECKING:
    from toolcell_server.refusals import CallRefused

ALICE, MALLORY = Principal(name="alice"), Principal(name="mallory")


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_a_burst_leaves_one_after_another_and_one_alone_at_once() -> None:
    clock = Clock()
    spread = Spreading(clock)
    delays = [spread.delay(MALLORY) for _ in range(4)]
    clock.now += 4 * APART_SECONDS

    assert [0, 1, 2, 3] == [round(delay / APART_SECONDS) for delay in delays]
    assert 0 == pytest.approx(spread.delay(MALLORY), abs=1e-9)


def test_nobody_waits_for_the_refusals_of_another() -> None:
    spread = Spreading(Clock())
    for _ in range(100):
        spread.delay(MALLORY)

    assert 0 == spread.delay(ALICE)


def test_callers_without_a_name_are_told_apart_by_where_they_call_from() -> None:
    spread = Spreading(Clock())
    origins = ["ipv4:192.0.2.1:1", "ipv4:192.0.2.1:2", "ipv4:192.0.2.2:1"]
    delays = [spread.delay(Principal(origin=origin)) for origin in origins]

    assert [0, 1, 0] == [round(delay / APART_SECONDS) for delay in delays]


def test_no_flood_makes_a_refusal_wait_for_long() -> None:
    spread = Spreading(Clock())

    assert max(spread.delay(MALLORY) for _ in range(10_000)) == pytest.approx(LONGEST_SECONDS)


def test_callers_who_are_gone_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    And where there are too many at a time, the rest is one.
    """
    monkeypatch.setattr(spreading, "_MOST", 3)
    clock = Clock()
    spread = Spreading(clock)
    names = [Principal(name=str(number)) for number in range(5)]
    delays = [spread.delay(name) for name in names]
    clock.now += 1.0
    for name in names:
        spread.delay(name)

    assert [0, 0, 0, 0, 1] == [round(delay / APART_SECONDS) for delay in delays]
    assert len(spread._next) <= 4


@pytest.mark.parametrize(
    ("refusal", "waits"), [(QuotaExceeded.example(), True), (UnknownTool("x"), False)]
)
def test_what_waits_is_a_refusal_for_a_quota(
    refusal: CallRefused, *, waits: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    And its status is what it would be without.
    """
    asked: list[Principal] = []

    async def noted(_self: Spreading, caller: Principal) -> None:
        await asyncio.sleep(0)
        asked.append(caller)

    async def handler(_request: bytes, _context: Any) -> NoReturn:
        raise refusal

    async def scenario() -> str:
        async with calling(ErrorInterceptor(), unary=handler) as channel:
            return (await failure(channel.unary_unary(f"/{SERVICE}/Unary")(b""))).code().name

    monkeypatch.setattr(Spreading, "wait", noted)

    assert refusal.code == run(scenario())
    assert waits == bool(asked)
