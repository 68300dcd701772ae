"""
The tools and the queries that the search is measured with: `tools_to_find.jsonl`, and what people
say who want one of them, `queries_for_tools.jsonl`.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from toolcell_server.limits import Limits
from toolcell_server.registry import Registry

HERE = Path(__file__).parent


def manifests() -> list[dict[str, Any]]:
    """
    The tools, as a bundle has them.
    """
    lines = (HERE / "tools_to_find.jsonl").read_text("utf-8").splitlines()
    return [_manifest(**json.loads(line)) for line in lines]


def queries() -> list[tuple[str, list[str]]]:
    """
    What somebody says, and the tools of which one is what he wants.
    """
    lines = (HERE / "queries_for_tools.jsonl").read_text("utf-8").splitlines()
    return [(each["query"], each["finds"]) for each in map(json.loads, lines)]


def tool(name: str, description: str = "", **changes: Any) -> dict[str, Any]:
    """
    A manifest.
    """
    return {
        "name": name,
        "description": description or f"The tool {name}.",
        "parameters": {"type": "object"},
        **changes,
    }


def registry(*tools: dict[str, Any]) -> Registry:
    """
    A registry with these tools.
    """
    made = Registry(Limits(), Limits())
    made.replace("mine", {"tools": list(tools)})
    return made


def _manifest(name: str, parameters: dict[str, str], **others: Any) -> dict[str, Any]:
    properties = {at: {"type": "string", "description": said} for at, said in parameters.items()}
    schema = {"type": "object", "properties": properties}
    return {"name": name, "parameters": schema, **others}
