"""
Calls that are answered from the cache, in real cells over a real socket.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest
from repeating import kinds, metrics, numbers, say, settle

if TYPE_CHECKING:
    from pathlib import Path

    from running_server import Server
    from toolcell_client import Client


def test_the_same_call_is_answered_from_the_cache_and_says_so(
    repeating: Client, repeating_server: Server
) -> None:
    """
    Nothing ran: no cell, no usage, no `started`.
    """
    before = metrics(repeating_server)['toolcell_cache_lookups_total{result="hit"}']
    first = repeating.run("numbered", {"value": "same"})
    told, second = kinds(repeating, "numbered", {"value": "same"})

    assert (first.cached, second.cached) == (False, True)
    assert first.value == second.value
    assert ["accepted", "finished"] == told
    assert second.isolation is None
    assert second.usage.wall.ToNanoseconds() == 0
    assert first.isolation is not None
    assert before + 1 == metrics(repeating_server)['toolcell_cache_lookups_total{result="hit"}']
    assert metrics(repeating_server)["toolcell_cache_entries"] >= 1


@pytest.mark.parametrize(
    ("value", "other", "same"),
    [
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}, True),
        (1.0, 1e0, True),
        (1, 1.0, False),
        (1, True, False),
        ("é", "e\u0301", False),
        (None, "null", False),
        (2**53, 2**53 + 1, False),
    ],
)
def test_arguments_are_the_same_if_no_tool_can_tell_them_apart(
    repeating: Client, value: Any, other: Any, same: bool
) -> None:
    first, second = numbers(repeating, "numbered", {"value": [value]}, {"value": [other]})

    assert same is (first == second)


def test_a_call_that_wants_no_cached_answer_gets_none_and_refreshes_it(repeating: Client) -> None:
    first, again = numbers(repeating, "numbered", {"value": "n"}, {"value": "n"})
    (fresh,) = numbers(repeating, "numbered", {"value": "n"}, no_cache=True)
    (after,) = numbers(repeating, "numbered", {"value": "n"})

    assert first == again
    assert fresh != first
    assert fresh == after


def test_limits_of_the_call_belong_to_what_is_asked(repeating: Client) -> None:
    """
    A tool can see its limits, and answer by them.
    """
    first, second = numbers(repeating, "numbered", {"value": "l"}, {"value": "l"})
    (narrow,) = numbers(repeating, "numbered", {"value": "l"}, limits={"memory_bytes": 2**28})

    assert first == second
    assert narrow != first


LONG_AGO = 10**9


def change_in_place(file: Path) -> None:
    file.write_text("new")
    os.utime(file, (LONG_AGO, LONG_AGO))


def replace_it(file: Path) -> None:
    other = file.with_name(f"{file.name}.new")
    other.write_text("new")
    other.chmod(0o666)
    os.utime(other, (LONG_AGO, LONG_AGO))
    other.rename(file)


@pytest.mark.parametrize("change", [change_in_place, replace_it])
def test_a_changed_file_is_not_answered_from_the_cache(
    repeating: Client, saying: Path, change: Any
) -> None:
    """
    Same size, same time of the last write: what tells is what nobody can set back.
    """
    say(saying, "old")
    os.utime(saying, (LONG_AGO, LONG_AGO))
    settle(saying)
    asked = {"path": str(saying)}
    first, again = numbers(repeating, "read_numbered", asked, asked)
    change(saying)
    changed = repeating.run("read_numbered", asked).raise_for_outcome()

    assert first == again
    assert "new" == changed.value["content"]
    assert not changed.cached


def test_a_file_that_was_changed_just_now_is_read_each_time(
    repeating: Client, saying: Path
) -> None:
    """
    The next change could fall into the same tick of the clock.
    """
    asked = {"path": str(saying)}
    say(saying, "just now")
    first, again = numbers(repeating, "read_numbered", asked, asked)

    assert first != again


def test_a_folder_is_read_each_time(repeating: Client, repeating_root: Path) -> None:
    """
    What changes deeper in it leaves no trace in it.
    """
    folder = repeating_root / "folder"
    folder.mkdir(exist_ok=True)
    settle(folder)
    asked = {"path": str(folder)}
    first, again = numbers(repeating, "read_numbered", asked, asked)

    assert first != again


def test_what_a_tool_was_denied_keeps_its_answer_out(repeating: Client) -> None:
    first, again = numbers(repeating, "denied_numbered", {}, {})

    assert first != again
