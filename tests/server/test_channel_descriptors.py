"""
Descriptors beside frames: with the right frame, never too many, never left open.
"""

from __future__ import annotations

import array
import asyncio
import os
import socket

import pytest
from scripted_executor import run
from toolcell_server.channel import READ_BYTES, Channel
from toolcell_worker import wire
from toolcell_worker.wire import HEADER, MAXIMUM_DESCRIPTORS, Frame, ProtocolError


def open_descriptors() -> set[str]:
    return set(os.listdir("/proc/self/fd"))


def send_beside(peer: socket.socket, data: bytes, descriptors: list[int]) -> None:
    rights = array.array("i", descriptors)
    peer.sendmsg([data], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, rights)])


def test_descriptors_belong_to_the_frame_that_they_came_with(
    peers: tuple[socket.socket, socket.socket], spare: int
) -> None:
    """
    A descriptor that is taken for another's is a grant given to the wrong call.
    """
    wire.send(peers[1], Frame.LOG, b"before")
    wire.send(peers[1], Frame.SPAWNED, b"with", (spare,))
    wire.send(peers[1], Frame.LOG, b"after")

    async def scenario() -> list[tuple[bytes, int]]:
        channel = Channel(peers[0])
        messages = [await channel.receive() for _ in range(3)]
        for message in messages:
            for descriptor in message.descriptors:
                os.close(descriptor)
        return [(message.payload, len(message.descriptors)) for message in messages]

    assert [(b"before", 0), (b"with", 1), (b"after", 0)] == run(scenario())


def test_descriptors_that_came_with_a_part_of_a_frame_are_given_with_the_whole(
    peers: tuple[socket.socket, socket.socket], spare: int
) -> None:
    """
    A large frame is read in many pieces, and its descriptors come with the first.
    """
    send_beside(peers[1], HEADER.pack(Frame.ANSWER, 4) + b"ha", [spare])

    async def scenario() -> int:
        channel = Channel(peers[0])
        receiving = asyncio.create_task(channel.receive())
        await asyncio.sleep(0)
        peers[1].send(b"lf")
        message = await receiving
        for descriptor in message.descriptors:
            os.close(descriptor)
        return len(message.descriptors)

    assert 1 == run(scenario())


def test_descriptors_of_a_large_frame_are_not_given_to_one_that_became_whole_with_it(
    peers: tuple[socket.socket, socket.socket], spare: int
) -> None:
    """
    When its last piece is read, the next frame is there already: one without descriptors would
    take them, or be given them beside its own.
    """
    large = b"x" * (READ_BYTES + 1)
    wire.send(peers[1], Frame.ATTACH, large, (spare,))
    wire.send(peers[1], Frame.DETACH, b"next")
    wire.send(peers[1], Frame.ATTACH, large, (spare, spare))
    wire.send(peers[1], Frame.ATTACH, b"last", (spare,) * MAXIMUM_DESCRIPTORS)

    async def scenario() -> list[tuple[int, int]]:
        channel = Channel(peers[0])
        messages = [await channel.receive() for _ in range(4)]
        for message in messages:
            for descriptor in message.descriptors:
                os.close(descriptor)
        return [(message.kind, len(message.descriptors)) for message in messages]

    assert [
        (Frame.ATTACH, 1),
        (Frame.DETACH, 0),
        (Frame.ATTACH, 2),
        (Frame.ATTACH, MAXIMUM_DESCRIPTORS),
    ] == run(scenario())


def test_a_peer_cannot_fill_our_table_of_descriptors(
    peers: tuple[socket.socket, socket.socket], spare: int
) -> None:
    """
    A frame that never ends, with some descriptors beside each of its bytes, would use up what the
    whole service may open.
    """
    before = open_descriptors()

    async def scenario() -> None:
        channel = Channel(peers[0])
        receiving = asyncio.create_task(channel.receive())
        peers[1].send(HEADER.pack(Frame.LOG, 1000))
        for _ in range(100):
            if not receiving.done():
                send_beside(peers[1], b"x", [spare] * 16)
                await asyncio.sleep(0)
        held = open_descriptors() - before
        channel.close()
        with pytest.raises(ProtocolError, match="descriptors"):
            await receiving
        assert len(held) <= 2 * MAXIMUM_DESCRIPTORS

    run(scenario())

    assert before - {str(peers[0].fileno())} >= open_descriptors()


def test_more_descriptors_than_one_message_may_carry_are_refused_and_closed(
    peers: tuple[socket.socket, socket.socket], spare: int
) -> None:
    """
    The kernel cuts off what we leave no room for; what it did hand over must not stay open.
    """
    before = open_descriptors()
    header = HEADER.pack(Frame.LOG, 0)
    send_beside(peers[1], header, [spare] * (MAXIMUM_DESCRIPTORS + 30))

    async def scenario() -> None:
        channel = Channel(peers[0])
        with pytest.raises(ProtocolError, match="descriptors"):
            await channel.receive()
        channel.close()

    run(scenario())

    assert before >= open_descriptors()


def test_closing_gives_back_descriptors_that_nobody_took(
    peers: tuple[socket.socket, socket.socket], spare: int
) -> None:
    """
    A call that is cancelled between a frame and its reader leaks nothing.
    """
    before = open_descriptors()
    wire.send(peers[1], Frame.LOG, b"first")
    wire.send(peers[1], Frame.ANSWER, b"second", (spare, spare))

    async def scenario() -> None:
        channel = Channel(peers[0])
        await channel.receive()
        channel.close()

    run(scenario())

    assert before >= open_descriptors()
