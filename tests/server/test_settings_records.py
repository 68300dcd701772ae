"""
The section `[records]`, and the page for operators that explains it.
"""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pytest
from toolcell_server import settings
from toolcell_server.settings.records import RecordsSettings

PAGE = Path(__file__).parents[2] / "docs" / "governance" / "idempotency.md"
ERRORS = {
    "no number": ("maximum_count='many'", ["records.maximum_count", "whole number"]),
    "none at all": ("maximum_count=0", ["records.maximum_count = 0", "from 1"]),
    "no room": ("maximum_bytes=1000", ["records.maximum_bytes = 1000", "from 1048576"]),
    "a negative size": ("result_bytes=-1", ["records.result_bytes = -1", "from 0"]),
    "results that leave no room for others": (
        "maximum_bytes=2000000\nresult_bytes=600000",
        ["records.result_bytes = 600000", "2000000", "raise records.maximum_bytes"],
    ),
    "an unknown word": ("synchronous='off'", ["records.synchronous", "normal, full"]),
    "no word": ("synchronous=[]", ["records.synchronous", "normal, full"]),
    "an unknown key": ("result_byte=1", ["records.result_byte", "result_bytes"]),
}


@pytest.mark.parametrize(("text", "expected"), ERRORS.values(), ids=ERRORS.keys())
def test_an_error_names_the_key_the_value_and_the_remedy(
    tmp_path: Path, text: str, expected: list[str]
) -> None:
    file = tmp_path / "settings.toml"
    file.write_text(f"[records]\n{text}\n")
    with pytest.raises(settings.SettingsError) as caught:
        settings.read(str(file))

    assert [] == [part for part in expected if part not in str(caught.value)]


def test_the_example_for_operators_is_read(tmp_path: Path) -> None:
    """
    An example that is refused teaches nothing.
    """
    [example] = re.findall(r"```toml\n(.*?)```", PAGE.read_text(), re.DOTALL)
    file = tmp_path / "settings.toml"
    file.write_text(example.replace("/var/lib/toolcell", str(tmp_path)))
    read = settings.read(str(file))

    assert (str(tmp_path), 86400) == (read.state_dir, read.server.keep_finished_seconds)
    assert RecordsSettings(
        maximum_count=1_000_000, maximum_bytes=4096 * 2**20, result_bytes=2**20
    ) == (read.records)


def test_the_table_for_operators_has_every_key_and_its_default() -> None:
    rows = dict(re.findall(r"^\| `records\.(\w+)` \| (\S+) \|", PAGE.read_text(), re.MULTILINE))
    defaults = dataclasses.asdict(RecordsSettings())

    assert {name: str(value) for name, value in defaults.items()} == rows
