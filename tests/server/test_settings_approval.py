"""
The section [approval], and the page for operators that explains it.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from toolcell_server import settings
from toolcell_server.approvals.kinds import ToolKind
from toolcell_server.approvals.pins import PinHash
from toolcell_server.settings.approval import ApprovalSettings

PAGE = Path(__file__).parents[2] / "docs" / "governance" / "approval.md"
PIN = PinHash.of("2468").text()


def read(tmp_path: Path, text: str) -> settings.Settings:
    file = tmp_path / "settings.toml"
    file.write_text(text)
    return settings.read(str(file))


def test_everything_that_can_be_set_is_read(tmp_path: Path) -> None:
    """
    A file with each key.
    """
    found = read(
        tmp_path,
        "[approval]\n"
        'default_for_destructive = "confirm"\nconfirm_seconds = 30\napprove_seconds = 60.5\n'
        "keep_seconds = 0\nmaximum_pending = 5\npin_attempts = 2\npin_lock_seconds = 60\n"
        '[[approval.tools]]\ntool = "delete_*"\nkind = "approve"\n'
        f'[[approval.pins]]\nprincipal = "alice"\nhash = "{PIN}"\n',
    ).approval

    assert found == ApprovalSettings(
        default_for_destructive="confirm",
        confirm_seconds=30,
        approve_seconds=60.5,
        keep_seconds=0,
        maximum_pending=5,
        pin_attempts=2,
        pin_lock_seconds=60,
        tools=(ToolKind("delete_*", "approve"),),
        pins={"alice": PinHash.parse(PIN)},
    )
    assert PIN.rpartition("$")[2] not in repr(found) + repr(found.pins)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('default_for_destructive = "always"', ("default_for_destructive", "confirm")),
        ("confirm_seconds = 0", ("approval.confirm_seconds", "3600")),
        ("maximum_pending = 1.5", ("approval.maximum_pending", "whole")),
        ("pin_attempts = 11", ("approval.pin_attempts", "10")),
        ("pin_atempts = 3", ("pin_atempts", "pin_attempts")),
        ("tools = 3", ("approval.tools", "[[approval.tools]]")),
        ("tools = [3]", ("approval.tools[0]", "[[approval.tools]]")),
        ('tools = [{tool = "a"}]', ("approval.tools[0].kind", "missing")),
        ('tools = [{tool = "a b", kind = ""}]', ("approval.tools[0].tool", "delete_*")),
        ('tools = [{tool = "a", kind = "ask"}]', ("approval.tools[0].kind", "confirm")),
        ('tools = [{tool = "a", kinds = "ask"}]', ("approval.tools[0].kinds", "kind")),
        ('pins = [{principal = "a", hash = "2468"}]', ("approval.pins[0].hash", "hash-pin")),
        ('pins = [{principal = "a", hash = 2468}]', ("approval.pins[0].hash", "quotes")),
        (f'pins = [{{principal = "a", hash = "{PIN}"}},{{principal = "a", hash = "{PIN}"}}]',
         ("approval.pins", "twice")),
    ],
)  # fmt: skip
def test_what_cannot_be_used_is_said_with_the_remedy(
    tmp_path: Path, text: str, says: tuple[str, ...]
) -> None:
    """
    Key, what is wrong, and what to write; never a PIN.
    """
    with pytest.raises(settings.SettingsError) as caught:
        read(tmp_path, f"[approval]\n{text}\n")

    assert all(word in str(caught.value) for word in says), str(caught.value)
    assert "2468" not in str(caught.value)
    assert PIN not in str(caught.value)


def test_the_page_for_operators_is_right(tmp_path: Path) -> None:
    """
    Its example is read by the server, and its table has each setting with its default.
    """
    page = PAGE.read_text()
    (example,) = re.findall(r"```toml\n(.*?)```", page, re.DOTALL)
    rows = dict(re.findall(r"^\| `approval\.(\w+)` \| `([^`]*)` \|", page, re.MULTILINE))
    defaults: Any = ApprovalSettings()
    plain = [name for name in ApprovalSettings.__slots__ if name not in ("tools", "pins")]

    assert read(tmp_path, example).approval != defaults
    assert rows == {name: _toml(getattr(defaults, name)) for name in plain}


def _toml(value: Any) -> str:
    return f'"{value}"' if isinstance(value, str) else f"{value:g}"
