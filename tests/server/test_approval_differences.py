"""
What a file would become, as people read it.
"""

from __future__ import annotations

import random

import pytest
from toolcell_server import manifest
from toolcell_server.approvals.differences import (
    ABSENT,
    MAXIMUM_LINES,
    MAXIMUM_TEXT,
    content,
    difference,
)

SEED = 11


def body(before: bytes | None, after: bytes) -> list[str]:
    old = ABSENT if before is None else content(before)
    text, _ = difference("/a", old, content(after))
    return text.split("\n")[2:]


def patched(old: list[str], hunk: list[str]) -> list[str]:
    """
    The old lines with a hunk applied, as patch(1) does.
    """
    begin = int(hunk[0].split()[1].partition(",")[0][1:]) - 1
    taken = [line[1:] for line in hunk[1:] if line[:1] in " -"]
    put = [line[1:] for line in hunk[1:] if line[:1] in " +"]
    assert old[begin : begin + len(taken)] == taken
    return [*old[:begin], *put, *old[begin + len(taken) :]]


def test_a_difference_applied_to_the_old_gives_the_new() -> None:
    """
    It is a valid one, whatever the two are.
    """
    chance = random.Random(SEED)  # a test's noise
    for _ in range(500):
        old = [chance.choice("abc") for _ in range(chance.randrange(1, 12))]
        new = [chance.choice("abc") for _ in range(chance.randrange(1, 12))]
        if old == new:
            continue
        hunk = body("\n".join(old).encode(), "\n".join(new).encode())
        assert patched(old, hunk) == new


def test_a_new_file_is_all_added() -> None:
    """
    With what was there before: nothing.
    """
    text, complete = difference("/a", ABSENT, content(b"x\ny"))

    assert complete
    assert text.startswith("--- /a (does not exist)")
    assert text.split("\n")[3:] == ["+x", "+y"]


@pytest.mark.parametrize(
    ("before", "after"),
    [(b"\0", b"a"), (b"a", b"\xff"), (b"a", b"a" * (MAXIMUM_TEXT + 1))],
    ids=["a NUL", "no UTF-8", "too large"],
)
def test_what_is_no_text_is_told_by_size_and_digest(before: bytes, after: bytes) -> None:
    """
    And the approver is told that it was not shown.
    """
    text, complete = difference("/a", content(before), content(after))

    assert not complete
    assert content(after).digest in text
    assert f"{len(after)} bytes" in text


def test_no_line_can_pose_as_another() -> None:
    """
    Escape sequences and returns are spelled out.
    """
    shown = "\n".join(body(b"a", b"b\r+c\x1b[2K\xe2\x80\xae"))

    assert shown.replace("\n", "").isprintable()


@pytest.mark.timeout(20)
def test_a_long_difference_is_cut_and_says_so() -> None:
    """
    In linear time, however it is made: a search for the best one would take hours.
    """
    old = b"\n".join(b"a" if n % 2 else b"b" for n in range(MAXIMUM_TEXT // 2))
    new = b"\n".join(b"b" if n % 2 else b"a" for n in range(MAXIMUM_TEXT // 2))
    text, complete = difference("/a", content(old), content(new))

    assert not complete
    assert len(text.split("\n")) <= MAXIMUM_LINES + 3
    assert "lines left out" in text


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"domains": ["a.example:443"]}, "domains"),
        ({"paths": [{"path": "/a", "access": "write"}]}, "staged"),
        ({"paths": [{"path": "/a", "access": "read"}]}, "stages no path"),
    ],
)
def test_a_tool_that_would_change_more_promises_no_preview(
    fields: dict[str, object], says: str
) -> None:
    """
    A preview runs before anybody said yes, so it must have no effect.
    """
    value = {
        "name": "t",
        "description": "T.",
        "parameters": {"type": "object"},
        "preview": True,
        "paths": [{"path": "/a", "access": "staged"}],
        "profile": "net",
    }
    assert manifest.parse(value).preview  # the control
    with pytest.raises(ValueError, match=says):
        manifest.parse({**value, **fields})
