"""
The grant of one call: what it may reach, and in which words it may not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from granting import (
    READ,
    READ_FILE,
    STAGE_FILE,
    STAGED,
    WRITE,
    WRITE_FILE,
    Granted,
    compiled,
    granted,
    tool,
)
from toolcell_server.refusals import ArgumentsInvalid, PathNotAllowed

if TYPE_CHECKING:
    from toolcell_server.tool import Tool

GRANTED: dict[str, tuple[Tool, dict[str, Any], list[Granted]]] = {
    "this file and no other": (READ_FILE, {"path": "/data/a.txt"}, [("/data/a.txt", READ)]),
    "a root itself": (READ_FILE, {"path": "/data/out"}, [("/data/out", READ)]),
    "a slash at the end is dropped": (READ_FILE, {"path": "/data/x/"}, [("/data/x", READ)]),
    "an argument that is absent": (READ_FILE, {}, []),
    "an argument that is null": (READ_FILE, {"path": None}, []),
    "an empty list": (READ_FILE, {"path": []}, []),
    "each of a list": (
        READ_FILE,
        {"path": ["/data/b", "/data/a"]},
        [("/data/a", READ), ("/data/b", READ)],
    ),
    "the same twice": (READ_FILE, {"path": ["/data/a", "/data/a/"]}, [("/data/a", READ)]),
    "read and write of one path": (
        tool(("{a}", "read"), ("{b}", "write")),
        {"a": "/data/out/x", "b": "/data/out/x"},
        [("/data/out/x", WRITE)],
    ),
    "companions of a database": (
        tool(("{db}", "read"), ("{db}-wal", "read"), ("{db}-shm", "read")),
        {"db": "/data/a.db"},
        [("/data/a.db", READ), ("/data/a.db-shm", READ), ("/data/a.db-wal", READ)],
    ),
    "a literal path": (tool(("/data/words", "read")), {}, [("/data/words", READ)]),
    "a name inside a literal": (
        tool(("/data/sets/{name}.csv", "read")),
        {"name": "a"},
        [("/data/sets/a.csv", READ)],
    ),
    "braces in an argument are plain text": (
        READ_FILE,
        {"path": "/data/{path}"},
        [("/data/{path}", READ)],
    ),
    "a staged file in a writable root": (
        STAGE_FILE,
        {"path": "/data/out/n"},
        [("/data/out/n", STAGED)],
    ),
    "a directory before what lies in it": (
        READ_FILE,
        {"path": ["/data/a-b", "/data/a/z", "/data/a"]},
        [("/data/a", READ), ("/data/a/z", READ), ("/data/a-b", READ)],
    ),
    "a name that only begins like a denied one": (
        READ_FILE,
        {"path": "/data/secrets"},
        [("/data/secrets", READ)],
    ),
}


@pytest.mark.parametrize(("of", "arguments", "expected"), GRANTED.values(), ids=GRANTED)
def test_a_call_is_granted_what_its_arguments_name(
    of: Tool, arguments: dict[str, Any], expected: list[Granted]
) -> None:
    """
    The grant is this call's, not the tool's: nothing beside what the arguments name.
    """
    assert granted(of, arguments) == expected


NOT_ALLOWED: dict[str, tuple[Tool, dict[str, Any], str]] = {
    "outside every root": (READ_FILE, {"path": "/etc/passwd"}, "use a path in /data"),
    "the parent of a root": (READ_FILE, {"path": "/"}, "contains a path that the operator denies"),
    "a neighbour that begins like a root": (READ_FILE, {"path": "/data-evil/a"}, "in none of"),
    "a denied path": (READ_FILE, {"path": "/data/secret"}, "denied by the operator"),
    "below a denied path": (READ_FILE, {"path": "/data/secret/key"}, "denied by the operator"),
    "a directory with a denied path in it": (READ_FILE, {"path": "/data/dir"}, "contains a path"),
    "a root with a denied path in it": (READ_FILE, {"path": "/data"}, "contains a path"),
    "denied where it really lies": (READ_FILE, {"path": "/link/hidden/x"}, "denied"),
    "a link to a directory that holds a denied path": (READ_FILE, {"path": "/link"}, "contains"),
    "a literal path outside the roots": (tool(("/etc/hosts", "read")), {}, "in none of"),
    "writing where only reading is open": (WRITE_FILE, {"path": "/data/a"}, "for reading only"),
    "staging where only reading is open": (STAGE_FILE, {"path": "/data/a"}, "for reading only"),
    "staging in a folder that is granted for writing": (
        tool(("{folder}", "write"), ("{path}", "staged")),
        {"folder": "/data/out", "path": "/data/out/sub/new"},
        "granted as a folder",
    ),
    "staging in a folder that is granted for reading": (
        tool(("{folder}", "read"), ("{path}", "staged")),
        {"folder": "/data/out/sub", "path": "/data/out/sub/new"},
        "granted as a folder",
    ),
    "a companion that is denied": (
        tool(("{p}", "read"), ("{p}t", "read")),
        {"p": "/data/secre"},
        "denied by the operator",
    ),
}


@pytest.mark.parametrize(("of", "arguments", "reason"), NOT_ALLOWED.values(), ids=NOT_ALLOWED)
def test_what_policy_does_not_allow_is_refused_with_the_reason(
    of: Tool, arguments: dict[str, Any], reason: str
) -> None:
    """
    Deny speaks first, and no manifest, argument or request outvotes it.
    """
    with pytest.raises(PathNotAllowed) as refused:
        compiled(of, arguments)

    assert reason in refused.value.message


MALFORMED: dict[str, Any] = {
    "relative": "a.txt",
    "empty": "",
    "two dots": "/data/../etc/passwd",
    "two dots at the end": "/data/..",
    "one dot": "/data/./a",
    "two slashes": "/data//a",
    "two slashes at the start": "//data/a",
    "two slashes at the end": "/data/a//",
    "a NUL": "/data/a\0.txt",
    "4096 bytes": "/data/" + "/".join(["x" * 99] * 41),
    "a part of 256 bytes": "/data/" + "ä" * 128,
    "a number": 5,
    "an object": {"path": "/data/a"},
    "a list with a number": ["/data/a", 5],
    "a home": "~/a",
}


@pytest.mark.parametrize("path", MALFORMED.values(), ids=MALFORMED)
def test_a_malformed_path_is_refused_by_the_name_of_its_argument(path: Any) -> None:
    """
    Two spellings of one path would be two grants; only the plain one is taken.
    """
    with pytest.raises(ArgumentsInvalid) as refused:
        compiled(READ_FILE, {"path": path})

    assert refused.value.violations[0][0] == "arguments_json/path"


def test_arguments_inside_a_template_cannot_climb_out_of_it() -> None:
    """
    `/data/sets/{name}.csv` with a name full of dots must not become another path.
    """
    of = tool(("/data/sets/{name}.csv", "read"))

    for name in ("../../etc/passwd", "a/../../b", "x\0"):
        with pytest.raises(ArgumentsInvalid):
            compiled(of, {"name": name})
