"""
A newcomer with a loop around OpenAI changes at most five lines: counted, shown and run.
"""

from __future__ import annotations

import difflib
import re
from typing import TYPE_CHECKING

import pytest
from example_programs import EXAMPLES, ROOT, run, serve

if TYPE_CHECKING:
    from pathlib import Path

BEFORE, AFTER = "openai_loop_before.py", "openai_loop_after.py"
README = (ROOT / "README.md").read_text()


def lines(name: str) -> list[str]:
    return (EXAMPLES / name).read_text().splitlines(keepends=True)


def changed(before: list[str], after: list[str]) -> int:
    """
    Lines that somebody touches: each that is added, removed, or replaced by another.
    """
    found = difflib.SequenceMatcher(None, before, after, autojunk=False).get_opcodes()
    return sum(
        max(end - begin, new_end - new_begin)
        for what, begin, end, new_begin, new_end in found
        if what != "equal"
    )


def test_at_most_five_lines_change() -> None:
    """
    Removed ones count, too.
    """
    assert 1 <= changed(lines(BEFORE), lines(AFTER)) <= 5


def test_the_count_counts() -> None:
    assert (0, 1, 1, 2, 3) == (
        changed(["a"], ["a"]),
        changed(["a"], ["b"]),
        changed(["a"], []),
        changed(["a"], ["b", "c"]),
        changed(["a", "b", "c"], ["d"]),
    )


def test_the_readme_shows_the_difference() -> None:
    """
    To the letter, as `diff -U0` prints it.
    """
    names = (f"examples/{BEFORE}", f"examples/{AFTER}")
    made = difflib.unified_diff(lines(BEFORE), lines(AFTER), *names, n=0)
    [shown] = re.findall(r"```diff\n(.*?)```", README, re.DOTALL)

    assert "".join(made) == shown


def test_the_loop_is_ordinary() -> None:
    """
    Before, nothing of toolcell is in the program.
    """
    assert not re.search("toolcell_client|Conversation", "".join(lines(BEFORE)))
    assert not re.search("toolcell_client|Conversation", "".join(lines("own_functions.py")))


@pytest.mark.timeout(180)
def test_both_say_the_same(tmp_path: Path) -> None:
    with serve(tmp_path) as server:
        ran = [run(name, server.target, tmp_path) for name in (BEFORE, AFTER)]

    assert [0, 0] == [each.returncode for each in ran], ran
    assert "It has 6 words.\n" == ran[0].stdout == ran[1].stdout
