"""
The section `[environment]`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from toolcell_server import settings
from toolcell_server.rights.availability import Environment

if TYPE_CHECKING:
    from pathlib import Path

ERRORS = {
    "no text": ("name=5", ["environment.name", "5"]),
    "more than one word": ("name=' staging'", ["environment.name", "one word"]),
    "a name without end": (f"name='{'a' * 65}'", ["environment.name", "at most 64"]),
    "no table": ("labels='eu'", ["environment.labels", "region"]),
    "a label that is no text": ("labels={region=1}", ["environment.labels.region", "1"]),
    "an unknown key": ("nam='a'", ["environment.nam", "name"]),
}


@pytest.mark.parametrize(("text", "expected"), ERRORS.values(), ids=ERRORS.keys())
def test_an_error_names_the_key_the_value_and_the_remedy(
    tmp_path: Path, text: str, expected: list[str]
) -> None:
    file = tmp_path / "settings.toml"
    file.write_text(f"[environment]\n{text}\n")
    with pytest.raises(settings.SettingsError) as caught:
        settings.read(str(file))

    assert [] == [part for part in expected if part not in str(caught.value)]


def test_every_key_reaches_its_value(tmp_path: Path) -> None:
    file = tmp_path / "settings.toml"
    file.write_text("[environment]\nname='staging'\nlabels={region='eu'}\n")

    found = settings.read(str(file)).environment.value()

    assert Environment("staging", {"region": "eu"}) == found
    assert Environment() == settings.Settings().environment.value()
