"""
What the settings name and no tool has is told when the tools are known.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from toolcell_server import settings, unmatched
from toolcell_server.app import App

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

NAMED = """
[[screens]]
tool = "{0}"
at = "/a"
kinds = ["shell"]
action = "refuse"

[[middleware]]
module = "my_hooks:before"
at = "before_admission"
tools = ["{0}", "category:none"]

[[approval.tools]]
tool = "{0}"
kind = "confirm"

[[rates]]
name = "some"
tools = ["{0}"]
calls = ["1/second"]
"""


def told(folder: Path, name: str, caplog: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    file = folder / "settings.toml"
    file.write_text(NAMED.format(name))
    app = App(settings.read(str(file), {}))
    parameters = {"type": "object", "properties": {}}
    tool = {"name": "echo", "description": "Echoes.", "parameters": parameters}
    app.registry.replace("builtin", {"tools": [tool]})
    caplog.clear()
    unmatched.warn(app)
    app.database.close()
    return [record.__dict__["fields"] for record in caplog.records]


def test_a_typing_error_is_told_wherever_a_tool_is_named(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert 4 == len(told(tmp_path, "ehco", caplog))
    assert [] == told(tmp_path, "echo", caplog)
