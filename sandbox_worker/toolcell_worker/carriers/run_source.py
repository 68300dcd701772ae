"""
Carries tools of uploaded code.
"""

from __future__ import annotations

# So that asynchronous tools need not, each in its cell (run.py).
import asyncio  # noqa: F401
from typing import Any

from toolcell_worker import Context, source_code, tool
from toolcell_worker.source_code import Source  # noqa: TC001  # the annotation is read


@tool(effects="destructive", returns={})
def run_source(carried: Source, arguments: dict[str, Any], context: Context) -> Any:
    """
    Run a tool of uploaded code.

    Args:
        carried: Where its code is, and which callable it is.
        arguments: Its arguments.
    """
    return source_code.call(carried, arguments, context)
