"""
Results for a context window: what is cut, what is said of it, and how the rest is read.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from exampling import few
from hypothesis import given
from hypothesis import strategies as st
from toolcell.v1.execution_pb2 import Completed, Finished, Outcome
from toolcell_client.formats import OfferedTool, Toolset
from toolcell_client.loops.bounding import (
    DEEPEST,
    LEAST_CHARACTERS,
    Bounds,
    encodable,
    shortened,
    shortened_text,
    text_of,
)
from toolcell_client.loops.kept import KeptResults
from toolcell_client.loops.reading_back import read_result
from toolcell_client.testing import completed
from turning import Turn, chat

if TYPE_CHECKING:
    from toolcell_client.loops.turn_result import TurnResult
    from toolcell_client.testing import FakeServer

ROWS = [{"id": n, "name": f"row {n} ä"} for n in range(1000)]
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=60,
)


@few
@given(value=VALUES, characters=st.integers(200, 2000))
def test_what_is_cut_fits_and_stays_json(value: Any, characters: int) -> None:
    cut = shortened(value, characters)
    text = text_of(encodable(cut))
    assert len(text) <= characters
    text.encode()  # no half of a character is left, or this raises
    assert isinstance(cut, str | type(value))
    if len(text_of(value)) <= characters:
        assert cut == value


@few
@given(text=st.text(min_size=300), characters=st.integers(200, 290))
def test_a_text_keeps_its_beginning_and_its_end(text: str, characters: int) -> None:
    cut = shortened_text(text, characters)
    assert cut.startswith(text[:80])
    assert cut.endswith(text[-40:])
    assert "characters left out" in cut


def test_a_list_keeps_its_first_and_last_items() -> None:
    cut = shortened(ROWS, 2000)
    assert (cut[0], cut[-1]) == (ROWS[0], ROWS[-1])
    [mark] = [each for each in cut if isinstance(each, str)]
    assert mark == f"… {1000 - len(cut) + 1} items left out …"


def test_depth_and_width_end() -> None:
    deep: Any = "bottom" * 100
    for _ in range(DEEPEST * 4):
        deep = [deep]
    assert (
        len(text_of(shortened({"deep": deep, "wide": {str(n): n for n in range(999)}}, 900))) <= 900
    )


def test_a_large_result_is_shown_in_part_and_the_rest_can_be_read(
    server: FakeServer, turn: Turn
) -> None:
    server.tool("rows", completed(ROWS))
    kept = KeptResults()
    options: dict[str, Any] = {"kept": kept, "bounds": Bounds(result_characters=3000)}
    first = turn(chat(("a", "rows", {})), only=["rows"], **options)
    text = first.messages[0]["content"]
    assert len(text) <= 3000
    shown = json.loads(text)
    assert shown["result"][0] == ROWS[0]
    handle = shown["left_out"].split('"')[1]
    assert "read_result" in [
        each["function"]["name"] for each in first.toolset.definitions("openai")
    ]

    def read(**arguments: Any) -> Any:
        asked = chat(("b", "read_result", {"handle": handle, **arguments}))
        return turn(asked, toolset=first.toolset, only=["rows"], **options).answers[0].value

    whole = json.dumps(ROWS, ensure_ascii=False)
    assert read(path="/500/name") == {"text": "row 500 ä", "offset": 0, "characters": 9}
    assert read(offset=7, length=5)["text"] == whole[7:12]
    assert read()["next_offset"] == 3000
    found = read(search="ROW 77")
    assert found["count"] == 11
    assert whole[found["matches"][0]["offset"] :].startswith("row 77")
    assert [each.tool for each in server.requests] == ["rows"]
    for wrong, complaint in (
        ({"path": "/500/colour"}, "has the properties id, name, and no 'colour'"),
        ({"path": "/5000"}, "has 1000 items"),
        ({"offset": 10**9}, "behind its end"),
        ({"offset": -1}, "not negative"),
        ({"search": "x" * 1000}, "at most 500"),
        ({"handle": "r-0000000000"}, "Call the tool that gave it again"),
    ):
        assert complaint in read(**wrong)["message"]


def test_read_result_is_not_offered_before_something_was_cut(
    server: FakeServer, turn: Turn
) -> None:
    server.tool("rows", completed([1]))
    kept = KeptResults()
    done = turn(chat(("a", "rows", {}), ("b", "read_result", {"handle": "x"})), kept=kept)
    assert list(done.toolset.tools) == ["rows"]
    assert done.answers[1].value["error"] == "unknown_tool"


def test_without_a_place_the_rest_is_gone_and_the_model_told(
    server: FakeServer, turn: Turn
) -> None:
    server.tool("text", completed("ä" * 99_999))
    toolset = Toolset([OfferedTool(name="text", parameters={"type": "object"})])
    done: TurnResult = turn(chat(("a", "text", {})), toolset=toolset)
    assert len(done.answers[0].text) <= Bounds().result_characters
    assert "whole result has 99999 characters" in done.answers[0].text
    assert "not kept" in done.answers[0].text


def test_the_answers_of_a_turn_have_a_bound_together(server: FakeServer, turn: Turn) -> None:
    server.tool("text", completed("x" * 9_000))
    bounds = Bounds(result_characters=10_000, turn_characters=20_000)
    done = turn(chat(*((f"{n}", "text", {}) for n in range(8))), bounds=bounds)
    sizes = sorted(len(each.text) for each in done.answers)
    assert sizes[-2:] == [9000, 9000]
    assert sum(sizes) <= 20_000 + 6 * LEAST_CHARACTERS
    assert sizes[0] > 500


def test_capitals_that_become_two_characters_do_not_shift_places() -> None:
    kept = KeptResults()
    handle = kept.keep("İ" * 50 + "needle")
    found = read_result(kept, {"handle": handle, "search": "needle"}, 1000)
    assert found["matches"][0]["offset"] == 50


def test_a_search_is_linear() -> None:
    """
    A pattern would look at every place again; this test would not end.
    """
    kept = KeptResults()
    handle = kept.keep("a" * 10_000_000)
    asked = {"handle": handle, "search": "a" * 250 + "b" + "a" * 249}
    assert read_result(kept, asked, 1000)["count"] == 0


def test_the_store_is_bounded_and_its_handles_are_its_own() -> None:
    kept, other = KeptResults(results=2, characters=1000), KeptResults()
    handles = [kept.keep("x" * 400) for _ in range(3)]
    assert [kept.get(each) is not None for each in handles] == [False, True, True]
    assert kept.keep("x" * 1001) == ""
    assert other.get(handles[2]) is None
    kept.keep("y" * 900)
    assert kept.get(handles[2]) is None


def test_half_characters_do_not_reach_a_provider(server: FakeServer, turn: Turn) -> None:
    """
    One of them in one result would make the whole request fail.
    """
    server.tool("bad", Finished(outcome=Outcome(completed=Completed()), result_json=b'"x\\ud800"'))
    assert turn(chat(("a", "bad", {}))).messages[0]["content"] == "x?"
    assert encodable({"a": "x\ud800"}) == {"a": "x?"}
    assert encodable("x\ud800") == "x?"


def test_a_result_that_is_too_deep_is_answered(server: FakeServer, turn: Turn) -> None:
    deep = b"[" * 985 + b"]" * 985
    server.tool("deep", Finished(outcome=Outcome(completed=Completed()), result_json=deep))
    [answer] = turn(chat(("a", "deep", {}))).answers
    assert len(answer.text) < 3000


def test_bounds_have_a_minimum() -> None:
    with pytest.raises(ValueError, match="at least 200"):
        Bounds(result_characters=10)
