"""
Around every RPC: what is refused, and what fails, leaves a record, whoever was told what.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from auditing_logs import complaints, log, records
from grpc_server import SERVICE, calling, failure
from scripted_executor import run
from toolcell_server import principal
from toolcell_server.audit.auditing import Auditing
from toolcell_server.interceptors import ErrorInterceptor
from toolcell_server.principal import Principal
from toolcell_server.refusals import NotPermitted

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

UNARY, STREAM = f"/{SERVICE}/Unary", f"/{SERVICE}/Stream"


async def refusing(_request: bytes, _context: Any) -> bytes:
    with principal.calling(Principal(name="mallory")):
        raise NotPermitted("that")


async def failing(_request: bytes, _context: Any) -> AsyncIterator[bytes]:
    yield b"one"
    raise ValueError("the secret is hunter2")


def test_refusals_and_faults_of_any_method_are_recorded(tmp_path: Path) -> None:
    """
    With the principal that was known where it was decided; never with the text of a fault.
    """
    auditing = Auditing(log(tmp_path))

    async def scenario() -> str:
        auditing.start()
        around = ErrorInterceptor(auditing)
        async with calling(around, unary=refusing, stream=failing) as channel:
            await failure(channel.unary_unary(UNARY)(b""))
            stream = channel.unary_stream(STREAM)(b"")
            await stream.read()
            details = str((await failure(stream.read())).details())
        await auditing.aclose()
        return details

    details = run(scenario())
    (refused,) = records(tmp_path, "call.refused")
    (failed,) = records(tmp_path, "call.failed")

    assert refused["data"]["principal"]["name"] == "mallory"
    assert (refused["data"]["reason"], refused["data"]["method"]) == ("NOT_PERMITTED", UNARY)
    assert failed["data"]["method"] == STREAM
    assert failed["data"]["error_id"] in details
    assert "hunter2" not in (tmp_path / "audit-00000001.jsonl").read_text()
    assert complaints(tmp_path) == []
