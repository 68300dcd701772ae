"""
The examples of MCP messages in the reference: what goes over the wire, written out.
"""

from __future__ import annotations

import asyncio
import contextlib
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import grpc
import mcp_types as types
import pytest
from mcp_types import methods
from toolcell.v1 import execution_pb2 as pb
from toolcell_client import AsyncClient, Result, ToolcellError
from toolcell_client.mcp_server.answering import answer
from toolcell_client.mcp_server.asking import Asker
from toolcell_client.mcp_server.questions import Asking
from toolcell_client.mcp_server.shapes import shape_of
from toolcell_client.testing import completed

if TYPE_CHECKING:
    from pydantic import BaseModel
    from toolcell_client.testing import FakeServer

OBJECT = {"type": "object", "properties": {"temp": {"type": "integer"}}}
FORMS = types.ClientCapabilities(elicitation=types.ElicitationCapability())
YES = types.ElicitResult(action="accept", content={"confirm": True})
NO: list[types.ElicitResult | None] = [
    types.ElicitResult(action="decline"),
    types.ElicitResult(action="cancel"),
    types.ElicitResult(action="accept", content={"confirm": False}),
    None,
]


def wire(made: BaseModel) -> dict[str, Any]:
    """
    As the SDK writes it for a client of 2026-07-28; it checks that the era has such a result.
    """
    dumped = made.model_dump(mode="json", by_alias=True, exclude_none=True)
    sent = methods.serialize_server_result("tools/call", "2026-07-28", dumped)
    assert dumped == sent
    return dumped


class Held(contextlib.nullcontext[None]):
    """
    The client of a principal, which is held while a no is told to the server.
    """

    def __init__(self, client: AsyncClient) -> None:
        super().__init__(None)
        self.client = client


class DeleteRows:
    """
    A call that a person has to say yes to, of a client that has forms.
    """

    asking = Asking(principal="alice", tool="delete", digest="d")
    tool = SimpleNamespace(name="delete")

    def __init__(self, client: AsyncClient) -> None:
        self.identity = Held(client)
        self.context = SimpleNamespace(session=SimpleNamespace(client_capabilities=FORMS))

    async def run(self, approval_token: str = "") -> Result | ToolcellError:
        client = self.identity.client
        try:
            return await client.run("delete", {}, approval_token=approval_token)
        except ToolcellError as exc:
            return exc


def test_the_result_of_a_call() -> None:
    """
    Structured content, and the same as text.
    """
    ended = Result(
        execution_id="e",
        call_id="c",
        outcome=pb.Outcome(completed=pb.Completed()),
        result_json=b'{"temp":3}',
        stdout=b"",
        stderr=b"",
        usage=pb.Usage(),
        isolation=None,
    )
    sent = wire(answer(ended, shape_of(OBJECT, modern=True)))
    assert {"toolcell/executionId": "e"} == sent.pop("_meta")

    assert {
        "resultType": "complete",
        "content": [{"type": "text", "text": '{"temp":3}'}],
        "structuredContent": {"temp": 3},
        "isError": False,
    } == sent


@pytest.fixture
def office(server: FakeServer) -> FakeServer:
    server.tool("delete", completed("40 rows"))
    asked = {
        "approval_id": "ap1",
        "approval_token": "toktok",
        "kind": "confirm",
        "summary": "Delete 40 rows?",
        "expires_time": "2999-01-01T00:00:00Z",
    }
    code = grpc.StatusCode.FAILED_PRECONDITION
    server.refuse("delete", code, "APPROVAL_REQUIRED", metadata=asked)
    return server


async def asked_and_answered(office: FakeServer, said: Any) -> tuple[dict[str, Any], Any]:
    """
    What was sent to ask, and what came of the retry that brings the state back.
    """
    async with asyncio.timeout(30), AsyncClient(office.target) as client:
        asker, call = Asker(), DeleteRows(client)
        whole: Any = call
        question = await asker.run(whole, modern=True)
        assert isinstance(question, types.InputRequiredResult)
        sent = wire(question)
        responses = {} if said is None else {"confirm": said}
        return sent, await asker.answered(whole, sent["requestState"], responses)


def test_an_elicitation_and_its_retry(office: FakeServer) -> None:
    """
    The token is not in the state, which only names what the bridge remembers.
    """
    sent, done = asyncio.run(asked_and_answered(office, YES))
    state = sent.pop("requestState")

    assert "toktok" not in state
    assert {
        "resultType": "input_required",
        "inputRequests": {
            "confirm": {
                "method": "elicitation/create",
                "params": {
                    "mode": "form",
                    "message": "delete wants to run:\nDelete 40 rows?",
                    "requestedSchema": {
                        "type": "object",
                        "properties": {"confirm": {"type": "boolean", "title": "Run it?"}},
                        "required": ["confirm"],
                    },
                },
            }
        },
    } == sent
    assert "40 rows" == done.value
    assert ["", "toktok"] == [each.approval_token for each in office.requests]


@pytest.mark.parametrize("said", NO)
def test_what_is_no_yes_runs_nothing(office: FakeServer, said: Any) -> None:
    _, done = asyncio.run(asked_and_answered(office, said))

    assert (True, "declined") == (done.is_error, done.structured_content["error"])
    assert ["delete"] == [each.tool for each in office.requests]
