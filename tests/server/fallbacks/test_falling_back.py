"""
Which fallback is admitted, for whom, and what is left open when it is refused.
"""

from __future__ import annotations

import asyncio
import dataclasses
from typing import TYPE_CHECKING, Any

import pytest
from admitting import FileOpener, admission
from toolcell.v1 import execution_pb2 as pb
from toolcell_server import refusals
from toolcell_server.capacity import Capacity
from toolcell_server.fallbacks import fallbacks
from toolcell_server.fallbacks.falling_back import FallingBack
from toolcell_server.limits import Limits
from toolcell_server.principal import Principal
from toolcell_server.registry import Registry

if TYPE_CHECKING:
    import contextlib
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from toolcell_server.execution import Execution
    from toolcell_server.gates import Call

ALICE, MALLORY = Principal(name="alice"), Principal(name="mallory")


def manifest(name: str, fallback: str = "", **fields: Any) -> dict[str, Any]:
    return {
        "name": name,
        "description": "A tool.",
        "parameters": {"type": "object"},
        "effects": "read_only",
        "fallback": fallback,
        **fields,
    }


STRICT = {"type": "object", "properties": {"a": {"type": "integer"}}, "additionalProperties": False}
TOOLS = [
    manifest("works", "second"),
    manifest("off", "second"),
    manifest("off_alone"),
    manifest("off_to_writes", "writes"),
    manifest("off_to_nothing", "nobody"),
    manifest("off_to_off", "off_alone"),
    manifest("off_to_strict", "strict@1"),
    manifest("off_to_old", "strict@0"),
    manifest("off_to_chain", "off"),
    manifest("second"),
    manifest("strict", parameters=STRICT),
    manifest("writes", effects="writes"),
]
OFF = frozenset(tool["name"] for tool in TOOLS if tool["name"].startswith("off"))


class OnlyAlice:
    """
    A gate that lets nobody but alice call `second`, and remembers whom it was asked about.
    """

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []
        self.deadline: float | None = None
        self.held: list[str] = []

    async def let_pass(self, call: Call, resources: contextlib.ExitStack) -> Call:
        self.asked.append((call.tool.name, call.principal.name))
        self.deadline = call.deadline
        if call.tool.name == "second" and call.principal.name != "alice":
            raise refusals.NotPermitted("calling this tool")
        self.held.append(call.tool.name)
        resources.callback(self.held.remove, call.tool.name)
        return call


class Scene:
    def __init__(self, root: Path) -> None:
        self.gate = OnlyAlice()
        self.capacity = Capacity(running=1, queue=0)
        self.opener = FileOpener()
        registry = Registry(Limits(), Limits(), OFF)
        registry.replace("mine", {"tools": TOOLS})
        self.registry = registry
        self.base = base = admission(
            root, tools=registry, gates=(self.gate,), capacity=self.capacity
        )
        self.admission = FallingBack(base, registry)

    def admit(self, tool: str, principal: Principal = ALICE, **fields: Any) -> Execution:
        made: Execution = self.run(
            lambda: self.admission.admit(asked(tool, **fields), None, principal)
        )
        return made

    def run(self, what: Callable[[], Awaitable[Any]]) -> Any:
        async def whole() -> Any:
            try:
                return await what()
            finally:
                await self.base.validation.aclose()

        return asyncio.run(whole())


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path)


def asked(tool: str, arguments: bytes = b"{}", **fields: Any) -> pb.ExecuteRequest:
    return pb.ExecuteRequest(tool=tool, arguments_json=arguments, **fields)


def test_a_tool_that_is_switched_off_is_stood_in_for_by_a_call_of_its_own(scene: Scene) -> None:
    made = scene.admit("off", request_id="r", call_id="c")
    assert made.instead_of is not None

    assert ("second", "off", "r", "c") == (
        made.tool.name,
        made.asked,
        made.request_id,
        made.call_id,
    )
    assert ("off", "second", "1", "SWITCHED_OFF") == (
        made.instead_of.tool,
        made.instead_of.fallback,
        made.instead_of.fallback_version,
        made.instead_of.refusal,
    )
    assert [("second", "alice")] == scene.gate.asked
    assert 1 == scene.capacity.running
    assert made.fallback is None


def test_a_bundle_that_no_longer_loads_keeps_its_fallbacks(scene: Scene) -> None:
    scene.registry.replace("other", {"tools": [manifest("breaks", "second")]})
    scene.registry.replace("other", {"failed": "SyntaxError"})

    assert "second" == scene.admit("breaks").tool.name


@pytest.mark.parametrize(
    ("tool", "arguments", "principal"),
    [
        ("off_alone", b"{}", ALICE),
        ("off_to_writes", b"{}", ALICE),
        ("off_to_nothing", b"{}", ALICE),
        ("off_to_off", b"{}", ALICE),
        ("off_to_strict", b'{"b":1}', ALICE),
        ("off_to_old", b"{}", ALICE),
        ("off_to_chain", b"{}", ALICE),
        ("off", b"{}", MALLORY),
    ],
    ids=[
        "there is none",
        "it would do more",
        "there is no such tool",
        "it is off itself",
        "the arguments do not fit it",
        "there is no such version",
        "it has one in its turn",
        "the caller may not call it",
    ],
)
def test_who_is_refused_hears_of_the_tool_that_he_called(
    scene: Scene, tool: str, arguments: bytes, principal: Principal
) -> None:
    """
    And nothing is left: no place, nothing that a gate has taken.
    """
    with pytest.raises(refusals.SwitchedOff, match=tool):
        scene.admit(tool, principal, arguments=arguments)

    assert (0, []) == (scene.capacity.running, scene.gate.held)


def test_the_fallback_gets_the_same_arguments(scene: Scene) -> None:
    made = scene.admit("off_to_strict", arguments=b'{"a":1}')

    assert ("strict", b'{"a":1}') == (made.tool.name, made.arguments)


def test_a_call_that_is_only_checked_is_checked_for_the_fallback(scene: Scene) -> None:
    assert "second" == scene.admit("off", validate_only=True).tool.name
    assert 0 == scene.capacity.running


def test_an_execution_takes_its_fallback_along(scene: Scene) -> None:
    """
    The fallback goes on with the same id, stop and deadline, in a place of its own.
    """

    async def both() -> tuple[Execution, Execution]:
        first = await scene.admission.admit(asked("works", labels={"a": "b"}), 5.0, ALICE)
        assert first.fallback is not None
        first.close()
        return first, await first.fallback(first)

    first, second = scene.run(both)
    assert second.instead_of is not None

    assert ("works", "second") == (first.tool.name, second.tool.name)
    assert first.execution_id == second.execution_id
    assert first.stop is second.stop
    assert (first.accepted, first.deadline) == (second.accepted, second.deadline)
    assert ("", "works") == (second.instead_of.refusal, second.instead_of.tool)
    assert {"a": "b"} == second.labels
    assert (1, ["second"]) == (scene.capacity.running, scene.gate.held)
    second.close()
    assert (0, []) == (scene.capacity.running, scene.gate.held)


def test_who_may_not_call_the_fallback_does_not_get_it_after_a_failure(scene: Scene) -> None:
    async def both() -> None:
        first = await scene.admission.admit(asked("works"), None, MALLORY)
        assert first.fallback is not None
        first.close()
        await first.fallback(first)

    with pytest.raises(refusals.NotPermitted):
        scene.run(both)

    assert [("works", "mallory"), ("second", "mallory")] == scene.gate.asked
    assert (0, []) == (scene.capacity.running, scene.gate.held)


def test_the_fallback_has_what_is_left_of_the_time(scene: Scene) -> None:
    """
    It is admitted with no more: a queue that takes longer refuses it.
    """

    async def both() -> float:
        request = asked("works")
        request.timeout.FromSeconds(100)
        first = await scene.admission.admit(request, None, ALICE)
        assert first.fallback is not None
        assert first.deadline is not None
        first.close()
        late = dataclasses.replace(first, deadline=first.deadline - 60)
        second = await first.fallback(late)
        assert late.deadline == second.deadline
        return first.deadline

    deadline = scene.run(both)

    assert pytest.approx(deadline - 60, abs=5) == scene.gate.deadline


def test_fallbacks_that_will_never_be_used_are_told_when_the_server_starts(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    fallbacks.warn(scene.registry)
    told = {record.__dict__["fields"]["tool"] for record in caplog.records}

    assert {"off_to_writes", "off_to_nothing", "off_to_old"} == told
