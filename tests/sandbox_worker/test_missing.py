"""
What the call asked for and is not there, told from what it did not ask for.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from performing import grant, perform
from toolcell_worker import missing, reads, stages, tool, writes
from toolcell_worker.authoring import definition_of
from toolcell_worker.wire import Access, Mount

if TYPE_CHECKING:
    from collections.abc import Callable

NOWHERE = "/srv/no/such/file"


def raised(
    function: Callable[..., Any], arguments: dict[str, Any], *paths: dict[str, str]
) -> dict[str, Any]:
    found = definition_of(tool(paths=paths)(function))
    assert found is not None
    return perform(found, arguments).raised


def look(path: str, other: str = "") -> str:
    """Read a file."""
    return Path(other or path).read_text()


def save(path: str) -> None:
    """Write a file."""
    Path(path).write_text("new")


def test_a_file_that_the_arguments_name_and_is_not_there_is_missing() -> None:
    """
    "Outside of what this call may reach" sends its author to the settings, for a typing error.
    """
    found = raised(look, {"path": NOWHERE}, reads("{path}"))

    assert (found["denials"], found["category"]) == ([], "user")
    assert found["hint"].startswith(f"There is no '{NOWHERE}'")


def test_a_file_that_the_arguments_do_not_name_is_not_granted() -> None:
    """
    Whether it is there is none of the tool's business.
    """
    found = raised(look, {"path": NOWHERE, "other": NOWHERE + "2"}, reads("{path}"))

    assert [denial["reason"] for denial in found["denials"]] == ["not_granted"]


def test_a_file_that_an_argument_names_and_the_tool_does_not_declare_is_not_granted() -> None:
    """
    It may well exist: what is missing is `paths`.
    """
    found = raised(look, {"path": NOWHERE})

    assert [denial["reason"] for denial in found["denials"]] == ["not_granted"]


def test_a_new_file_of_a_tool_that_writes_in_place_comes_with_the_remedy() -> None:
    """
    A grant is a mount, and nothing can be mounted on what is not there.
    """
    found = raised(save, {"path": NOWHERE}, writes("{path}"))

    assert found["denials"] == []
    assert 'stages("{path}")' in found["hint"]


HELD = Mount(Access.READ, "/srv/a/b", "/srv", directory=False, given=True)
ASKED: dict[str, tuple[dict[str, str], bytes, list[str]]] = {
    "a path that was given": (reads("{x}"), b'{"x": "/srv/a/b"}', []),
    "a slash at the end": (reads("{x}"), b'{"x": "/srv/a/b/"}', []),
    "a folder of which a part was given": (reads("{x}"), b'{"x": "/srv/a"}', []),
    "a path that was not given": (reads("{x}"), b'{"x": "/srv/c"}', ["/srv/c"]),
    "a list": (stages("{x}"), b'{"x": ["/srv/c", "/srv/d"]}', ["/srv/c", "/srv/d"]),
    "a companion": (reads("{x}-wal"), b'{"x": "/srv/c"}', ["/srv/c-wal"]),
    "a literal path": (reads("/etc/none"), b"{}", ["/etc/none"]),
    "an absent argument": (reads("{x}"), b"{}", []),
    "arguments that are no JSON": (reads("{x}"), b"{", []),
}


@pytest.mark.parametrize(("request_", "arguments", "expected"), ASKED.values(), ids=ASKED)
def test_what_was_asked_for_and_not_given_is_noted(
    request_: dict[str, str], arguments: bytes, expected: list[str]
) -> None:
    """
    It mirrors how the server reads templates; a difference would blame the wrong one.
    """
    cell = missing.add(grant(mounts=(HELD,)), [request_], arguments)

    assert cell.mounts[0] == HELD
    assert [mount.path for mount in cell.mounts[1:]] == expected
    assert not any(mount.given for mount in cell.mounts[1:])
