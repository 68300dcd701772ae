"""
Calls one after the other.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from scripted_models import ScriptedModel, calls, says
from toolcell_client import Client, Conversation
from toolcell_client.testing import script

if TYPE_CHECKING:
    from collections.abc import Iterator

    from toolcell_client.testing import FakeServer


def test_sequential_calls_never_overlap(server: FakeServer, client: Client) -> None:
    began = threading.Event()
    overlapped: list[bool] = []

    def first(_: bytes) -> Iterator[script.Payload]:
        yield script.progress(0.5)
        overlapped.append(began.wait(0.5))  # without overlap it waits in vain
        yield script.completed(1)

    def second(_: bytes) -> Iterator[script.Payload]:
        began.set()
        yield script.completed(2)

    server.tool("first", respond=first)
    server.tool("second", respond=second)
    made = calls(("c1", "first", {}), ("c2", "second", {}))
    model = ScriptedModel(made, says("Done."))
    Conversation(client, model, provider="openai", parallel=False).say("Go.")
    assert overlapped == [False]
