"""
Rules, calls and clocks for tests of what is counted.
"""

from __future__ import annotations

import contextlib
import dataclasses
from typing import TYPE_CHECKING, Any

from clocks import Clock
from toolcell.v1 import execution_pb2 as pb
from toolcell_server.gates import Call
from toolcell_server.principal import Principal
from toolcell_server.rates.gate import RateGate
from toolcell_server.rates.memory import MemoryWindows
from toolcell_server.rates.notation import windows
from toolcell_server.rates.places import Places
from toolcell_server.rates.rules import Rule
from toolcell_server.rates.windows import Use
from toolcell_server.tool import Tool

if TYPE_CHECKING:
    from toolcell_server.limits import Limits

ALICE = Principal(name="alice")
BOB = Principal(name="bob", roles=frozenset({"batch"}))
NOW = 1_800_000_000.0


def rule(*calls: str, name: str = "test", **fields: Any) -> Rule:
    return Rule(name=name, calls=windows({"calls": calls}), **fields)


def use(bound: Any, end: str = "principal:alice") -> Use:
    return Use(bound, bound.prefix + end)


def tool(name: str = "echo", **fields: Any) -> Tool:
    return Tool(name=name, bundle="test", version="1", **fields)


def call(
    principal: Principal = ALICE,
    called: Tool | None = None,
    *,
    limits: Limits | None = None,
    validate_only: bool = False,
) -> Call:
    called = called or tool()
    return Call(
        request=pb.RunRequest(tool=called.name, validate_only=validate_only),
        principal=principal,
        tool=called,
        limits=limits or called.limits,
        arguments={},
        data=b"{}",
    )


@dataclasses.dataclass
class Gated:
    """
    A gate with its parts.
    """

    clock: Clock
    windows: MemoryWindows
    gate: RateGate
    refused: list[str]

    async def pass_(self, *arguments: Any, **fields: Any) -> tuple[Call, contextlib.ExitStack]:
        """
        A call that has passed, and what it gives back when it is closed.

        Raises:
            CallRefused: it has not; nothing is left to be given back.
        """
        with contextlib.ExitStack() as resources:
            passed = await self.gate.let_pass(call(*arguments, **fields), resources)
            return passed, resources.pop_all()
        raise AssertionError("nothing is suppressed")

    async def run(self, *arguments: Any, **fields: Any) -> Call:
        """
        A call that has passed, run and ended.
        """
        passed, resources = await self.pass_(*arguments, **fields)
        with resources:
            for taken in passed.taken:
                taken.begin()
        return passed


def gated(*rules: Rule, saved: Any = None) -> Gated:
    clock, refused = Clock(NOW), list[str]()
    counted = MemoryWindows(clock, saved)
    gate = RateGate(rules, counted, Places(clock), refused.append)
    return Gated(clock, counted, gate, refused)
