from __future__ import annotations

import dataclasses

from toolcell_server.per_tool import PerTool
from toolcell_server.tool import Tool

TOOL = Tool(name="echo", bundle="test", version="1")


def test_what_is_made_of_a_tool_is_made_once() -> None:
    """
    Calls come by the thousand a second, and tools do not change between them.
    """
    asked: list[Tool] = []
    kept = PerTool[object]()

    def make(tool: Tool) -> object:
        asked.append(tool)
        return object()

    first = kept.get(TOOL, make)

    assert first is kept.get(TOOL, make)
    assert [TOOL] == asked


def test_a_tool_that_a_reload_brought_gets_its_own() -> None:
    """
    It may be equal in all that is compared, and what was made of the other belongs to that one.
    """
    kept = PerTool[int]()
    again = dataclasses.replace(TOOL)
    kept.get(TOOL, id)

    assert id(again) == kept.get(again, id)


def test_versions_are_kept_apart() -> None:
    kept = PerTool[str]()
    tools = [dataclasses.replace(TOOL, version=version) for version in ("1", "2")]

    assert ["1", "2"] * 2 == [kept.get(tool, lambda tool: tool.version) for tool in tools * 2]


def test_what_was_made_of_a_tool_goes_with_it() -> None:
    """
    Whoever registers, calls and removes ever new tools must not fill the memory.
    """
    kept = PerTool[None]()
    kept.get(TOOL, lambda _: None)
    for number in range(100):
        kept.get(dataclasses.replace(TOOL, version=str(number)), lambda _: None)

    assert 1 == len(kept._kept)


def test_two_owners_of_one_name_do_not_take_turns() -> None:
    """
    To work it out can take milliseconds, which one of them could cost the other at each call.
    """
    asked: list[Tool] = []
    kept = PerTool[None]()
    own, others = dataclasses.replace(TOOL), dataclasses.replace(TOOL)
    for tool in (own, others) * 3:
        kept.get(tool, asked.append)

    assert 2 == len(asked)
