"""
Which tools outlive a reload: a table of what a bundle had, what it has, and what it serves.
"""

from __future__ import annotations

from dataclasses import replace

import pytest
from toolcell.v1 import registry_pb2
from toolcell_server.bundles import outliving
from toolcell_server.tool import Tool


def tool(name: str, file: str, generation: int = 1, version: str = "1") -> Tool:
    return Tool(
        name=name,
        bundle="mine",
        version=version,
        file=file,
        generation=generation,
        effects="writes",
    )


def broken(name: str, file: str, reason: str = "line 1: no", version: str = "") -> Tool:
    return replace(Tool.broken(name, "mine", reason, version), file=file)


def shown(tools: list[Tool]) -> set[str]:
    """
    Each tool as `name generation`, and why it is not as its source has it.
    """
    said = set()
    for one in tools:
        is_broken = one.state == registry_pb2.TOOL_STATE_BROKEN
        state = f"broken: {one.broken_reason}" if is_broken else str(one.generation)
        said.add(f"{one.name} {state}" + (f" ({one.reload_error})" if one.reload_error else ""))
    return said


HAD = [tool("read", "files.py"), tool("write", "files.py"), tool("search", "web.py")]
CASES: dict[str, tuple[list[Tool], list[Tool], set[int], set[str]]] = {
    "what loads replaces what was": (
        HAD,
        [tool("read", "files.py", 2), tool("write", "files.py", 2), tool("search", "web.py", 2)],
        {1},
        {"read 2", "write 2", "search 2"},
    ),
    "a broken file keeps its tools, and no others": (
        HAD,
        [broken("files", "files.py"), tool("search", "web.py", 2)],
        {1},
        {"read 1 (line 1: no)", "write 1 (line 1: no)", "search 2"},
    ),
    "a tool that was taken out of its file goes": (
        HAD,
        [tool("read", "files.py", 2), tool("search", "web.py", 2)],
        {1},
        {"read 2", "search 2"},
    ),
    "a tool whose file is gone goes": (
        HAD,
        [tool("search", "web.py", 2)],
        {1},
        {"search 2"},
    ),
    "a tool that moved to another file is where it is now": (
        HAD,
        [broken("files", "files.py"), tool("read", "new.py", 2), tool("search", "web.py", 2)],
        {1},
        {"read 2", "write 1 (line 1: no)", "search 2"},
    ),
    "a manifest that is not valid keeps the tool": (
        HAD[:1],
        [broken("read", "files.py", "its manifest is not valid", "1")],
        {1},
        {"read 1 (its manifest is not valid)"},
    ),
    "a file that is still broken keeps what it kept": (
        [replace(tool("read", "files.py", 1), reload_error="line 1: no"), tool("s", "web.py", 2)],
        [broken("files", "files.py", "line 9: no"), tool("s", "web.py", 3)],
        {1, 2},
        {"read 1 (line 9: no)", "s 3"},
    ),
    "two files that broke one after the other are served by two generations": (
        [replace(tool("read", "files.py", 1), reload_error="line 1: no"), tool("s", "web.py", 2)],
        [broken("files", "files.py"), broken("web", "web.py")],
        {1, 2},
        {"read 1 (line 1: no)", "s 2 (line 1: no)"},
    ),
    "a file that is mended is as it is now": (
        [replace(tool("read", "files.py", 1), reload_error="line 1: no")],
        [tool("read", "files.py", 3)],
        {1, 2},
        {"read 3"},
    ),
    "without its generation a tool is broken, and keeps its name": (
        HAD[:1],
        [broken("files", "files.py")],
        set(),
        {"read broken: line 1: no"},
    ),
    "what was broken and is": (
        [broken("files", "files.py", "line 1: no")],
        [broken("files", "files.py", "line 2: no")],
        {1},
        {"files broken: line 2: no"},
    ),
    "what never loaded is broken": (
        [],
        [broken("files", "files.py")],
        {1},
        {"files broken: line 1: no"},
    ),
    "two versions are two tools": (
        [tool("read", "a.py"), tool("read", "b.py", version="2")],
        [broken("a", "a.py"), tool("read", "b.py", 2, version="2")],
        {1},
        {"read 1 (line 1: no)", "read 2"},
    ),
}


@pytest.mark.parametrize(("had", "found", "living", "served"), CASES.values(), ids=CASES.keys())
def test_a_good_version_outlives_a_broken_file(
    had: list[Tool], found: list[Tool], living: set[int], served: set[str]
) -> None:
    """
    Whatever else is in the bundle.
    """
    assert served == shown(outliving.merged(had, found, living))


def test_a_bundle_that_cannot_be_loaded_again_is_served_as_it_was() -> None:
    """
    All of its tools say why.
    """
    kept = outliving.not_reloaded([*HAD[:1], broken("x", "x.py", "line 3: no")], "it exited with 3")

    assert {"read 1 (it exited with 3)", "x broken: line 3: no"} == shown(kept)


def test_the_generations_that_serve_a_tool_are_those_that_must_not_end() -> None:
    """
    A broken tool is served by none.
    """
    assert {1, 4} == outliving.generations([*HAD, tool("x", "x.py", 4), broken("y", "y.py")])


def test_a_bundle_that_died_and_does_not_load_keeps_what_an_elder_serves() -> None:
    """
    That one still has it in its memory.
    """
    had = [replace(tool("read", "files.py", 1), reload_error="line 1: no"), tool("s", "web.py", 2)]
    kept = outliving.merged(had, [broken("mine", "")], {1}, "it exited with 3")

    assert {
        "mine broken: line 1: no",
        "read 1 (it exited with 3)",
        "s broken: it exited with 3",
    } == (shown(kept))


def test_a_tool_that_is_loaded_again_as_it_was_is_no_other_tool() -> None:
    """
    Whoever watches hears of what a model would see.
    """
    assert tool("read", "files.py", 1) == tool("read", "renamed.py", 2)
    assert tool("read", "files.py", 1) != replace(tool("read", "files.py", 1), reload_error="no")
