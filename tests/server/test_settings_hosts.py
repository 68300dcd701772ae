"""
The section `[hosts]`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from toolcell_server import settings
from toolcell_server.settings import SettingsError

if TYPE_CHECKING:
    from pathlib import Path


def read(folder: Path, text: str) -> settings.Settings:
    file = folder / "settings.toml"
    file.write_text(f"[hosts]\n{text}\n")
    return settings.read(str(file), {})


def test_hosting_is_off_unless_the_operator_says_so(tmp_path: Path) -> None:
    assert not read(tmp_path, "").hosts.enabled
    assert read(tmp_path, "enabled = true").hosts.enabled


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ('enabled = "yes"', "hosts.enabled"),
        ("most = 0", "hosts.most"),
        ("concurrency = 1.5", "hosts.concurrency"),
        ("heartbeat_seconds = 0", "hosts.heartbeat_seconds"),
        ("window_bytes = 1", "hosts.window_bytes"),
        ("hostz = 1", "hostz"),
    ],
)
def test_what_makes_no_sense_is_refused_by_its_key(tmp_path: Path, text: str, key: str) -> None:
    with pytest.raises(SettingsError, match=key):
        read(tmp_path, text)
