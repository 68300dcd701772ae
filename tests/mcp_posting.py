"""
What is posted to an MCP server without a client of MCP: good or bad, as a test says.
"""

from __future__ import annotations

import json
from typing import Any

import httpx2
import mcp_types as types
from identities import ALICE
from mcp_bridge import NEWEST

JSON = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}
MODERN = {**JSON, "MCP-Protocol-Version": NEWEST}
ENVELOPE = {types.PROTOCOL_VERSION_META_KEY: NEWEST, types.CLIENT_CAPABILITIES_META_KEY: {}}


def body(method: str, params: Any = None, **more: Any) -> dict[str, Any]:
    """
    A request of the newest era.
    """
    whole = {"_meta": ENVELOPE, **(params or {})}
    return {"jsonrpc": "2.0", "id": 1, "method": method, "params": whole, **more}


def post(url: str, content: Any, bearer: str = ALICE, **headers: str) -> httpx2.Response:
    """
    Post it with the headers that fit, but for those that are given; an empty one is left out.
    """
    sent = {**MODERN, "Authorization": f"Bearer {bearer}" if bearer else "", **headers}
    if isinstance(content, dict):
        sent.setdefault("Mcp-Method", str(content.get("method")))
        if "Mcp-Name" not in sent and "name" in content.get("params", {}):
            sent["Mcp-Name"] = content["params"]["name"]
        content = json.dumps(content)
    sent = {name: value for name, value in sent.items() if value}
    return httpx2.post(url, content=content, headers=sent, timeout=30)
