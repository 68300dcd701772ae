"""
Switches, roots and effects: what stands behind every grant.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from granting import READ, READ_FILE, STAGE_FILE, STAGED, WRITE, WRITE_FILE, compiled, granted, tool
from toolcell.v1 import execution_pb2 as pb
from toolcell_server import effects
from toolcell_server.grant_compiler import MAXIMUM_PATHS
from toolcell_server.grants import PathGrant
from toolcell_server.policy import Policy, Root
from toolcell_server.refusals import (
    CallRefused,
    InvalidField,
    PathNotAllowed,
    SwitchedOff,
)

if TYPE_CHECKING:
    from toolcell_server.tool import Tool

SWITCHES: dict[str, tuple[Policy, Tool, type[CallRefused] | None]] = {
    "no file system, a tool with paths": (Policy(filesystem=False), READ_FILE, SwitchedOff),
    "no file system, a tool without": (Policy(filesystem=False), tool(), None),
    "no commands, a command": (Policy(commands=False), tool(command=True), SwitchedOff),
    "no commands, a tool that forks": (
        Policy(commands=False),
        tool(profile="subprocess"),
        SwitchedOff,
    ),
    "no commands, a computation": (Policy(commands=False), tool(), None),
    "no network, a tool with sockets": (Policy(network=False), tool(profile="net"), SwitchedOff),
    "no network, a tool with domains": (
        Policy(network=False),
        tool(domains=("example.org:443",)),
        SwitchedOff,
    ),
    "a network, a tool with domains": (Policy(), tool(domains=("example.org:443",)), None),
}


@pytest.mark.parametrize(("policy", "of", "kind"), SWITCHES.values(), ids=SWITCHES)
def test_a_switch_turns_off_every_tool_that_needs_it(
    policy: Policy, of: Tool, kind: type[CallRefused] | None
) -> None:
    """
    An operator who pulls a switch must not have to know which tools to list.
    """
    if kind is None:
        assert compiled(of, {}, policy=policy).paths == ()
        return
    with pytest.raises(kind):
        compiled(of, {}, policy=policy)


def test_writing_around_a_root_that_is_open_for_reading_is_refused() -> None:
    """
    Write access to a directory is write access to everything in it.
    """
    policy = Policy(roots=(Root("/data", "/data", writable=True), Root("/data/ro", "/data/ro")))

    assert granted(WRITE_FILE, {"path": "/data/x"}, policy=policy) == [("/data/x", WRITE)]
    for path in ("/data", "/data/ro", "/data/ro/x"):
        with pytest.raises(PathNotAllowed, match="/data/ro is open for reading only"):
            compiled(WRITE_FILE, {"path": path}, policy=policy)


@pytest.mark.parametrize(
    ("path", "root"),
    [
        pytest.param("/data/ro", "/link", id="by its other name"),
        pytest.param("/data/ro/x", "/link", id="below its other name"),
        pytest.param("/data", "/link", id="around it"),
        pytest.param("/link/x", "/link", id="by its own name"),
    ],
)
def test_a_root_that_is_a_link_is_what_it_leads_to(path: str, root: str) -> None:
    """
    What an operator opens for reading only must not be written by another name.
    """
    policy = Policy(roots=(Root("/data", "/data", writable=True), Root("/link", "/data/ro")))

    with pytest.raises(PathNotAllowed, match=f"{root} is open for reading only"):
        compiled(WRITE_FILE, {"path": path}, policy=policy)


def test_one_folder_under_two_names_is_as_each_name_says() -> None:
    """
    An operator who opens it twice means both.
    """
    policy = Policy(roots=(Root("/rw", "/data", writable=True), Root("/ro", "/data")))

    assert granted(WRITE_FILE, {"path": "/rw/x"}, policy=policy) == [("/rw/x", WRITE)]
    with pytest.raises(PathNotAllowed, match="/ro is open for reading only"):
        compiled(WRITE_FILE, {"path": "/ro/x"}, policy=policy)


def test_too_many_paths_are_refused() -> None:
    """
    Each costs a descriptor in a message that carries a bounded number of them.
    """
    most = [f"/data/{number:03}" for number in range(MAXIMUM_PATHS)]

    assert len(granted(READ_FILE, {"path": most})) == MAXIMUM_PATHS
    with pytest.raises(InvalidField):
        compiled(READ_FILE, {"path": [*most, "/data/x"]})


def test_a_path_knows_its_innermost_root_and_where_it_really_lies() -> None:
    """
    The keeper opens the real path beneath the real root; the tool finds the named one.
    """
    [inner] = compiled(READ_FILE, {"path": "/data/out/a"}).paths
    [linked] = compiled(READ_FILE, {"path": "/link/a/b"}).paths
    itself = PathGrant(path="/link", access=READ, root="/link", real_root="/mnt/disk/real")

    assert (inner.root, inner.real_root, inner.real_path) == (
        "/data/out",
        "/data/out",
        "/data/out/a",
    )
    assert (linked.root, linked.real_root) == ("/link", "/mnt/disk/real")
    assert linked.real_path == "/mnt/disk/real/a/b"
    assert itself.real_path == "/mnt/disk/real"


def test_only_companions_are_optional() -> None:
    """
    A database without a write-ahead log is whole; a file that is missing is an error to report.
    """
    of = tool(("{db}", "read"), ("{db}-wal", "read"))

    found = {path.path: path.optional for path in compiled(of, {"db": "/data/a"}).paths}

    assert found == {"/data/a": False, "/data/a-wal": True}


EFFECTS: dict[str, tuple[dict[str, Any], bool]] = {
    "reads a path": ({"effects": "read_only", "paths": [{"path": "/a", "access": "read"}]}, True),
    "writes a path": (
        {"effects": "read_only", "paths": [{"path": "/a", "access": "write"}]},
        False,
    ),
    "stages a path": (
        {"effects": "read_only", "paths": [{"path": "/a", "access": "staged"}]},
        False,
    ),
    "talks to the network": ({"effects": "read_only", "domains": ["example.org:443"]}, False),
    "says that it writes": (
        {"effects": "writes", "paths": [{"path": "/a", "access": "write"}]},
        True,
    ),
}


@pytest.mark.parametrize(("manifest", "holds"), EFFECTS.values(), ids=EFFECTS)
def test_a_manifest_may_not_contradict_its_effects(
    manifest: dict[str, Any], *, holds: bool
) -> None:
    """
    `read_only` tools are retried and cached; one that writes would do it twice, or not at all.
    """
    assert (effects.fault(manifest) == "") is holds


def test_the_event_shows_what_was_granted() -> None:
    """
    `Accepted` is the record of what the cell gets.
    """
    shown = compiled(STAGE_FILE, {"path": "/data/out/a"}).to_proto()

    assert list(shown.paths) == [pb.PathGrant(path="/data/out/a", access=STAGED)]
