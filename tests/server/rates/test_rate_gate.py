"""
The gate that counts: who is refused by what, and what is given back.
"""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
from typing import TYPE_CHECKING, Any

import pytest
from counting import ALICE, BOB, Gated, gated, rule, tool
from hypothesis import given
from hypothesis import strategies as st
from toolcell_server.database import Database
from toolcell_server.limits import Limits
from toolcell_server.principal import ANYBODY, Principal
from toolcell_server.rates.gate import SHORTEST_CPU_SECONDS
from toolcell_server.rates.saved import Saved
from toolcell_server.refusals import QuotaExceeded, QuotasUnreliable

if TYPE_CHECKING:
    from toolcell_server.gates import Call

OTHER = tool("other")
NETWORKED = tool("fetch", domains=("example.org:443",))
CAREFUL = tool("careful", rates={"calls": "1/minute"})


def passing(gate: Gated, *calls: tuple[Any, ...], **fields: Any) -> str:
    """
    `+` for each call that passes and runs, `-` for each that is refused.
    """

    async def scenario() -> str:
        found = ""
        for arguments in calls:
            try:
                await gate.run(*arguments, **fields)
                found += "+"
            except QuotaExceeded:
                found += "-"
        return found

    return asyncio.run(scenario())


@pytest.mark.parametrize(
    ("per", "expected"),
    [
        ("principal", "+-+-"),  # alice, alice with another tool, bob, bob with another tool
        ("tool", "++--"),
        ("principal_tool", "++++"),
        ("global", "+---"),
    ],
)
def test_what_is_counted_together(per: Any, expected: str) -> None:
    """
    By principal, by tool, by both, or all.
    """
    gate = gated(rule("1/minute", per=per))

    assert expected == passing(gate, (ALICE,), (ALICE, OTHER), (BOB,), (BOB, OTHER))


def test_a_rule_leaves_those_alone_whom_it_is_not_about() -> None:
    """
    A rule for a role and a tool.
    """
    gate = gated(rule("1/minute", principal="role:batch", tools=("echo",)))

    assert passing(gate, (BOB,), (BOB,), (BOB, OTHER), (ALICE,), (ALICE,)) == "+-+++"


def test_the_strictest_of_all_rules_wins_whoever_wrote_it() -> None:
    """
    A tool's own rule only takes away, and the operator's takes away from that.
    """
    loose, strict = rule("9/minute"), rule("1/hour", tools=("careful",), per="tool")

    assert passing(gated(loose), (ALICE, CAREFUL), (BOB, CAREFUL), (BOB,)) == "+-+"
    gate = gated(loose, strict)
    first = passing(gate, (ALICE, CAREFUL))
    gate.clock.now += 60
    assert first + passing(gate, (ALICE, CAREFUL)) == "+-"


def test_callers_without_a_name_are_counted_by_host() -> None:
    """
    One that floods does not take the places of all.
    """
    gate = gated(rule("1/minute"))
    here, there = (Principal(origin=f"ipv4:192.0.2.{n}:{n}") for n in (1, 2))

    assert passing(gate, (here,), (here,), (there,), (ANYBODY,), (ANYBODY,)) == "+-++-"


def test_a_refusal_says_which_rule_whose_and_when_there_will_be_room() -> None:
    """
    The longest of what is full counts, and waiting that long is enough.
    """
    gate = gated(rule("1/second", "2/minute", name="interactive"))
    assert passing(gate, (ALICE,)) == "+"
    gate.clock.now += 1.5
    assert passing(gate, (ALICE,)) == "+"

    with pytest.raises(QuotaExceeded) as caught:
        asyncio.run(gate.run(ALICE))

    refused = caught.value
    assert refused.retry_delay_seconds == 58.5
    assert {"quota": "calls", "limit": "2", "remaining": "0", "reset": "58.500"} == refused.metadata
    assert [
        ("principal:alice", "interactive: at most 2 calls per minute for each principal"),
        ("principal:alice", "interactive: at most 1 calls per second for each principal"),
    ] == refused.quotas
    assert gate.refused == ["calls"]
    gate.clock.now += refused.retry_delay_seconds
    assert passing(gate, (ALICE,)) == "+"


def test_a_call_that_did_not_run_costs_nothing() -> None:
    """
    As one that a later station refuses, or that is cancelled in the queue.
    """
    gate = gated(rule("1/minute", "1/day", concurrency=1))

    async def scenario() -> None:
        for _ in range(5):
            _, resources = await gate.pass_()
            with contextlib.suppress(QuotaExceeded):
                await gate.run()  # while it is there it does count
                raise AssertionError("two at once")
            resources.close()
        await gate.run()
        with pytest.raises(QuotaExceeded):
            await gate.run()

    asyncio.run(scenario())


def test_places_are_given_back_when_an_execution_is_closed() -> None:
    """
    Each exactly once; a call that is refused holds none.
    """
    gate = gated(rule("3/minute", concurrency=2))

    async def scenario() -> None:
        calls = [await gate.pass_(), await gate.pass_()]
        for _ in range(3):
            with pytest.raises(QuotaExceeded) as caught:
                await gate.pass_()
            assert caught.value.metadata["quota"] == "concurrency"
            assert 0 < caught.value.retry_delay_seconds <= 10
        for passed, resources in calls:
            passed.taken[0].begin()
            resources.close()
            resources.close()
        await gate.run()
        with pytest.raises(QuotaExceeded) as caught:  # three ran, and no place is held
            await gate.run()
        assert caught.value.metadata["quota"] == "calls"
        gate.clock.now += 60
        opened = [await gate.pass_(), await gate.pass_()]
        assert len(opened) == 2

    asyncio.run(scenario())


def test_a_call_that_is_only_validated_is_told_and_takes_nothing() -> None:
    """
    It must leave no trace in a count.
    """
    gate = gated(rule("1/minute", concurrency=1))

    assert passing(gate, *[(ALICE,)] * 5, validate_only=True) == "+++++"

    async def meanwhile() -> None:
        _, resources = await gate.pass_(validate_only=True)
        with resources:
            await gate.run()

    asyncio.run(meanwhile())
    assert passing(gate, (ALICE,)) == "-"
    assert passing(gate, (ALICE,), validate_only=True) == "-"
    assert len(gate.windows) == 1


def test_a_spent_budget_refuses_and_what_is_left_of_it_bounds_the_next_run() -> None:
    """
    A run is granted no more than there is; its tool's own limits stay where they are lower.
    """
    gate = gated(rule(cpu_seconds_per_day=12.0, egress_bytes_per_day=1000))
    limits = Limits(cpu_seconds=10.0, network_bytes=600)

    async def scenario() -> list[Call]:
        found = []
        for _ in range(3):
            passed = await gate.run(ALICE, NETWORKED, limits=limits)
            found.append(passed)
            passed.taken[0].charge(4.0, 450 if len(found) == 1 else 0)
        return found

    first, second, third = asyncio.run(scenario())
    assert first.limits is limits  # what is not lowered is the same, and its grant is kept
    assert [(8.0, 550), (4.0, 550)] == [
        (each.limits.cpu_seconds, each.limits.network_bytes) for each in (second, third)
    ]
    with pytest.raises(QuotaExceeded) as caught:
        asyncio.run(gate.run(ALICE, NETWORKED, limits=limits))
    assert caught.value.metadata == {
        "quota": "cpu_seconds",
        "limit": "12",
        "remaining": "0",
        "reset": "86400.000",
    }
    assert "in 24 hours" in caught.value.message
    assert passing(gate, (BOB, NETWORKED)) == "+"


def test_the_last_of_a_budget_is_enough_to_start() -> None:
    """
    A limit of nothing would be none.
    """
    gate = gated(rule(cpu_seconds_per_day=1.0))

    async def scenario() -> float:
        passed = await gate.run()
        passed.taken[0].charge(0.999_999, 0)
        return (await gate.run()).limits.cpu_seconds

    assert SHORTEST_CPU_SECONDS == asyncio.run(scenario())


def test_what_others_have_sent_is_no_matter_of_a_tool_without_egress() -> None:
    """
    Positive control: the tool that has it is refused.
    """
    gate = gated(rule(egress_bytes_per_day=10))

    async def scenario() -> None:
        passed = await gate.run(ALICE, NETWORKED)
        passed.taken[0].charge(0.0, 10)

    asyncio.run(scenario())
    assert passing(gate, (ALICE, NETWORKED), (ALICE,)) == "-+"


def test_a_reloaded_tool_has_the_rules_of_its_new_manifest() -> None:
    """
    What is known by heart belongs to one object.
    """
    gate = gated()
    strict, loose = tool(rates={"calls": "1/minute"}), tool(rates={"calls": "3/minute"})

    assert passing(gate, (ALICE, strict), (ALICE, strict), (ALICE, loose)) == "+-+"


def test_calls_without_rules_leave_no_key() -> None:
    """
    Nor does anything else about them.
    """
    gate = gated()

    assert passing(gate, *[(Principal(name=str(n)),) for n in range(9)]) == "+" * 9
    assert len(gate.windows) == 0


def test_what_cannot_be_stored_is_refused_as_our_fault() -> None:
    """
    Fail closed: UNAVAILABLE, and the log says why.
    """
    with tempfile.TemporaryDirectory() as folder:
        saved = Saved(Database.opened(folder), lambda _seconds, _function: None)
        gate = gated(rule("5/day", concurrency=1), saved=saved)
        saved.failing = "disk full"
        for _ in range(2):  # the place of the first has been given back
            with pytest.raises(QuotasUnreliable):
                asyncio.run(gate.run())

    assert gate.refused == ["store", "store"]


_ACTIONS = st.lists(
    st.tuples(st.sampled_from(["open", "run", "drop", "wait"]), st.integers(0, 9)), max_size=80
)


@given(_ACTIONS, st.integers(1, 4), st.integers(1, 3))
def test_whatever_calls_do_there_are_never_too_many(
    actions: list[tuple[str, int]], calls: int, at_once: int
) -> None:
    """
    Calls pass, run to their end, or are dropped before they run, in any order.
    """
    gate = gated(rule(f"{calls}/10 seconds", concurrency=at_once))

    async def scenario() -> None:
        opened: list[tuple[float, Call, contextlib.ExitStack]] = []
        ran: list[float] = []
        for action, number in actions:
            if action == "wait":
                gate.clock.now += number
            elif action == "open":
                with contextlib.suppress(QuotaExceeded):
                    opened.append((gate.clock.now, *await gate.pass_()))
            elif opened:
                at, passed, resources = opened.pop(number % len(opened))
                if action == "run":
                    passed.taken[0].begin()
                    ran.append(at)
                resources.close()
            assert len(opened) <= at_once
        for begin in ran:
            assert sum(begin <= at < begin + 10 for at in ran) <= calls
        for _, _, resources in opened:
            resources.close()
        gate.clock.now += 10
        await gate.run()  # nothing is held for ever

    asyncio.run(scenario())
