"""
What fuzzing has found to be worth trying is tried in each run, without a fuzzer.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from fuzz.corpus import CORPUS, inputs, reached, replace, worth_keeping
from fuzz.targets import TARGETS


@pytest.mark.parametrize("name", TARGETS)
def test_no_input_of_the_corpus_breaks_a_promise(name: str) -> None:
    """
    A target raises for whatever is not a declared refusal.
    """
    found = inputs(CORPUS / name)
    for data in found:
        TARGETS[name](data)

    assert 20 <= len(found) <= 200


def test_a_target_tells_a_broken_promise(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    A target that cannot fail finds nothing.
    """
    monkeypatch.setattr("fuzz.targets.parse", broken)

    with pytest.raises(KeyError):
        TARGETS["dns"](b"")


def broken(data: bytes) -> None:
    raise KeyError(data)


def test_only_what_reaches_something_new_is_kept(tmp_path: Path) -> None:
    """
    A corpus that only grows is not replayed for long.
    """
    (tmp_path / "gone").write_bytes(b"gone")
    kept = worth_keeping([b"", b"\x01", b"\x02", bytes(12)], TARGETS["dns"])
    replace(tmp_path, kept)

    assert b"\x02" not in kept
    assert kept == inputs(tmp_path)


@pytest.mark.parametrize(
    ("name", "parsers"),
    [
        ("dns", ["dns.py"]),
        ("client_hello", ["client_hello.py", "hello_message.py"]),
        ("http", ["http_framing.py", "http_fields.py"]),
    ],
)
def test_the_corpus_reaches_every_line_of_the_parsers(name: str, parsers: list[str]) -> None:
    """
    A line that it does not reach is new, or has lost its inputs: fuzz again.
    """
    found = reached(inputs(CORPUS / name), TARGETS[name])
    lines = {Path(file).name: counts for file, counts in found.items()}

    assert [] == [parser for parser in parsers if len(set(lines[parser])) != 1]


def test_fewer_inputs_reach_fewer_lines() -> None:
    [few] = [counts for file, counts in reached([b""], TARGETS["dns"]).items() if "/dns.py" in file]

    assert 0 < few[0] < few[1]
