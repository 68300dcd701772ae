"""
The page for operators: its example is read, its table is complete and true.
"""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

from auditing_logs import keys
from toolcell_server import settings
from toolcell_server.settings.audit import AuditSettings

PAGE = (Path(__file__).parents[3] / "docs" / "governance" / "audit.md").read_text()


def test_its_example_is_read(tmp_path: Path) -> None:
    (example,) = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    keys(tmp_path, "audit")
    for place in ("/var/lib/toolcell", "/etc/toolcell", "/mnt/evidence"):
        example = example.replace(place, str(tmp_path))
    file = tmp_path / "toolcell.toml"
    file.write_text(example)

    found = settings.read(str(file))

    assert found.audit.key is not None
    assert found.audit.checkpoint_file == str(tmp_path / "checkpoint.json")
    assert found.audit.place(found.state_dir) == str(tmp_path / "audit")


def test_its_table_names_every_setting_and_the_words_that_it_takes() -> None:
    (table,) = re.findall(r"## Settings\n\n(.*?)\n\n", PAGE, re.DOTALL)
    named = set(re.findall(r"^\| `audit\.(\w+)` \|", table, re.MULTILINE))

    assert {field.name for field in fields(AuditSettings)} <= named
    for name, default in (("on_failure", "refuse"), ("on_broken", "refuse"), ("fsync", "interval")):
        assert getattr(AuditSettings(), name) == default
        assert f'| `audit.{name}` | `"{default}"` |' in table
