"""
Frames over a real socket pair, for asyncio: whole, in order, or refused.
"""

from __future__ import annotations

import asyncio
import os
import threading
from typing import TYPE_CHECKING

import pytest
from scripted_executor import run
from toolcell_server.channel import FRAMES_IN_A_ROW, Channel
from toolcell_worker import wire
from toolcell_worker.wire import HEADER, Frame, PeerClosed, ProtocolError

if TYPE_CHECKING:
    import socket

MAXIMUM = 2**20


def test_a_frame_that_comes_byte_by_byte_is_one_frame(
    peers: tuple[socket.socket, socket.socket],
) -> None:
    """
    A stream socket keeps no boundaries.
    """

    async def scenario() -> wire.Message:
        channel = Channel(peers[0])
        receiving = asyncio.create_task(channel.receive())
        for byte in HEADER.pack(Frame.LOG, 3) + b"abc":
            peers[1].send(bytes([byte]))
            await asyncio.sleep(0)
        return await receiving

    message = run(scenario())

    assert (Frame.LOG, b"abc") == (message.kind, message.payload)


def test_frames_that_come_together_are_told_apart(
    peers: tuple[socket.socket, socket.socket],
) -> None:
    """
    A tool writes many small ones faster than they are read.
    """
    frames = [(Frame.LOG, b"one"), (Frame.PROGRESS, b""), (Frame.PARTIAL, b"3" * 1000)]
    peers[1].send(b"".join(HEADER.pack(kind, len(data)) + data for kind, data in frames))

    async def scenario() -> list[tuple[int, bytes]]:
        channel = Channel(peers[0])
        messages = [await channel.receive() for _ in frames]
        return [(message.kind, message.payload) for message in messages]

    assert frames == run(scenario())


def test_the_largest_frame_passes_and_a_byte_more_is_refused(
    peers: tuple[socket.socket, socket.socket],
) -> None:
    """
    The header alone decides: a frame that is too large is never gathered in memory.
    """
    payload = os.urandom(MAXIMUM)
    sending = threading.Thread(target=wire.send, args=(peers[1], Frame.RESULT, payload))
    sending.start()

    async def scenario() -> bytes:
        channel = Channel(peers[0], MAXIMUM)
        received = (await channel.receive()).payload
        peers[1].send(HEADER.pack(Frame.RESULT, MAXIMUM + 1))
        with pytest.raises(ProtocolError, match=f"of {MAXIMUM + 1} bytes"):
            await channel.receive()
        return received

    received = run(scenario())
    sending.join()

    assert payload == received


def test_a_peer_that_is_gone_is_told_apart_from_a_frame(
    peers: tuple[socket.socket, socket.socket],
) -> None:
    """
    What was sent before the end is still received.
    """
    wire.send(peers[1], Frame.RESULT, b"7")
    peers[1].close()

    async def scenario() -> bytes:
        channel = Channel(peers[0])
        message = await channel.receive()
        with pytest.raises(PeerClosed):
            await channel.receive()
        return message.payload

    assert b"7" == run(scenario())


def test_whoever_waits_is_told_when_the_channel_is_closed(
    peers: tuple[socket.socket, socket.socket],
) -> None:
    """
    A reader that is never woken holds its execution for ever.
    """

    async def scenario() -> None:
        channel = Channel(peers[0])
        receiving = asyncio.create_task(channel.receive())
        await asyncio.sleep(0)
        channel.close()
        with pytest.raises(PeerClosed):
            await receiving

    run(scenario())


def test_a_frame_larger_than_the_socket_buffer_is_sent_whole_and_alone(
    peers: tuple[socket.socket, socket.socket], spare: int
) -> None:
    """
    Two senders at once must not mix their bytes, and descriptors go once.
    """
    first, second = b"1" * 3 * MAXIMUM, b"2" * 3 * MAXIMUM

    def receive() -> list[tuple[bytes, int]]:
        received = []
        for _ in range(2):
            message = wire.receive(peers[1])
            received.append((message.payload, len(message.descriptors)))
            for descriptor in message.descriptors:
                os.close(descriptor)
        return received

    async def scenario() -> list[tuple[bytes, int]]:
        channel = Channel(peers[0])
        receiving = asyncio.create_task(asyncio.to_thread(receive))
        await asyncio.gather(
            channel.send(Frame.SPAWN, first, (spare,)), channel.send(Frame.CALL, second)
        )
        return await receiving

    assert [(first, 1), (second, 0)] == run(scenario())


def test_sending_to_a_peer_that_is_gone_is_an_error_and_no_signal(
    peers: tuple[socket.socket, socket.socket],
) -> None:
    """
    A zygote that died between two calls must not end the service.
    """
    peers[1].close()

    async def scenario() -> None:
        with pytest.raises(BrokenPipeError):
            await Channel(peers[0]).send(Frame.CALL, b"{}")

    run(scenario())


def test_whoever_takes_many_frames_lets_others_go_on_in_between(
    peers: tuple[socket.socket, socket.socket],
) -> None:
    """
    A reader that drops what it takes waits for nobody; a flood would keep everybody else waiting.
    """
    count = 20 * FRAMES_IN_A_ROW
    peers[1].setblocking(False)
    peers[1].send(HEADER.pack(Frame.LOG, 0) * count)

    async def scenario() -> list[int]:
        channel = Channel(peers[0])
        taken, seen = 0, []

        async def other() -> None:
            while taken < count:
                seen.append(taken)
                await asyncio.sleep(0)

        beside = asyncio.create_task(other())
        while taken < count:
            await channel.receive()
            taken += 1
        await beside
        return seen

    seen = run(scenario())
    assert max(b - a for a, b in zip(seen, [*seen[1:], count], strict=True)) <= FRAMES_IN_A_ROW


@pytest.mark.parametrize("waits", [False, True], ids=["told before", "told while it waits"])
def test_a_peer_that_is_dead_is_not_waited_for(
    peers: tuple[socket.socket, socket.socket], waits: bool
) -> None:
    """
    Its end may be open all the same: we may hold it ourselves, because it has sent it to us.
    """
    wire.send(peers[1], Frame.LOG, b"last")

    async def scenario() -> bytes:
        channel = Channel(peers[0])
        last = (await channel.receive()).payload
        more = asyncio.create_task(channel.receive()) if waits else None
        await asyncio.sleep(0)
        channel.finish()
        with pytest.raises(PeerClosed):
            await (more or channel.receive())
        return last

    assert b"last" == run(scenario())
