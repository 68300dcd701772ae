"""
Validation with real schemas and its real process, and the proof that none is left.
"""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import psutil
from toolcell_server.refusals import ArgumentsInvalid
from toolcell_server.tool import Tool
from toolcell_server.validation import Validation

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

DEADLINE = 30.0
PLAIN = {
    "type": "object",
    "properties": {"path": {"type": "string"}},
    "required": ["path"],
    "additionalProperties": False,
}
# Two to the power of 40 steps on this value, in any backtracking engine.
REDOS = {"type": "object", "properties": {"s": {"type": "string", "pattern": "^(a+)+$"}}}
HANGS = {"s": "a" * 40 + "!"}
FITS = {"s": "aaa"}
NODE = {
    "type": "object",
    "properties": {"child": {"anyOf": [{"$ref": "#/$defs/node"}, {"type": "null"}]}},
    "additionalProperties": False,
}
RECURSIVE = {
    "type": "object",
    "properties": {"child": {"$ref": "#/$defs/node"}},
    "$defs": {"node": NODE},
}


def tool(
    parameters: dict[str, Any], returns: dict[str, Any] | None = None, name: str = "t"
) -> Tool:
    return Tool(name=name, bundle="b", version="1", parameters=parameters, returns=returns)


async def check(validation: Validation, of: Tool, arguments: Any) -> list[tuple[str, str]]:
    """
    The violations, none if there are none.
    """
    try:
        await validation.check(of, arguments, json.dumps(arguments).encode())
    except ArgumentsInvalid as refused:
        return refused.violations
    return []


def run(scenario: Callable[[Validation], Awaitable[None]], budget_seconds: float = 0.5) -> None:
    """
    Run a scenario, and prove that it left no process.
    """

    async def whole() -> None:
        validation = Validation(budget_seconds)
        try:
            async with asyncio.timeout(DEADLINE):
                await scenario(validation)
        finally:
            await validation.aclose()

    before = set(validators())
    asyncio.run(whole())

    assert set(validators()) - before == set()


def validators() -> list[int]:
    children = psutil.Process().children(recursive=True)
    return [child.pid for child in children if "toolcell_server" in " ".join(child.cmdline())]
