"""
What options mean, and calls that are tried again.
"""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest
from toolcell_client import Client
from toolcell_client.frameworks.carrying import Line, in_thread
from toolcell_client.frameworks.langchain import tools
from toolcell_client.frameworks.offering import Options, nothing


def test_options_go_where_they_belong() -> None:
    made = Options.of({"category": "files", "session_id": "s", "timeout": 3.0})
    assert made.listing == {"category": "files", "session_id": "s"}
    assert made.settings.call == {"session_id": "s", "timeout": 3.0}
    assert made.hear is nothing


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"tmieout": 3}, "tmieout"),
        ({"call_id": "a"}, "call_id"),
        ({"detached": True}, "detached"),
        ({"only": ["a"]}, "framework"),
    ],
)
def test_an_option_that_is_none_is_named(options: dict[str, Any], words: str) -> None:
    """
    Before anything is listed: there is no server.
    """
    with (
        Client("127.0.0.1:1", attempts=0) as client,
        pytest.raises(TypeError, match=words),
    ):
        tools(client, **options)


def test_what_was_left_is_not_begun() -> None:
    line = Line()
    line.close()

    def begin() -> Any:
        raise AssertionError("it is over")

    assert line.open(begin) is None


def test_a_call_waits_in_a_thread_of_its_own() -> None:
    """
    More of them than the event loop's own pool has threads.
    """

    async def all_at_once() -> None:
        barrier = threading.Barrier(40)
        await asyncio.gather(*(in_thread(barrier.wait, 30) for _ in range(40)))

    asyncio.run(all_at_once())
