"""
A tool that writes its own frames: the server believes none of them, and goes on.
"""

from __future__ import annotations

import os
import struct
from typing import TYPE_CHECKING

import pytest
from neighbouring import HOSTILE
from running_server import start_server
from waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from running_server import Server
    from toolcell_client import Client


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """
    Keeps no cells for later calls, whose descriptors would be counted.
    """
    settings = f'[[bundles]]\nname = "hostile"\npath = "{HOSTILE}"\n'
    with start_server(tmp_path_factory.mktemp("server"), settings, server="warm_cells = 0") as one:
        yield one


def frame(kind: int, payload: bytes, length: int | None = None) -> str:
    size = len(payload) if length is None else length
    return (struct.pack("!BI", kind, size) + payload).hex()


HUGE = b'{"fraction": 1' + b"0" * 400 + b"}"


def test_a_frame_that_is_as_it_should_be_is_taken(client: Client) -> None:
    """
    The positive control of the forgeries below: nothing but their content is wrong.
    """
    result = client.run("forge", {"frames": [frame(23, b'{"fraction": 1}'), frame(26, b"42")]})

    assert ("completed", 42) == (result.label, result.value)


@pytest.mark.parametrize(
    ("frames", "descriptors"),
    [
        pytest.param([frame(26, b"{")], 0, id="a result that is no JSON"),
        pytest.param([frame(26, b"\x80\x04]\x94.")], 0, id="a pickle as result"),
        pytest.param([frame(26, b"1"), frame(26, b"2")], 0, id="two results"),
        pytest.param([frame(27, b"{}"), frame(26, b"2")], 0, id="an exception, then a result"),
        pytest.param([frame(27, b'{"exit_code": true}')], 0, id="an exit code that is no number"),
        pytest.param([frame(27, b'{"limit": ["memory"]}')], 0, id="a limit that is no text"),
        pytest.param([frame(21, b"")], 0, id="READY once more"),
        pytest.param([frame(30, b'{"wall": "mounts", "detail": ""}')], 0, id="a wall not built"),
        pytest.param([frame(31, b'{"folders": ["/etc"]}')], 1, id="a folder to be committed from"),
        pytest.param([frame(32, b"")], 1, id="a listener of its own"),
        pytest.param([frame(32, b"")], 0, id="no listener"),
        pytest.param([frame(5, bytes(32))], 0, id="its own reaping"),
        pytest.param([frame(255, b"")], 0, id="a frame that there is not"),
        pytest.param([frame(23, HUGE)], 0, id="progress beyond any float"),
        pytest.param([frame(22, b'{"fields": {"x": 1e999}}')], 0, id="infinity in a log"),
        pytest.param([frame(22, b"[" * 5000)], 0, id="brackets without end"),
        pytest.param([frame(26, b"", length=2**32 - 1)], 0, id="a result of 4 GiB"),
        pytest.param([frame(26, b"12", length=3)], 0, id="a result that is cut off"),
        pytest.param(["1a"], 0, id="half a header"),
        pytest.param([frame(26, b"1")], 1, id="a descriptor beside a result"),
        pytest.param([frame(26, b"1")], 200, id="two hundred descriptors"),
        pytest.param([frame(22, b"", length=60000), *["78"] * 3000], 60, id="descriptors for ever"),
    ],
)
def test_a_tool_that_forges_frames_fails_alone(
    client: Client, server: Server, frames: list[str], descriptors: int
) -> None:
    """
    It has the channel, and can send what it likes: the server takes it for the tool's fault, never
    for a fault of its own (`lost` wakes somebody up), and holds nothing of it afterwards.
    """
    before = len(os.listdir(f"/proc/{server.process.pid}/fd"))
    result = client.run("forge", {"frames": frames, "descriptors": descriptors})

    assert "failed" == result.label, result.outcome
    assert b"begun" == result.stdout
    wait_until(lambda: len(os.listdir(f"/proc/{server.process.pid}/fd")) <= before + 2)
    assert "completed" == client.run("answer", {"size": 10}).label


@pytest.mark.parametrize("descriptor", [1, 2, 3], ids=["stdout", "stderr", "the channel"])
@pytest.mark.parametrize(
    ("first", "beside"),
    [
        pytest.param("", frame(22, b"", length=64), id="beside the beginning of a frame"),
        pytest.param(frame(250, b""), "78", id="behind what is not read any more"),
        pytest.param("", frame(22, b"{}"), id="beside a frame"),
        pytest.param(frame(26, b"1"), "1a", id="behind a result"),
    ],
)
def test_a_call_ends_whatever_end_of_its_own_a_tool_has_sent(
    client: Client, descriptor: int, first: str, beside: str
) -> None:
    """
    The server would hold open itself what it waits for to be closed.
    """
    arguments = {"descriptor": descriptor, "first": first, "beside": beside}
    result = client.run("send_own_end", arguments, timeout=20)

    assert "failed" == result.label, result.outcome
    assert "completed" == client.run("answer", {"size": 10}).label
