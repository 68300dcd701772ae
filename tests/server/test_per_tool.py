from __future__ import annotations

import dataclasses

from toolcell_server import per_tool
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


def test_tools_that_come_and_go_do_not_fill_the_memory() -> None:
    kept = PerTool[None]()
    for number in range(per_tool.MOST_TOOLS + 1):
        kept.get(dataclasses.replace(TOOL, version=str(number)), lambda _: None)

    assert per_tool.MOST_TOOLS >= len(kept._kept)
