"""
What admission refuses: in words that name it, and leaving nothing behind.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import pytest
from admitting import admission, admit, request
from google.protobuf.duration_pb2 import Duration
from toolcell.v1 import execution_pb2 as pb
from toolcell_server import refusals
from toolcell_server.capacity import Capacity

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "a.txt").write_text("a")
    return tmp_path


BIG = b'{"path": "' + b"x" * 1000 + b'"}'
REFUSED: dict[str, tuple[dict[str, Any], type[refusals.CallRefused], str]] = {
    "an unknown tool": ({"tool": "reed_file"}, refusals.UnknownTool, "read_file"),
    "an unknown version": ({"version": "7"}, refusals.UnknownTool, "version '7'"),
    "a broken tool": ({"tool": "bad"}, refusals.ToolBroken, "SyntaxError in line 1"),
    "a disabled tool": ({"tool": "forbidden"}, refusals.SwitchedOff, "forbidden"),
    "not JSON": ({"arguments": b"{'path': 1}"}, refusals.ArgumentsNotJson, "line 1"),
    "NaN": ({"arguments": b'{"path": NaN}'}, refusals.ArgumentsNotJson, "'/path'"),
    "a key twice": ({"arguments": b'{"a": 1, "a": 2}'}, refusals.ArgumentsNotJson, '"a"'),
    "a hundred brackets": ({"arguments": b"[" * 100}, refusals.ArgumentsNotJson, "64 levels"),
    "too many bytes": ({"arguments": BIG}, refusals.ArgumentsTooLarge, "1000"),
    "ten megabytes": ({"arguments": BIG * 10_000}, refusals.ArgumentsTooLarge, "10120000"),
    "more bytes than the call itself allows": (
        {"limits": pb.Limits(arguments_bytes=5)},
        refusals.ArgumentsTooLarge,
        "limit is 5",
    ),
    "an empty object is two bytes": (
        {"arguments": b"", "limits": pb.Limits(arguments_bytes=1)},
        refusals.ArgumentsTooLarge,
        "limit is 1",
    ),
    "a wrong type": ({"arguments": {"path": 5}}, refusals.ArgumentsInvalid, "must be a string"),
    "nothing": ({"arguments": b""}, refusals.ArgumentsInvalid, "arguments_json/path is required"),
    "a limit above the tool's": (
        {"limits": pb.Limits(wall=Duration(seconds=21))},
        refusals.LimitAboveCeiling,
        "limits.wall",
    ),
    "a limit of the network above the tool's": (
        {"limits": pb.Limits(connections=100_000)},
        refusals.LimitAboveCeiling,
        "limits.connections",
    ),
    "a path outside the roots": (
        {"arguments": {"path": "/etc/passwd"}},
        refusals.PathNotAllowed,
        "/etc/passwd",
    ),
    "more grants than the tool has": (
        {"grants": pb.Grants(paths=[pb.PathGrant(path="/etc/passwd")])},
        refusals.GrantTooWide,
        "/etc/passwd",
    ),
    "more isolation than there is": (
        {"minimum_isolation": pb.ISOLATION_LEVEL_FULL},
        refusals.IsolationBelowFloor,
        "isolation full is demanded and this host has strong: resources",
    ),
    "a tool that demands more": (
        {"tool": "picky", "arguments": {}},
        refusals.IsolationBelowFloor,
        "full",
    ),
    "a session": ({"session_id": "s"}, refusals.SwitchedOff, "sessions"),
    "a timeout of nothing": ({"timeout": Duration()}, refusals.InvalidField, "timeout"),
}


@pytest.mark.parametrize("validate_only", [False, True], ids=["to run", "validate only"])
@pytest.mark.parametrize(("fields", "kind", "named"), REFUSED.values(), ids=REFUSED)
def test_what_is_refused_takes_no_place_and_opens_nothing(
    root: Path,
    fields: dict[str, Any],
    kind: type[refusals.CallRefused],
    named: str,
    *,
    validate_only: bool,
) -> None:
    """
    A refusal means that nothing ran; the same is refused when the caller only asks.
    """
    to = admission(root)
    with pytest.raises(kind) as refused:
        admit(to, request(root, validate_only=validate_only, **fields))

    assert named in refused.value.message
    assert to.opener.opened == []  # type: ignore[attr-defined]
    assert to.capacity.running == 0


def test_a_refusal_of_the_opener_gives_the_place_back(root: Path) -> None:
    """
    Otherwise every missing file would cost the server a place, for ever.
    """
    to = admission(root)
    for _ in range(3):
        with pytest.raises(refusals.PathNotAllowed):
            admit(to, request(root, arguments={"path": str(root / "missing")}))

    assert to.capacity.running == 0


def test_a_full_server_opens_nothing_and_says_when_to_retry(root: Path) -> None:
    """
    Refusing must be cheap exactly when the server is busy.
    """
    to = admission(root, capacity=Capacity(running=1, queue=0))
    with contextlib.closing(admit(to, request(root))):
        opened = len(to.opener.opened)  # type: ignore[attr-defined]
        with pytest.raises(refusals.NoCapacity):
            admit(to, request(root))

        assert len(to.opener.opened) == opened  # type: ignore[attr-defined]


def test_a_mistake_is_told_even_when_the_server_is_full(root: Path) -> None:
    """
    A caller who is told to retry must not learn on the third try that the call was wrong.
    """
    to = admission(root, capacity=Capacity(running=1, queue=0))
    with (
        contextlib.closing(admit(to, request(root))),
        pytest.raises(refusals.ArgumentsInvalid),
    ):
        admit(to, request(root, arguments={"path": 5}))
