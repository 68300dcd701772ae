"""
Rules that are about no tool.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from counting import rule
from toolcell_server.limits import Limits
from toolcell_server.rates.warning import unknown_tools, warn_of_unknown_tools
from toolcell_server.registry import Registry

if TYPE_CHECKING:
    import pytest

ECHO = {
    "name": "echo",
    "description": "Says it again.",
    "parameters": {"type": "object"},
    "category": "text",
    "tags": ["cheap"],
}


def test_a_word_that_no_tool_answers_to_is_warned_of(caplog: pytest.LogCaptureFixture) -> None:
    """
    A typing error leaves without a limit what it should limit.
    """
    registry = Registry(Limits(), Limits())
    registry.replace("mine", {"tools": [ECHO]})
    good = rule("1/second", tools=("*", "echo", "ec*", "category:text", "tag:cheap", "bundle:mine"))
    bad = rule("1/second", name="mistyped", tools=("ehco", "x*", "tag:text"))

    assert unknown_tools([good], registry) == []
    with caplog.at_level(logging.WARNING):
        warn_of_unknown_tools([good, bad], registry)
    assert [{"rule": "mistyped", "tool": word} for word in ("ehco", "x*", "tag:text")] == [
        record.__dict__["fields"] for record in caplog.records
    ]
