"""
The page about turns: its Python, as it shows it, against a whole server.
"""

from __future__ import annotations

import contextlib
import io
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from turn_place import TurnPlace
from turning import chat, streamed

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE = (Path(__file__).parents[2] / "docs/orchestrators/turns.md").read_text()
LOOP, STREAM, LARGE, EXTRACTION, APPROVAL = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
INDENTED = re.findall(r"^    (done = client.resume.*?)(?: +#.*)?$", PAGE, re.MULTILINE)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TurnPlace]:
    place = TurnPlace(tmp_path_factory.mktemp("place"))
    try:
        yield place
    finally:
        place.server.stop()


def typed(place: TurnPlace, *lines: str, **names: Any) -> tuple[dict[str, Any], str]:
    """
    Lines of the page, as a reader types them: the names that there are then, and what was printed.
    """
    printed = io.StringIO()
    with place.client("alice") as client, contextlib.redirect_stdout(printed):
        known = {"client": client, **names}
        for each in lines:
            exec(each, known)
    return known, printed.getvalue()


def test_the_loop(place: TurnPlace) -> None:
    says = {"role": "assistant", "content": "There is one row."}
    end = {"choices": [{"index": 0, "message": says, "finish_reason": "stop"}]}
    responses = iter([chat(("a", "rows", {"count": 1})), end])
    asked: list[Any] = []

    def complete(messages: list[Any], tools: list[Any]) -> Any:
        asked.append((len(messages), sorted(each["function"]["name"] for each in tools)))
        return next(responses)

    known, printed = typed(place, LOOP, complete=complete, messages=[{"role": "user"}])
    assert printed == "There is one row.\n"
    assert [length for length, _ in asked] == [1, 3]
    assert "rows" in asked[0][1]
    assert [each["role"] for each in known["messages"]] == [
        "user",
        "assistant",
        "tool",
        "assistant",
    ]


def test_the_stream(place: TurnPlace) -> None:
    response = streamed(("a", "rows", {"count": 1}), text="I look.")
    known, printed = typed(place, STREAM, response_stream=response)
    assert printed == 'I look.rows [{"name": "row 0 ä"}]\n'
    assert len(known["done"].messages) == 1


def test_a_large_result(place: TurnPlace) -> None:
    known, _ = typed(place, LARGE, large=chat(("a", "rows", {"count": 1000})))
    assert "read_result" in [each["function"]["name"] for each in known["tools"]]


def test_an_extraction(place: TurnPlace) -> None:
    _, printed = typed(place, EXTRACTION, about_ada=chat(("a", "person", {"name": "Ada"})))
    assert printed == "Ada\n"


def test_an_approval(place: TurnPlace) -> None:
    calls = chat(("a", "mail", {"to": "bob"}), ("b", "wipe", {"path": str(place.file)}))
    [resume] = INDENTED
    names = {"wants_approval": calls, "ask_the_user": lambda summary: "bob" in summary}
    known, _ = typed(place, APPROVAL, resume, **names)
    done = known["done"]
    assert [each.call.tool for each in done.pending] == ["wipe"]
    assert done.answers[0].value == "sent to bob"
    assert "waits_for_approval" in done.messages_meanwhile[1]["content"]
