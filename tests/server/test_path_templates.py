"""
Path templates of manifests: what is refused when a tool is registered.
"""

from __future__ import annotations

from typing import Any

import pytest
from toolcell_server.path_templates import PathTemplate, check

PARAMETERS = {"type": "object", "properties": {"path": {"type": "string"}}}


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "no access": ({"path": "{path}"}, '"access"'),
    "a key too many": ({"path": "{path}", "access": "read", "x": 1}, '"access"'),
    "an unknown access": ({"path": "{path}", "access": "rw"}, "read, write, staged"),
    "a path that is no text": ({"path": 5, "access": "read"}, "must be a text"),
    "a relative literal": ({"path": "data", "access": "read"}, "not absolute"),
    "a literal that climbs": ({"path": "/a/../b", "access": "read"}, "a part . or .."),
    "a relative beginning": ({"path": "data/{path}", "access": "read"}, "not absolute"),
    "two arguments": ({"path": "{path}{path}", "access": "read"}, "at most one"),
    "an argument that is not closed": ({"path": "{path", "access": "read"}, "at most one"),
    "an argument that is not opened": ({"path": "/a}", "access": "read"}, "at most one"),
    "braces in braces": ({"path": "{{path}}", "access": "read"}, "at most one"),
    "no name": ({"path": "{}", "access": "read"}, "names no argument"),
    "an argument that does not exist": ({"path": "{file}", "access": "read"}, "no argument of"),
}


@pytest.mark.parametrize(("entry", "reason"), REFUSED.values(), ids=REFUSED)
def test_a_bad_template_is_refused_when_its_tool_is_registered(
    entry: dict[str, Any], reason: str
) -> None:
    """
    A template that grants nothing, or something else, must not be found out by a caller.
    """
    with pytest.raises(ValueError, match=reason):
        check(PathTemplate.parse(entry), PARAMETERS)


@pytest.mark.parametrize("text", ["{path}", "{path}-wal", "/data/{path}", "/data/{path}.csv", "/a"])
def test_a_good_template_keeps_its_text(text: str) -> None:
    """
    What a manifest says is what the registry shows.
    """
    template = PathTemplate.parse({"path": text, "access": "read"})
    check(template, PARAMETERS)

    assert template.text == text
