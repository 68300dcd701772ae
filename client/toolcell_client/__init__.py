"""
Calls tools on a toolcell server: `Client`, `AsyncClient`, and what they return and raise.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from toolcell_client.async_batch_stream import AsyncBatchStream
    from toolcell_client.async_client import AsyncClient
    from toolcell_client.async_stream import AsyncStream
    from toolcell_client.async_workflow_stream import AsyncWorkflowStream
    from toolcell_client.batch_stream import BatchStream
    from toolcell_client.batching import NotRun
    from toolcell_client.client import Client
    from toolcell_client.errors import (
        ApprovalRequired,
        CallRefused,
        CallTimedOut,
        ConnectionLost,
        ExecutionEnded,
        ServerUnreachable,
        ToolcellError,
    )
    from toolcell_client.loops.async_conversation import AsyncConversation
    from toolcell_client.loops.budget import Budget
    from toolcell_client.loops.conversation import Conversation
    from toolcell_client.loops.selection import Selection
    from toolcell_client.model_text import as_tool_message, to_model_text
    from toolcell_client.options import ClientOptions
    from toolcell_client.plain import event_to_plain, to_plain
    from toolcell_client.result import Result
    from toolcell_client.stream import Stream
    from toolcell_client.workflow_requests import WorkflowResult
    from toolcell_client.workflow_stream import WorkflowStream

__all__ = [
    "ApprovalRequired",
    "AsyncBatchStream",
    "AsyncClient",
    "AsyncConversation",
    "AsyncStream",
    "AsyncWorkflowStream",
    "BatchStream",
    "Budget",
    "CallRefused",
    "CallTimedOut",
    "Client",
    "ClientOptions",
    "ConnectionLost",
    "Conversation",
    "ExecutionEnded",
    "NotRun",
    "Result",
    "Selection",
    "ServerUnreachable",
    "Stream",
    "ToolcellError",
    "WorkflowResult",
    "WorkflowStream",
    "as_tool_message",
    "event_to_plain",
    "to_model_text",
    "to_plain",
]

_MODULES = {
    "AsyncBatchStream": "async_batch_stream",
    "AsyncClient": "async_client",
    "AsyncConversation": "loops.async_conversation",
    "AsyncStream": "async_stream",
    "AsyncWorkflowStream": "async_workflow_stream",
    "BatchStream": "batch_stream",
    "Budget": "loops.budget",
    "Client": "client",
    "ClientOptions": "options",
    "Conversation": "loops.conversation",
    "NotRun": "batching",
    "Result": "result",
    "Selection": "loops.selection",
    "Stream": "stream",
    "WorkflowResult": "workflow_requests",
    "WorkflowStream": "workflow_stream",
    "as_tool_message": "model_text",
    "event_to_plain": "plain",
    "to_model_text": "model_text",
    "to_plain": "plain",
}


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def __getattr__(name: str) -> Any:
    # Names are looked up when they are first used: the pytest plugin is loaded into every test run
    # of whoever has toolcell installed, and must not load gRPC into all of them.
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = importlib.import_module(f"{__name__}.{_MODULES.get(name, 'errors')}")
    return getattr(module, name)
