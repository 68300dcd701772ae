"""
Validation against real schemas, in the event loop and outside it.
"""

from __future__ import annotations

import asyncio
import json
import time
from typing import TYPE_CHECKING, Any

import pytest
from validating import FITS, HANGS, PLAIN, RECURSIVE, REDOS, check, run, tool, validators

if TYPE_CHECKING:
    from toolcell_server.validation import Validation


NUMBERS = {"type": "object", "properties": {"n": {"items": {"type": "integer"}}}}


def test_violations_name_the_field_of_the_request() -> None:
    """
    The client shows them beside the arguments that it sent.
    """

    async def scenario(validation: Validation) -> None:
        assert await check(validation, tool(PLAIN), {"path": "/a"}) == []
        assert sorted(await check(validation, tool(PLAIN), {"pth": 1})) == [
            ("arguments_json/path", "is required"),
            ("arguments_json/pth", 'is not a property; the properties are "path"'),
        ]
        assert validators() == []

    run(scenario)


def test_a_recursive_schema_checks_as_deep_as_arguments_may_be() -> None:
    """
    The announced depth of 64 must hold for the schemas that make use of it.
    """
    deep: Any = None
    for _ in range(63):
        deep = {"child": deep}
    wrong: Any = "leaf"
    for _ in range(63):
        wrong = {"child": wrong}

    async def scenario(validation: Validation) -> None:
        assert await check(validation, tool(RECURSIVE), deep) == []
        assert await check(validation, tool(RECURSIVE), wrong) != []

    run(scenario, budget_seconds=10.0)


def test_large_arguments_do_not_block_the_event_loop() -> None:
    """
    A megabyte of small numbers costs jsonschema seconds; other calls must not wait for it.
    """
    arguments = {"n": [1] * 100_000}

    async def scenario(validation: Validation) -> None:
        raw = json.dumps(arguments).encode()
        checking = asyncio.create_task(validation.check(tool(NUMBERS), arguments, raw))
        longest, last = 0.0, time.monotonic()
        while not checking.done():
            await asyncio.wait((checking,), timeout=0.01)
            longest, last = max(longest, time.monotonic() - last), time.monotonic()
        await checking

        assert longest < 0.5

    run(scenario, budget_seconds=20.0)


WHERE: dict[str, tuple[dict[str, Any], Any, bool]] = {
    "a small value, a plain schema": (PLAIN, {"path": "/a"}, False),
    "one large text": (PLAIN, {"path": "x" * 70_000}, True),
    "many small parts": (NUMBERS, {"n": [1] * 5_000}, True),
    "a pattern": (REDOS, FITS, True),
}


@pytest.mark.parametrize(("schema", "arguments", "outside"), WHERE.values(), ids=WHERE)
def test_only_what_is_quick_is_checked_in_the_event_loop(
    schema: dict[str, Any], arguments: Any, *, outside: bool
) -> None:
    """
    A check in the event loop holds up every call of every caller.
    """

    async def scenario(validation: Validation) -> None:
        assert await check(validation, tool(schema), arguments) == []
        assert bool(validators()) is outside

    run(scenario, budget_seconds=10.0)


def test_a_schema_replaced_by_a_reload_is_the_one_that_counts() -> None:
    """
    A cached validator of the old version would accept what the new tool refuses.
    """

    async def scenario(validation: Validation) -> None:
        assert await check(validation, tool({"type": "object"}), {}) == []
        assert await check(validation, tool(PLAIN), {}) == [("arguments_json/path", "is required")]

    run(scenario)


def test_a_value_that_trips_the_checker_is_refused() -> None:
    """
    10**400 / 0.1 raises inside jsonschema; what cannot be checked was not checked.
    """
    schema = {"type": "object", "properties": {"n": {"multipleOf": 0.1}}}

    async def scenario(validation: Validation) -> None:
        [(field, description)] = await check(validation, tool(schema), {"n": 10**400})

        assert field == "arguments_json"
        assert "cannot be checked" in description

    run(scenario)


RESULTS: dict[str, tuple[dict[str, Any] | None, bytes, list[str]]] = {
    "any value without a schema": (None, b"[1, null]", []),
    "a value that matches": ({"type": "string"}, b'"x"', []),
    "a value of the wrong type": ({"type": "string"}, b"5", ["the result: must be a string"]),
    "a part of the wrong type": ({"items": {"type": "string"}}, b"[5]", ["/0: must be a string"]),
    "NaN is not JSON": (None, b"[NaN]", ["/0: NaN is not JSON; send null or a string"]),
    "not JSON": (None, b"{", ["the result: not JSON at line 1, column 2"]),
    "no bytes are no value": (None, b"", ["the result: not JSON at line 1, column 1"]),
    "too deep": (None, b"[" * 200 + b"]" * 200, ["the result: nested deeper than 128 levels"]),
    "a pattern, checked outside": (
        {"pattern": "^a$"},
        b'"b"',
        ["the result: must match the pattern ^a$"],
    ),
    "a large one, checked outside": (
        {"type": "array"},
        b'"' + b"x" * 100_000 + b'"',
        ["the result: must be an array"],
    ),
    "a large one that is not JSON": (None, b"[" * 100_000, ["the result: nested deeper than 128"]),
}


@pytest.mark.parametrize(("returns", "result", "expected"), RESULTS.values(), ids=RESULTS)
def test_results_are_checked_as_strictly_as_arguments(
    returns: dict[str, Any] | None, result: bytes, expected: list[str]
) -> None:
    """
    A tool's result is hostile input to whoever reads it.
    """

    async def scenario(validation: Validation) -> None:
        found = await validation.check_result(tool({"type": "object"}, returns), result)

        assert len(found) == len(expected)
        assert all(text.startswith(start) for text, start in zip(found, expected, strict=True))

    run(scenario, budget_seconds=5.0)


def test_results_wait_for_their_turn_and_keep_no_arguments_waiting() -> None:
    """
    Their tools have run: a caller must not lose a result because others return hostile ones.  And
    no caller is refused for the results of others.
    """
    hanging = tool({"type": "object"}, REDOS, "hanging")
    mine = tool({"type": "object"}, {"type": "string"}, "mine")

    async def scenario(validation: Validation) -> None:
        hostile = [
            asyncio.create_task(validation.check_result(hanging, json.dumps(HANGS).encode()))
            for _ in range(5)
        ]
        await asyncio.sleep(0)
        result = validation.check_result(mine, b'"' + b"x" * 100_000 + b'"')
        own, arguments = await asyncio.gather(result, check(validation, tool(REDOS), FITS))

        assert ([], []) == (own, arguments)
        assert all("took too long" in found for [found] in await asyncio.gather(*hostile))

    run(scenario, budget_seconds=2.0)
