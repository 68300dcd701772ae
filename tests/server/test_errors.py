"""
One taxonomy for all errors: each has texts for people, for models and for voices, and says who must
act; and the reference says what the code does.
"""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from pathlib import Path
from typing import Any, get_args

import pytest
from toolcell.v1 import execution_pb2 as pb
from toolcell_server import error_reference, error_table, refusals
from toolcell_server.error_table import Row, faults
from toolcell_server.refusals.base import CallRefused, Category, Code

ROOT = Path(__file__).parents[2]
REFUSALS = error_table.of_refusals()
ENDINGS = error_table.of_endings()
GOOD = Row(
    reason="X",
    code="NOT_FOUND",
    category="user",
    retryable=False,
    message="it is not there",
    hint="Name another.",
    spoken="I did not find that.",
)


def all_refusals(kind: type[CallRefused] = CallRefused) -> set[type[CallRefused]]:
    below = {each for each in kind.__subclasses__() if each.__module__.startswith("toolcell_")}
    return below.union(*map(all_refusals, below))


@pytest.mark.parametrize("row", [*REFUSALS, *ENDINGS], ids=lambda row: row.reason)
def test_every_error_keeps_the_promises_of_the_contract(row: Row) -> None:
    assert list(faults(row)) == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"category": "bad"}, "category"),
        ({"retryable": True}, "not temporary"),
        ({"message": ""}, "no message"),
        ({"hint": ""}, "one sentence"),
        ({"hint": "Name another. Or do not."}, "one sentence"),
        ({"hint": "name another"}, "one sentence"),
        ({"spoken": ""}, "nobody can say"),
        ({"spoken": "I " + "really " * 30 + "cannot."}, "nobody can say"),
        ({"spoken": "The JSON was wrong."}, "no word to say"),
        ({"spoken": "The request_id was used."}, "no word to say"),
    ],
)
def test_an_error_that_breaks_a_promise_is_found(change: dict[str, Any], said: str) -> None:
    """
    The control of the test above.
    """
    assert list(faults(GOOD)) == []

    assert said in " ".join(faults(dataclasses.replace(GOOD, **change)))


def test_every_refusal_is_in_the_table() -> None:
    """
    One that is not exported is in no table, no metric and no documentation.
    """
    exported = {getattr(refusals, name) for name in refusals.__all__} - {CallRefused}

    assert all_refusals() - exported == set()
    assert {kind.reason for kind in exported} == {row.reason for row in REFUSALS}
    assert len(exported) == len({row.reason for row in REFUSALS})


def test_every_refusal_has_a_code_and_a_category_of_the_contract() -> None:
    assert {row.code for row in REFUSALS} <= set(get_args(Code))
    assert {row.category for row in REFUSALS} <= set(get_args(Category))


@pytest.mark.parametrize(
    ("kind", "word"),
    [
        (pb.Limit, "exceeded"),
        (pb.Wall, "violated"),
        (pb.CancelReason, "cancelled"),
        (pb.LostReason, "lost"),
    ],
)
def test_every_value_of_the_contract_has_its_row(kind: Any, word: str) -> None:
    """
    Who adds a limit, a wall or a reason says what a model can do about it.
    """
    prefix = kind.Name(0).removesuffix("UNSPECIFIED")
    wanted = {f"{word}({name.removeprefix(prefix).lower()})" for name, _ in kind.items()}
    rows = {row.reason for row in ENDINGS if row.reason.startswith(word)}

    assert rows == wanted - {f"{word}(unspecified)"}


def test_an_ending_that_was_cancelled_says_why_in_its_hint() -> None:
    hints = [row.hint for row in ENDINGS if row.reason.startswith("cancelled")]

    assert len(hints) == len(set(hints)) == 3


def test_a_refusal_that_no_example_can_be_made_of_is_named() -> None:
    """
    With what to do: other parts add refusals, and must not have to know this table.
    """

    class Odd(CallRefused):
        def __init__(self, _thing: complex) -> None:
            super().__init__("x", "y")

    with pytest.raises(error_table.NoExample, match="Odd takes _thing: complex; give it"):
        error_table.example(Odd)
    Odd.example = classmethod(lambda cls: cls(1j))  # type: ignore[attr-defined]
    assert isinstance(error_table.example(Odd), Odd)


def test_the_reference_is_what_the_code_says() -> None:
    """
    If this fails: `python -m toolcell_server errors > docs/errors.md`.
    """
    assert (ROOT / "docs" / "errors.md").read_text() == error_reference.reference()


def test_the_program_prints_it() -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "toolcell_server", "errors"],
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )

    assert ended.stdout == error_reference.reference()
