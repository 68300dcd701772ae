"""
One turn of a model, executed by a fake server.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from toolcell_client import Result
from toolcell_client.testing import script

if TYPE_CHECKING:
    from toolcell_client import Client
    from toolcell_client.testing import FakeServer


def response(*calls: tuple[str, str, Any], stop: str = "tool_calls") -> dict[str, Any]:
    made = [
        {
            "id": call_id,
            "type": "function",
            "function": {
                "name": name,
                "arguments": written if isinstance(written, str) else json.dumps(written),
            },
        }
        for call_id, name, written in calls
    ]
    message = {"role": "assistant", "content": None, "tool_calls": made}
    return {"choices": [{"message": message, "finish_reason": stop}], "model": "m"}


def test_answers_keep_the_order_of_the_calls(server: FakeServer, client: Client) -> None:
    server.tool("slow", script.completed(1))
    server.tool("fast", script.completed({"a": 2}))
    done = client.run_tool_calls("openai", response(("a", "slow", {}), ("b", "fast", {})))
    assert done.messages == [
        {"role": "tool", "tool_call_id": "a", "content": "1"},
        {"role": "tool", "tool_call_id": "b", "content": '{"a": 2}'},
    ]
    result = done.results["a"]
    assert isinstance(result, Result)
    assert result.value == 1
