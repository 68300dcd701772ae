"""
Names that every provider takes, and the way back from them.
"""

from __future__ import annotations

import random
import re

import pytest
from exampling import few
from hypothesis import given
from hypothesis import strategies as st
from toolcell_client.formats.aliases import property_aliases, tool_aliases

PORTABLE = re.compile(r"^[a-zA-Z_][a-zA-Z0-9_-]{0,63}\Z")
PROPERTY = re.compile(r"^[a-zA-Z_][a-zA-Z0-9_]{0,63}\Z")
# Names that meet often: few letters, and signs that all become the same one.
NAMES = st.sets(st.text("ab._- 1é/", max_size=4) | st.text("ab.", min_size=63, max_size=66))


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["read_file"], {"read_file": "read_file"}),
        (["files.read"], {"files.read": "files_read"}),
        (["2fast"], {"2fast": "_2fast"}),
        (["-x"], {"-x": "_-x"}),
        ([""], {"": "_"}),
        (["größe"], {"größe": "gr__e"}),
        (["a\n"], {"a\n": "a_"}),
    ],
    ids=["as it is", "a dot", "a digit first", "a dash first", "nothing", "letters", "a line"],
)
def test_a_name_keeps_what_can_be_kept(names: list[str], expected: dict[str, str]) -> None:
    """
    Models choose tools by their names.
    """
    assert expected == tool_aliases(names, {})


def test_of_names_that_meet_the_one_that_is_right_keeps_its_own() -> None:
    """
    The others get some digits of their own names.
    """
    made = tool_aliases(["files.read", "files_read", "files/read"], {})

    assert "files_read" == made["files_read"]
    assert re.fullmatch(r"files_read_[0-9a-f]{6}", made["files.read"])
    assert re.fullmatch(r"files_read_[0-9a-f]{6}", made["files/read"])
    assert 3 == len(set(made.values()))


def test_what_is_cut_says_so_by_its_suffix() -> None:
    long = "a" * 70

    [alias] = tool_aliases([long], {}).values()

    assert re.fullmatch(r"a{57}_[0-9a-f]{6}", alias)


def test_a_suffix_that_is_taken_grows() -> None:
    """
    Somebody may call a tool what another would be called.
    """
    [first] = [each for each in tool_aliases(["a.b", "a_b"], {}).values() if each != "a_b"]
    made = tool_aliases(["a.b", "a_b", first], {})

    assert first == made[first]
    assert made["a.b"].startswith(first)
    assert len(made["a.b"]) == len(first) + 1


@few
@given(names=NAMES, seed=st.integers())
def test_aliases_are_portable_different_and_of_the_set(names: set[str], seed: int) -> None:
    """
    The same tools in another order are called the same: a history may be read by another process.
    """
    shuffled = sorted(names)
    random.Random(seed).shuffle(shuffled)

    made = tool_aliases(shuffled, {})

    assert made == tool_aliases(sorted(names), {})
    assert all(PORTABLE.fullmatch(each) for each in made.values())
    assert len(names) == len(set(made.values()))
    assert all(made[each] == each for each in names if PORTABLE.fullmatch(each))


@few
@given(names=NAMES)
def test_aliases_of_properties_meet_no_other_property(names: set[str]) -> None:
    """
    Else one argument would arrive as another.
    """
    made = property_aliases(names)

    assert set(made) == {each for each in names if not PROPERTY.fullmatch(each)}
    assert all(PROPERTY.fullmatch(each) for each in made.values())
    assert len(made) == len(set(made.values()) - (names - set(made)))


@pytest.mark.parametrize(
    ("given_names", "said"),
    [
        ({"c": "x"}, "'x' is given as the name of 'c', and no tool is that"),
        ({"a": "x y"}, "'x y', given for a, is no name that every provider takes: write up to 64"),
        ({"a": "x\n"}, "is no name that every provider takes"),
        ({"a": "x", "b": "x"}, "a and b are both given the name 'x'"),
    ],
    ids=["of no tool", "not portable", "a line", "twice"],
)
def test_a_given_name_that_cannot_be_is_refused(given_names: dict[str, str], said: str) -> None:
    with pytest.raises(ValueError, match=re.escape(said)):
        tool_aliases(["a", "b"], given_names)


def test_a_given_name_stands_before_that_of_another_tool() -> None:
    made = tool_aliases(["a", "b"], {"a": "b"})

    assert "b" == made["a"]
    assert re.fullmatch(r"b_[0-9a-f]{6}", made["b"])
