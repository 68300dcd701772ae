"""
Says which tools uploaded code declares; for the server, in a cell that serves nothing else.
"""

from __future__ import annotations

from typing import Any

from toolcell_worker import source_code, tool
from toolcell_worker.source_code import Found, Source


@tool(effects="read_only", returns={})
def describe_source(carried: Source, arguments: dict[str, Any]) -> dict[str, Any]:
    """
    Load uploaded code, and say which tools it declares.

    Args:
        carried: Where it is, and which callable is asked about; empty: all.
        arguments: None.
    """
    del arguments
    described: dict[str, Any] = {"tools": [], "faults": []}
    for found in source_code.tools(carried):
        if isinstance(found, Found):
            described["tools"].append({"entry": found.entry, "manifest": found.tool.manifest})
        else:
            described["faults"].append({"file": found[0], "reason": found[1]})
    return described
