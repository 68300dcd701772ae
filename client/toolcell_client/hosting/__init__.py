"""
Tools that live in this program: functions that are offered to a server, and called by it.

`Client.host` and `AsyncClient.host` make a host; `hosted` gives a function a manifest where its
hints do not say enough.
"""

from toolcell_client.hosting.calls import AsyncHostedCall, Cancelled, HostedCall
from toolcell_client.hosting.definition import BadTool, HostedTool, hosted
from toolcell_client.hosting.errors import ToolError

__all__ = [
    "AsyncHostedCall",
    "BadTool",
    "Cancelled",
    "HostedCall",
    "HostedTool",
    "ToolError",
    "hosted",
]
