"""
A call that completed before the server was restarted, and whose result nobody has any more.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from toolcell.v1 import execution_pb2 as pb
from toolcell_client import as_tool_message, errors

if TYPE_CHECKING:
    from command_line import Toolcell
    from toolcell_client import Client
    from toolcell_client.testing import FakeServer

MESSAGE = "the tool completed; its result of 9000000 bytes is gone"


@pytest.fixture
def left_out(server: FakeServer) -> None:
    outcome = pb.Outcome(completed=pb.Completed(), message=MESSAGE, hint="The work is done.")
    ending = pb.Finished(outcome=outcome, result_bytes=9_000_000, result_left_out=True)
    server.tool("big", ending)


@pytest.mark.usefixtures("left_out")
@pytest.mark.parametrize("streamed", [False, True], ids=["run", "execute"])
def test_its_value_is_an_error_and_not_none(client: Client, *, streamed: bool) -> None:
    """
    The tool did not return nothing.
    """
    result = client.execute("big").result() if streamed else client.run("big")

    assert (True, True) == (result.ok, result.result_left_out)
    with pytest.raises(errors.ResultLeftOut, match="is gone"):
        _ = result.value


@pytest.mark.usefixtures("left_out")
def test_a_model_is_told_that_the_work_is_done(client: Client) -> None:
    assert {
        "ok": True,
        "result": None,
        "message": MESSAGE,
        "hint": "The work is done.",
    } == as_tool_message(client.run("big"))


@pytest.mark.usefixtures("left_out")
def test_the_command_line_says_so_on_standard_error(toolcell: Toolcell) -> None:
    ended = toolcell("call", "big")

    assert (0, b"") == (ended.returncode, ended.stdout)
    assert MESSAGE.encode() in ended.stderr
