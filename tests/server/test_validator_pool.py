"""
The killable process: what hangs is ended, and nobody else notices.
"""

from __future__ import annotations

import asyncio
import json
import os
import time

import psutil
import pytest
from toolcell_server.refusals import NoCapacity
from toolcell_server.validation import Validation
from toolcell_server.validator_pool import NoValidator, TookTooLong, ValidatorPool
from validating import DEADLINE, FITS, HANGS, REDOS, check, run, tool, validators


def test_a_schema_that_hangs_is_refused_within_its_budget_and_others_go_on() -> None:
    """
    A regular expression holds the interpreter's lock: in this process every call would freeze.
    """

    async def scenario(validation: Validation) -> None:
        assert await check(validation, tool(REDOS), FITS) == []
        began = time.monotonic()
        hanging = asyncio.create_task(check(validation, tool(REDOS), HANGS))
        steps = 0
        while not hanging.done():
            await asyncio.wait((hanging,), timeout=0.01)
            steps += 1
        [(field, description)] = await hanging

        assert field == "arguments_json"
        assert "checking took too long" in description
        assert 0.4 < time.monotonic() - began < 5.0
        assert steps > 10
        assert await check(validation, tool(REDOS), FITS) == []
        assert await check(validation, tool(REDOS), {"s": "b"}) == [
            ("arguments_json/s", "must match the pattern ^(a+)+$")
        ]

    run(scenario)


def test_a_killed_validator_is_gone_at_once() -> None:
    """
    What hangs must not go on burning a processor after the refusal.
    """

    async def scenario(validation: Validation) -> None:
        await check(validation, tool(REDOS), FITS)
        [pid] = validators()
        await check(validation, tool(REDOS), HANGS)

        assert not psutil.pid_exists(pid)

    run(scenario)


def test_a_validator_is_nobody() -> None:
    """
    It exists to read what is hostile; as root it would be worth taking over.
    """

    async def scenario(validation: Validation) -> None:
        await check(validation, tool(REDOS), FITS)
        [pid] = validators()

        assert psutil.Process(pid).environ() == {}
        assert psutil.Process(pid).uids().effective != 0
        assert psutil.Process(pid).num_fds() == 3

    run(scenario)


def test_a_validator_is_kept_between_checks() -> None:
    """
    A process for each check would cost a hundred milliseconds each.
    """

    async def scenario(validation: Validation) -> None:
        seen = set()
        for _ in range(5):
            await check(validation, tool(REDOS), FITS)
            seen |= set(validators())

        assert len(seen) == 1

    run(scenario)


def test_a_validator_that_was_killed_from_outside_is_replaced() -> None:
    """
    The kernel's out-of-memory killer does not ask.
    """

    async def scenario(validation: Validation) -> None:
        await check(validation, tool(REDOS), FITS)
        [pid] = validators()
        os.kill(pid, 9)
        [(_, description)] = await check(validation, tool(REDOS), FITS)

        assert "checking took too long" in description
        assert await check(validation, tool(REDOS), FITS) == []
        assert pid not in validators()

    run(scenario)


def test_a_cancelled_check_does_not_answer_the_next_one() -> None:
    """
    A late answer read as the next one's would accept arguments that nobody checked.
    """
    late = {"s": "a" * 24 + "!"}  # some 0.4 s, then a violation

    async def scenario(validation: Validation) -> None:
        await check(validation, tool(REDOS), FITS)
        [pid] = validators()
        cancelled = asyncio.create_task(check(validation, tool(REDOS), late))
        await busy(pid)
        cancelled.cancel()
        await asyncio.gather(cancelled, return_exceptions=True)

        assert cancelled.cancelled()
        assert await check(validation, tool(REDOS), FITS) == []
        assert pid not in validators()

    run(scenario, budget_seconds=10.0)


async def busy(pid: int) -> None:
    """
    Wait until a process has begun to work.
    """
    process = psutil.Process(pid)
    before = process.cpu_times().user
    async with asyncio.timeout(DEADLINE):
        while process.cpu_times().user <= before:  # noqa: ASYNC110  # another process tells no one
            await asyncio.sleep(0.005)


def test_hanging_checks_do_not_take_every_validator_for_long() -> None:
    """
    Many hostile callers at once: everybody gets an answer, and at most two processes exist.
    """

    async def scenario(validation: Validation) -> None:
        hostile = [asyncio.create_task(check(validation, tool(REDOS), HANGS)) for _ in range(4)]
        assert await check(validation, tool(REDOS), FITS) == []
        assert len(validators()) <= 2
        assert all("too long" in found[0][1] for found in await asyncio.gather(*hostile))

    run(scenario, budget_seconds=0.2)


def test_who_waits_too_long_for_a_validator_is_told_of_no_capacity() -> None:
    """
    A queue of checks without end would be a queue of calls without end.
    """

    async def scenario() -> None:
        pool = ValidatorPool(budget_seconds=2.0, patience_seconds=0.2)
        schema, value = json.dumps(REDOS).encode(), json.dumps(HANGS).encode()
        hanging = [asyncio.create_task(pool.find(schema, value, 64)) for _ in range(2)]
        await asyncio.sleep(0)
        with pytest.raises(NoValidator):
            await pool.find(schema, value, 64)
        await pool.aclose()
        outcomes = await asyncio.gather(*hanging, return_exceptions=True)

        assert all(isinstance(outcome, TookTooLong | NoValidator) for outcome in outcomes)

    asyncio.run(scenario())

    assert validators() == []


def test_closing_ends_checks_under_way() -> None:
    """
    A drain must not wait for a hostile regular expression.
    """

    async def scenario() -> None:
        validation = Validation(budget_seconds=60.0)
        await check(validation, tool(REDOS), FITS)
        hanging = asyncio.create_task(check(validation, tool(REDOS), HANGS))
        await asyncio.sleep(0)
        began = time.monotonic()
        await validation.aclose()
        await asyncio.gather(hanging, return_exceptions=True)

        assert time.monotonic() - began < 3.0
        with pytest.raises(NoCapacity):
            await check(validation, tool(REDOS), FITS)

    asyncio.run(scenario())

    assert validators() == []
