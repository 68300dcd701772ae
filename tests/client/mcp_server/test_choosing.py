"""
Which versions of which tools are offered.
"""

from __future__ import annotations

from typing import Any

from toolcell.v1 import registry_pb2
from toolcell_client.mcp_server.choosing import Choice, chosen

AVAILABLE = registry_pb2.TOOL_STATE_AVAILABLE


def tool(name: str, version: str, **more: Any) -> registry_pb2.Tool:
    return registry_pb2.Tool(name=name, version=version, **{"state": AVAILABLE, **more})


def test_the_newest_version_that_can_be_called_is_offered() -> None:
    """
    As a call without a version runs it.
    """
    tools = [
        tool("b", "3", state=registry_pb2.TOOL_STATE_BROKEN),
        tool("b", "2", deprecated="use 3"),
        tool("b", "1"),
        tool("b", "0"),
        tool("a", "1"),
        tool("c", "1", state=registry_pb2.TOOL_STATE_DISABLED),
    ]

    assert [("a", "1"), ("b", "1")] == [(t.name, t.version) for t in chosen(tools, Choice())]


def test_a_choice_narrows_by_all_that_it_says() -> None:
    """
    One name, one category, every tag.
    """
    tools = [
        tool("read_file", "1", category="files", tags=["read", "small"]),
        tool("read_mail", "1", category="mail", tags=["read"]),
        tool("send_mail", "1", category="mail"),
    ]

    def names(**said: Any) -> list[str]:
        return [each.name for each in chosen(tools, Choice(**said))]

    assert ["read_file", "read_mail"] == names(names=("read_*",))
    assert ["read_mail"] == names(names=("read_*",), categories=frozenset({"mail"}))
    assert ["read_file"] == names(tags=frozenset({"read", "small"}))
    assert [] == names(names=("READ_*",))
