"""
The grants of a request: what a caller may narrow, and that nothing gets wider.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from granting import (
    POLICY,
    READ,
    READ_FILE,
    STAGE_FILE,
    STAGED,
    WRITE,
    WRITE_FILE,
    Granted,
    compiled,
    granted,
)
from toolcell.v1 import execution_pb2 as pb
from toolcell_server.grant_compiler import compile_grant
from toolcell_server.limits import Limits
from toolcell_server.refusals import CallRefused, GrantTooWide, InvalidField, PathNotAllowed

if TYPE_CHECKING:
    from toolcell_server.tool import Tool

NARROWED: dict[str, tuple[Tool, str, Granted, list[Granted]]] = {
    "the same": (READ_FILE, "/data/a", ("/data/a", READ), [("/data/a", READ)]),
    "unspecified is reading": (
        WRITE_FILE,
        "/data/out/a",
        ("/data/out/a", pb.PATH_ACCESS_UNSPECIFIED),
        [("/data/out/a", READ)],
    ),
    "reading instead of writing": (
        WRITE_FILE,
        "/data/out/a",
        ("/data/out/a", READ),
        [("/data/out/a", READ)],
    ),
    "one file of a directory": (READ_FILE, "/data/d", ("/data/d/f", READ), [("/data/d/f", READ)]),
    "a part of a directory that as a whole is refused": (
        READ_FILE,
        "/data/dir",
        ("/data/dir/ok", READ),
        [("/data/dir/ok", READ)],
    ),
}


@pytest.mark.parametrize(("of", "path", "asked", "expected"), NARROWED.values(), ids=NARROWED)
def test_a_request_may_narrow(of: Tool, path: str, asked: Granted, expected: list[Granted]) -> None:
    """
    A careful caller gives away less than the tool could have.
    """
    assert granted(of, {"path": path}, asked) == expected


WIDER: dict[str, tuple[Tool, str, Granted]] = {
    "a neighbour": (READ_FILE, "/data/a", ("/data/b", READ)),
    "the directory around it": (READ_FILE, "/data/d/a", ("/data/d", READ)),
    "a name that only begins the same": (READ_FILE, "/data/a", ("/data/ab", READ)),
    "writing instead of reading": (READ_FILE, "/data/out/a", ("/data/out/a", WRITE)),
    "staging instead of reading": (READ_FILE, "/data/out/a", ("/data/out/a", STAGED)),
    "writing instead of staging": (STAGE_FILE, "/data/out/a", ("/data/out/a", WRITE)),
}


@pytest.mark.parametrize(("of", "path", "asked"), WIDER.values(), ids=WIDER)
def test_a_request_may_not_widen(of: Tool, path: str, asked: Granted) -> None:
    """
    Requests come from models; one that asks for more is refused, and is told for what.
    """
    with pytest.raises(GrantTooWide) as refused:
        compiled(of, {"path": path}, asked)

    assert asked[0] in refused.value.message


def test_a_request_may_not_reach_what_policy_denies() -> None:
    """
    A path inside the tool's directory is still denied if the operator denies it.
    """
    with pytest.raises(PathNotAllowed):
        compiled(READ_FILE, {"path": "/data/dir"}, ("/data/dir/.ssh/key", READ))


BAD_REQUESTS: dict[str, tuple[pb.Grants, type[CallRefused], str]] = {
    "an unknown access": (
        pb.Grants(paths=[pb.PathGrant(path="/data/a", access=9)]),  # type: ignore[arg-type]
        InvalidField,
        "grants.paths[0].access",
    ),
    "a relative path": (
        pb.Grants(paths=[pb.PathGrant(path="/data/a"), pb.PathGrant(path="a")]),
        InvalidField,
        "grants.paths[1].path",
    ),
    "an empty path": (pb.Grants(paths=[pb.PathGrant()]), InvalidField, "grants.paths[0].path"),
    "a domain": (pb.Grants(domains=["example.org:443"]), GrantTooWide, "example.org:443"),
}


@pytest.mark.parametrize(("asked", "kind", "named"), BAD_REQUESTS.values(), ids=BAD_REQUESTS)
def test_a_malformed_request_is_refused_by_name(
    asked: pb.Grants, kind: type[CallRefused], named: str
) -> None:
    """
    Each refusal names the entry, because a request may have many.
    """
    with pytest.raises(kind) as refused:
        compile_grant(READ_FILE, POLICY, {"path": "/data/a"}, asked, Limits())

    assert named in refused.value.message
