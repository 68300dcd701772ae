"""
What a hostile tool's process sends: at most its own call suffers.
"""

from __future__ import annotations

import os
import pickle
from typing import Any

import pytest
from toolcell_server import tool_frames
from toolcell_server.judging import Words
from toolcell_worker.wire import Frame, Message, ProtocolError

TOLD = (Frame.LOG, Frame.PROGRESS, Frame.PARTIAL, Frame.DENIED, Frame.RESULT, Frame.RAISED)
OBJECTS = (Frame.LOG, Frame.PROGRESS, Frame.DENIED, Frame.RAISED)


def take(kind: int, payload: bytes, words: Words | None = None) -> Any:
    return tool_frames.take(Message(kind, payload), words or Words(ready=True))


@pytest.mark.parametrize("kind", TOLD, ids=lambda kind: kind.name)
@pytest.mark.parametrize(
    "payload",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"{", id="half an object"),
        pytest.param(b"{} {}", id="two values"),
        pytest.param(b"\xff\xfe", id="bytes that are no text"),
        pytest.param(b"\xef\xbb\xbf{}", id="a byte order mark"),
        pytest.param("{}".encode("utf-16"), id="another encoding"),
        pytest.param(b"NaN", id="NaN"),
        pytest.param(b'{"fraction": -Infinity}', id="infinity in an object"),
        pytest.param(b"[" * 100_000, id="a hundred thousand brackets"),
        pytest.param(b"9" * 10_000, id="a number of ten thousand digits"),
        pytest.param(pickle.dumps({"result": 7}), id="a pickle"),
    ],
)
def test_what_is_not_json_is_refused(kind: Frame, payload: bytes) -> None:
    """
    Nothing is guessed at, and nothing is ever unpickled.
    """
    with pytest.raises(ProtocolError):
        take(kind, payload)


def test_a_pickle_is_never_loaded() -> None:
    """
    Loading one runs what it names, in the server.
    """

    class Bomb:
        def __reduce__(self) -> tuple[Any, ...]:
            return os._exit, (99,)

    words = Words(ready=True)
    with pytest.raises(ProtocolError):
        take(Frame.RESULT, pickle.dumps(Bomb()), words)

    assert words.result is None


@pytest.mark.parametrize("kind", OBJECTS, ids=lambda kind: kind.name)
@pytest.mark.parametrize("payload", [b"null", b"[]", b"7", b'"text"'], ids=lambda p: p.decode())
def test_what_should_be_an_object_and_is_none_is_refused(kind: Frame, payload: bytes) -> None:
    """
    The shape is checked before it is relied on.
    """
    with pytest.raises(ProtocolError, match="object"):
        take(kind, payload)


@pytest.mark.parametrize(
    "kind",
    [*(set(Frame) - set(TOLD)), 0, 99, 255],
    ids=lambda kind: getattr(kind, "name", f"no frame at all ({kind})"),
)
def test_a_frame_that_is_not_a_tools_is_refused(kind: int) -> None:
    """
    READY, STAGING or SETUP_FAILED by the tool itself would be believed as our own code's word.
    """
    with pytest.raises(ProtocolError, match="is not a tool's"):
        take(kind, b"{}")


@pytest.mark.parametrize("kind", TOLD, ids=lambda kind: kind.name)
def test_nothing_is_taken_before_every_wall_is_up(kind: Frame) -> None:
    """
    What speaks before READY is not yet a tool.
    """
    words = Words()
    with pytest.raises(ProtocolError, match="before READY"):
        take(kind, b"{}", words)

    assert Words() == words


@pytest.mark.parametrize("kind", TOLD, ids=lambda kind: kind.name)
def test_descriptors_of_a_tool_are_closed_and_refused(kind: Frame) -> None:
    """
    A descriptor is a resource of the service, and may be of a kind that blocks whoever closes it
    late.
    """
    sent = [os.open("/dev/null", os.O_RDONLY) for _ in range(3)]
    with pytest.raises(ProtocolError, match="descriptors"):
        tool_frames.take(Message(kind, b"{}", tuple(sent)), Words(ready=True))

    for descriptor in sent:
        with pytest.raises(OSError, match="Bad file descriptor"):
            os.fstat(descriptor)
