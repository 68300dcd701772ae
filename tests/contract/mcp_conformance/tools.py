"""
The tools that the scenarios of the conformance suite call.
"""

from __future__ import annotations

import time

from toolcell_worker import Context, tool


@tool
def test_simple_text() -> str:
    """Returns a text."""
    return "This is a simple text response for testing."


@tool
def test_error_handling() -> str:
    """Fails."""
    raise RuntimeError("This tool intentionally returns an error for testing")


@tool
def test_tool_with_progress(context: Context) -> str:
    """Tells how far it is."""
    for fraction in (0.0, 0.5, 1.0):
        context.progress(fraction)
        time.sleep(0.05)
    return "done"


@tool
def test_tool_with_logging(context: Context) -> str:
    """Logs."""
    for text in ("Tool execution started", "Tool processing data", "Tool execution completed"):
        context.log(text)
        time.sleep(0.05)
    return "done"


@tool(approval="confirm")
def test_elicitation(message: str) -> str:
    """Wants a person's yes."""
    return message
