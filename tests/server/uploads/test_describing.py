"""
What a cell says of uploaded code is what its author wants it to say.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from toolcell_server.refusals import CodeNotLoaded
from toolcell_server.uploads.describing import described, is_entry

TOOL = {"entry": "tools:hello", "manifest": {"name": "hello"}}


def test_what_describes_tools_is_their_manifests() -> None:
    """
    Which nobody has checked; that is done as for any other.
    """
    found = described(json.dumps({"tools": [TOOL], "faults": []}).encode())

    assert [({"name": "hello"}, "tools:hello")] == [(one.manifest, one.entry) for one in found]


LIES: dict[str, Any] = {
    "nothing": {},
    "no tool": {"tools": []},
    "a list": [TOOL],
    "a number": 7,
    "tools that are no list": {"tools": {"a": TOOL}},
    "a tool that is no object": {"tools": ["hello"]},
    "a manifest that is no object": {"tools": [{**TOOL, "manifest": "x"}]},
    "no entry": {"tools": [{"manifest": {}}]},
    "an entry that is a path": {"tools": [{**TOOL, "entry": "/etc/passwd:x"}]},
    "an entry that is a program": {"tools": [{**TOOL, "entry": "os;import os:x"}]},
    "an entry without end": {"tools": [{**TOOL, "entry": "a" * 300 + ":x"}]},
    "an entry in letters that look alike": {"tools": [{**TOOL, "entry": "t\u043eols:hello"}]},
    "too many": {"tools": [TOOL] * 101},
    "a fault": {"tools": [TOOL], "faults": [{"file": "x", "reason": "ImportError"}]},
    "a fault that is none": {"tools": [TOOL], "faults": [7]},
}


@pytest.mark.parametrize("said", LIES.values(), ids=LIES.keys())
def test_what_describes_no_tool_is_refused(said: Any) -> None:
    with pytest.raises(CodeNotLoaded):
        described(json.dumps(said).encode())


@pytest.mark.parametrize(
    "said",
    [b"", b"{", b"\xff", b"[" * 100_000, b'{"tools": ' + b"[" * 100_000],
    ids=["empty", "half", "no text", "deep", "deeper"],
)
def test_what_is_no_json_is_refused(said: bytes) -> None:
    with pytest.raises(CodeNotLoaded):
        described(said)


def test_a_reason_is_shown_shortened_and_without_control_characters() -> None:
    """
    It goes to a log and to a terminal.
    """
    fault = {"reason": "\x1b[2J\n" + "a" * 10_000 + "\ud800"}
    with pytest.raises(CodeNotLoaded) as refused:
        described(json.dumps({"faults": [fault]}).encode())

    assert str(refused.value).isprintable()
    assert len(str(refused.value)) < 1000


@pytest.mark.parametrize("entry", ["tools:hello", "a.b.c:D.e", "_x:_y"])
def test_an_entry_names_a_callable_of_a_module(entry: str) -> None:
    assert is_entry(entry)


@pytest.mark.parametrize("entry", ["", "tools", "tools:", ":x", "a:b:c", "a b:c", "1a:b", "a:b\n"])
def test_what_names_none_is_no_entry(entry: str) -> None:
    assert not is_entry(entry)
