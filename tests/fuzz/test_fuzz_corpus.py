"""
What fuzzing has found to be worth trying is tried in each run, without a fuzzer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from toolcell_server.egress.dns import Malformed, parse

from fuzz.corpus import CORPUS, inputs, replace, worth_keeping
from fuzz.targets import TARGETS

if TYPE_CHECKING:
    from pathlib import Path


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
    query = next(data for data in inputs(CORPUS / "dns") if _is_question(data))
    monkeypatch.setattr("fuzz.targets.parse", broken)

    with pytest.raises(KeyError):
        TARGETS["dns"](query)


def broken(data: bytes) -> None:
    raise KeyError(data)


def _is_question(data: bytes) -> bool:
    try:
        return bool(parse(data).name)
    except Malformed:
        return False


def test_only_what_reaches_something_new_is_kept(tmp_path: Path) -> None:
    """
    A corpus that only grows is not replayed for long.
    """
    (tmp_path / "gone").write_bytes(b"gone")
    kept = worth_keeping([b"", b"\x01", b"\x02", bytes(12)], TARGETS["dns"])
    replace(tmp_path, kept)

    assert b"\x02" not in kept
    assert kept == inputs(tmp_path)
