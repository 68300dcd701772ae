"""
The page about conversations: its programs, as it shows them.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from conversed_tools import serve
from pages_of_models import DOCS, printed, programs
from toolcell_client.loops.reply import Reply
from toolcell_client.testing.providers import Calls, Fails, Says

if TYPE_CHECKING:
    from collections.abc import Iterator

    from running_server import Server

SAY, STREAM, APPROVE, FAIL, SELECT, TRANSCRIPT = programs("conversations.md")
TIMES = Calls(("calculate", {"expression": "19 * 23"}))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serve(tmp_path_factory.mktemp("page")) as one:
        yield one


def test_something_is_said(server: Server) -> None:
    shown = printed(SAY, server.target, [TIMES, Says("It is 437."), Says("438.")])
    assert shown == "It is 437. end 2\n438.\n"


def test_a_reply_is_streamed(server: Server) -> None:
    shown = printed(STREAM, server.target, [TIMES, Says("It is 437.")])
    assert shown == '[calculate: {"value": 437, "text": "437"}] It is 437.(end)\n'


def test_an_approval_outlives_the_program(server: Server) -> None:
    mail = Calls(("mail", {"to": "bob"}), ids=("call_1",))
    shown = printed(APPROVE, server.target, [mail, Says("Sent.")])
    assert shown == "call_1 mail {'to': 'bob'} confirm\nSent.\n"


def test_a_provider_fails_and_is_asked_again(server: Server) -> None:
    shown = printed(FAIL, server.target, [TIMES, Fails(429, "slow down"), Says("It is 437.")])
    assert shown == "It is 437.\n"


def test_a_few_tools_are_selected(server: Server) -> None:
    assert printed(SELECT, server.target, [Says("437.")]) == "437.\n"


def test_a_transcript_is_written_and_redacted(server: Server) -> None:
    *lines, count = printed(TRANSCRIPT, server.target, [TIMES, Says("437.")]).splitlines()
    assert lines[0] == "user: …"
    assert re.match(r"  calculate\(.*\) completed in [\d.]+ s: .*437", lines[2])
    assert lines[-1] == "ended: end after 2 steps"
    assert count == "5"


def test_every_ending_is_on_the_page() -> None:
    page = (DOCS / "conversations.md").read_text()
    named = re.findall(r'"([a-z]+(?:\([a-z]+\))?)"', Reply.__doc__ or "")
    assert len(named) >= 9
    assert [each for each in named if f"`{each}`" not in page] == []
