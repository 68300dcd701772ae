"""
The official MCP client lists and calls every tool of a real server, over both transports, in both
eras of the protocol.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

import mcp_bridge
import mcp_types as types
import pytest
from mcp import MCPError
from mcp_bridge import Bridged, client_of, eras, text_of, ways
from toolcell.v1 import registry_pb2
from toolcell_client import Client

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SILENT = {"argv": ["/bin/true"], "parameters": {"type": "object"}}


@pytest.fixture(scope="module")
def bridged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bridged]:
    with mcp_bridge.bridged(tmp_path_factory.mktemp("bridged")) as one:
        yield one


@pytest.fixture
def files(bridged: Bridged) -> Path:
    """
    A text and a database, new for each test.
    """
    folder = bridged.folder / "files"
    (folder / "a.txt").write_text("first\nsecond\n")
    (folder / "new.txt").unlink(missing_ok=True)
    (folder / "books.db").unlink(missing_ok=True)
    with closing(sqlite3.connect(folder / "books.db")) as connection, connection:
        connection.execute("CREATE TABLE book (title TEXT)")
        connection.execute("INSERT INTO book VALUES ('A')")
    return folder


def calls(files: Path) -> dict[str, tuple[dict[str, Any], dict[str, Any]]]:
    """
    Of each built-in tool: arguments, and a part of what it returns.
    """
    select = {"database": f"{files}/books.db", "sql": "SELECT title FROM book"}
    wanted = {"path": f"{files}/new.txt", "content": "abc"}
    return {
        "calculate": ({"expression": "2 ** 100"}, {"value": 2**100, "text": str(2**100)}),
        "current_time": ({"timezone": "Asia/Tokyo"}, {"utc_offset": "+09:00"}),
        "list_files": ({"path": str(files), "pattern": "a*"}, {"truncated": False}),
        "query_sqlite": (select, {"columns": ["title"], "rows": [["A"]]}),
        "read_file": (
            {"path": f"{files}/a.txt"},
            {"content": "first\nsecond\n", "lines": 2, "next_offset": None},
        ),
        "run_python": ({"code": "print(6 * 7)"}, {"stdout": "42\n", "exit_code": 0}),
        "system_info": ({}, {"system": "Linux"}),
        "text_stats": ({"text": "to be or\nnot to be\n"}, {"lines": 2, "words": 6}),
        "write_file": (wanted, {"created": True, "size": 3}),
    }


@ways()
def test_every_builtin_tool_is_listed_and_called(
    bridged: Bridged, files: Path, transport: str, mode: str
) -> None:
    """
    With its own schema, and a result that the client has checked against what was promised.
    `http_request` reaches nothing here: it is refused, and the model is told so.
    """
    with Client(bridged.target) as client:
        tools = {each.name: each for each in client.list_tools()}
    wanted = calls(files)
    assert set(wanted) == {t.name for t in tools.values() if t.bundle != "mine"} - {"http_request"}

    async def scenario() -> None:
        async with asyncio.timeout(60), client_of(bridged.place(transport), mode) as client:
            listed = {each.name: each for each in (await client.list_tools()).tools}
            assert list(listed) == sorted(tools)
            for name, (arguments, part) in wanted.items():
                assert json.loads(tools[name].parameters_json) == listed[name].input_schema
                assert json.loads(tools[name].returns_json) == listed[name].output_schema
                result = await client.call_tool(name, arguments)
                assert not result.is_error, result
                value = result.structured_content
                assert part == {key: value[key] for key in part}
                assert value == json.loads(text_of(result))
            refused = await client.call_tool("http_request", {"url": "https://example.test/"})
            assert refused.is_error
            assert refused.structured_content["hint"]

    asyncio.run(scenario())


@eras()
def test_a_tool_is_described_by_what_its_cell_enforces(
    bridged: Bridged, transport: str, mode: str
) -> None:
    """
    A client may let read-only tools run unasked; it must not be told so by a tool that writes.
    """

    async def scenario() -> None:
        async with asyncio.timeout(60), client_of(bridged.place(transport), mode) as client:
            page = await client.list_tools()
            hints = {each.name: each.annotations for each in page.tools}
            told = {
                name: (hint.read_only_hint, hint.destructive_hint, hint.open_world_hint)
                for name, hint in hints.items()
                if hint is not None
            }
            assert (True, False, False) == told["echo"] == told["calculate"]
            assert (False, False, False) == told["double"]
            assert (False, True, True) == told["mail"]
            assert told["http_request"][2]
            double_hints = hints["double"]
            assert double_hints is not None
            assert double_hints.idempotent_hint
            [double] = [each for each in page.tools if each.name == "double"]
            assert (double.meta or {})["toolcell/version"] == "1"
            if mode == "auto":
                assert ("private", 60_000) == (page.cache_scope, page.ttl_ms)

    asyncio.run(scenario())


@eras()
def test_values_of_any_kind_come_back_as_they_are(
    bridged: Bridged, transport: str, mode: str
) -> None:
    """
    Numbers that a double cannot hold, nothing at all, and what is no object; the client checks what
    has a schema.
    """
    modern = mode == "auto"

    async def scenario() -> None:
        async with asyncio.timeout(60), client_of(bridged.place(transport), mode) as client:
            schemas = {each.name: each.output_schema for each in (await client.list_tools()).tools}
            for value in (10**40, -0.1, "größer 🙂", [1, None], {"a": None}, None, True):
                result = await client.call_tool("echo", {"value": value})
                expected = value if modern or isinstance(value, dict) else {"result": value}
                assert expected == result.structured_content
                assert text_of(result) == value or json.loads(text_of(result)) == value
            for number, name, wrapped in ((3, "double", not modern), (0, "perhaps", True)):
                value = 2 * number or None
                result = await client.call_tool(name, {"number": number})
                assert result.structured_content == ({"result": value} if wrapped else value)
                schema = schemas[name]
                assert schema is not None
                assert wrapped == (schema["type"] == "object")

    asyncio.run(scenario())


def test_a_large_registry_comes_in_pages(tmp_path: Path) -> None:
    """
    Each tool once, in order; a cursor that is none of ours is an error and not a beginning.
    """
    manifests = [
        {**SILENT, "name": f"tool_{number:03}", "description": "Says."} for number in range(230)
    ]

    async def scenario(one: Bridged, mode: str) -> None:
        async with asyncio.timeout(60), client_of(one.url, mode) as client:
            names: list[str] = []
            pages, cursor = 0, None
            while pages == 0 or cursor:
                page = await client.list_tools(cursor=cursor)
                names += [each.name for each in page.tools]
                cursor, pages = page.next_cursor, pages + 1
            assert (names, pages) == (sorted(set(names)), 3)
            assert {each["name"] for each in manifests} < set(names)
            with pytest.raises(MCPError, match="unknown cursor"):
                await client.list_tools(cursor="%%%")

    with mcp_bridge.bridged(tmp_path, "[registry]\nenabled = true\n") as one:
        with Client(one.target) as client:
            for begin in range(0, 230, 100):
                client.registry.register(manifests[begin : begin + 100])
        for mode in mcp_bridge.MODES:
            asyncio.run(scenario(one, mode))


@pytest.mark.parametrize(
    ("flags", "names"),
    [
        (("--tool", "doub*", "--tool", "echo"), ["double", "echo"]),
        (("--tag", "small", "--category", "numbers"), ["perhaps"]),
        (("--tool", "nothing"), []),
    ],
    ids=["names", "a tag and a category", "nothing"],
)
def test_an_operator_offers_a_part(
    bridged: Bridged, flags: tuple[str, ...], names: list[str]
) -> None:
    """
    What is not offered cannot be called either.
    """

    async def scenario() -> None:
        place = bridged.place("stdio", *flags)
        async with asyncio.timeout(60), client_of(place, "auto") as client:
            assert names == [each.name for each in (await client.list_tools()).tools]
            with pytest.raises(MCPError) as unknown:
                await client.call_tool("calculate", {"expression": "1"})
            assert types.INVALID_PARAMS == unknown.value.code

    asyncio.run(scenario())


def test_a_hosted_tool_promises_nothing() -> None:
    """
    It runs outside every cell.
    """
    from toolcell_client.mcp_server.describing import hints

    tool = registry_pb2.Tool(hosted=True, idempotent=True, effects=registry_pb2.EFFECTS_READ_ONLY)
    told = hints(tool)

    assert (False, True, False, True) == (
        told.read_only_hint,
        told.destructive_hint,
        told.idempotent_hint,
        told.open_world_hint,
    )
