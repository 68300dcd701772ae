"""
Ctrl-C during a turn: what runs is cancelled, and no thread is left.
"""

from __future__ import annotations

import signal
import threading
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from toolcell_client.testing import HOLD
from turning import chat
from waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable

    from toolcell_client import Client
    from toolcell_client.testing import FakeServer

CALLS: tuple[tuple[str, str, Any], ...] = (("a", "one", {}), ("b", "two", {}))


def interrupt_when(server: FakeServer, reached: Callable[[], bool]) -> threading.Thread:
    """
    Sends SIGINT to this thread, which is the main one, once that is so.
    """
    main = threading.main_thread().ident
    assert main

    def interrupt() -> None:
        server.wait_for(reached)
        signal.pthread_kill(main, signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    return thread


def nobody_calls() -> bool:
    """
    A thread that was interrupted while it was started has no one who joins it; it ends by itself.
    """
    return not [each for each in threading.enumerate() if each.name.startswith("toolcell-call")]


def test_ctrl_c_cancels_every_call(server: FakeServer, client: Client) -> None:
    server.tool("one", HOLD)
    server.tool("two", HOLD)
    thread = interrupt_when(server, lambda: len(server.executions) == 2)
    with pytest.raises(KeyboardInterrupt):
        client.run_tool_calls("openai", chat(*CALLS))
    thread.join()
    server.wait_for(lambda: set(server.cancels) == set(server.executions))
    wait_until(nobody_calls)


def test_ctrl_c_reaches_a_call_that_waits_to_be_sent_again(
    server: FakeServer, client: Client
) -> None:
    """
    The server asks for ten minutes; nobody waits for them, and nothing is sent.
    """
    server.tool("one", HOLD)
    server.refuse("one", grpc.StatusCode.UNAVAILABLE, "NO_CAPACITY", retry_delay=600)
    thread = interrupt_when(server, lambda: bool(server.requests))
    with pytest.raises(KeyboardInterrupt):
        client.run_tool_calls("openai", chat(("a", "one", {})))
    thread.join()
    assert (len(server.requests), server.executions) == (1, {})
    wait_until(nobody_calls)
