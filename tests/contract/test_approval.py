"""
Approvals with the whole server, its cells, its database and the command line.
"""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from approval_place import Place, required
from approving import metadata
from toolcell.v1 import approval_pb2
from toolcell_client import ApprovalRequired, AsyncClient, to_model_text
from toolcell_client.errors import (
    ApprovalAltered,
    ApprovalDenied,
    ApprovalPinWrong,
    ApprovalReplayed,
    ApprovalSelf,
    ApprovalUnknown,
)
from toolcell_server.approvals.pins import PinHash

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    """
    For tests that kill it.
    """
    place = Place(tmp_path)
    try:
        yield place
    finally:
        place.server.stop()


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    place = Place(tmp_path_factory.mktemp("place"))
    try:
        yield place
    finally:
        place.server.stop()


def test_a_file_is_wiped_once_and_only_after_somebody_else_said_so(shared: Place) -> None:
    """
    The whole way, with a real cell, a real file and the client.
    """
    arguments = {"path": str(shared.file)}
    with shared.client("alice") as alice, shared.client("boss") as boss:
        asked = required(alice, "wipe", arguments)
        assert (asked.kind, shared.file.read_text()) == ("approve", "precious")
        assert asked.token not in f"{asked} {asked!r} {to_model_text(asked)}"
        assert "wipe" in asked.summary
        assert asked.expires.endswith("Z")
        with pytest.raises(ApprovalSelf):
            alice_as_boss(shared, arguments)
        (waiting,) = [e for e in boss.approvals.list(decidable=True, state="pending")
                      if e.approval_id == asked.approval_id]  # fmt: skip
        assert f"write {shared.file}" in waiting.summary
        boss.approvals.approve(waiting.approval_id)
        with pytest.raises(ApprovalAltered):
            alice.run("wipe", {"path": f"{shared.folder}/files"}, approval_token=asked.token)
        with shared.client("mallory") as mallory, pytest.raises(ApprovalUnknown):
            mallory.run("wipe", arguments, approval_token=asked.token)
        assert shared.file.read_text() == "precious"
        assert alice.run("wipe", arguments, approval_token=asked.token).value == "wiped"
        assert shared.file.read_text() == "wiped"
        with pytest.raises(ApprovalReplayed):
            alice.run("wipe", arguments, approval_token=asked.token)


def alice_as_boss(place: Place, arguments: Any) -> None:
    with place.client("boss") as boss:
        boss.approvals.approve(required(boss, "wipe", arguments).approval_id)


def test_a_stream_is_confirmed_as_a_run_is(shared: Place) -> None:
    """
    `execute` refuses at its first read, and so does its asynchronous twin.
    """

    async def scenario() -> None:
        async with AsyncClient(shared.server.target, metadata=metadata("bob")) as client:
            with pytest.raises(ApprovalRequired) as caught:
                await client.run("mail", {"to": "x"})
            mine = [each.approval_id async for each in client.approvals.list(state="pending")]
            assert caught.value.approval_id in mine
            found = await client.approvals.get(caught.value.approval_id)
            assert found.tool == "mail"
            result = await client.run("mail", {"to": "x"}, approval_token=caught.value.token)
            assert result.value == "sent to x"
            with pytest.raises(ApprovalRequired) as caught:
                await client.execute("mail", {"to": "y"}).result()
            await client.approvals.deny(caught.value.approval_id)
            token = caught.value.token
            with pytest.raises(ApprovalDenied):
                await client.execute("mail", {"to": "y"}, approval_token=token).result()

    import asyncio

    asyncio.run(scenario())


def test_a_pin_goes_along_with_the_token(shared: Place) -> None:
    """
    And is neither asked of the model nor told to it.
    """
    with shared.client("pat") as pat:
        asked = required(pat, "mail", {"to": "x"})
        with pytest.raises(ApprovalPinWrong) as wrong:
            pat.run("mail", {"to": "x"}, approval_token=asked.token, approval_pin="0000")
        assert wrong.value.attempts_left == 2
        result = pat.run("mail", {"to": "x"}, approval_token=asked.token, approval_pin="2468")
        assert result.value == "sent to x"


def test_killed_between_question_and_answer_and_killed_again(place: Place) -> None:
    """
    SIGKILL, three times: nothing that was asked, answered or used is lost.
    """
    arguments = {"path": str(place.file)}

    def kill() -> None:
        place.server.process.send_signal(signal.SIGKILL)
        place.server.process.wait(20)
        place.server.stop()
        place.server = place.started()

    with place.client("alice") as alice:
        asked = required(alice, "wipe", arguments)
    kill()
    with place.client("boss") as boss:
        boss.approvals.approve(asked.approval_id)
    kill()
    with place.client("alice") as alice:
        alice.run("wipe", arguments, approval_token=asked.token)
    assert place.file.read_text() == "wiped"
    kill()
    with place.client("alice") as alice, pytest.raises(ApprovalReplayed):
        alice.run("wipe", arguments, approval_token=asked.token)


def test_killed_while_the_tool_runs_the_approval_is_used(place: Place) -> None:
    """
    Nobody can tell what the tool has done, so it must not be done again.
    """
    with place.client("alice") as alice, place.client("boss") as boss:
        asked = required(alice, "stay")
        boss.approvals.approve(asked.approval_id)
        stream = alice.execute("stay", approval_token=asked.token)
        next(event for event in stream if event.HasField("output"))
        place.server.process.send_signal(signal.SIGKILL)
        place.server.process.wait(20)
    place.server.stop()
    place.server = place.started()
    with place.client("alice") as alice:
        with pytest.raises(ApprovalReplayed):
            alice.run("stay", approval_token=asked.token)
        found = alice.approvals.get(asked.approval_id)
        assert found.state == approval_pb2.APPROVAL_STATE_USED


def command(place: Place, *words: str, said: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    """
    The command line, as nobody in particular.
    """
    return subprocess.run(
        [sys.executable, "-m", "toolcell_client.cli", *words],
        env=os.environ | {"TOOLCELL_TARGET": place.server.target},
        input=said,
        capture_output=True,
        timeout=30,
        check=False,
    )


def test_the_command_line_says_how_to_go_on_and_lists_and_withdraws(shared: Place) -> None:
    """
    Without a terminal nobody is asked: exit code 4, and what to do next on stderr.
    """
    ended = command(shared, "call", "mail", "to=x")
    assert (ended.returncode, ended.stdout) == (4, b"")
    token = ended.stderr.decode().rpartition("--approval-token ")[2].strip()
    ended = command(shared, "call", "mail", "to=x", "--approval-token", token)
    assert (ended.returncode, ended.stdout) == (0, b'"sent to x"\n')

    ended = command(shared, "call", "wipe", f"path={shared.file}")
    assert b"toolcell approvals approve apr-" in ended.stderr
    listed = command(shared, "approvals", "list").stdout
    assert b'"tool": "wipe"' in listed
    approval_id = f"apr-{listed.decode().partition('apr-')[2][:32]}"
    shown = command(shared, "approvals", "show", approval_id)
    assert f"write {shared.file}".encode() in shown.stdout
    assert b"asked for by somebody who was not asked for a name" in shown.stdout
    ended = command(shared, "approvals", "approve", approval_id)
    assert (ended.returncode, b"same principal" in ended.stderr) == (4, True)
    ended = command(shared, "approvals", "deny", approval_id, "--reason", "never mind")
    assert (ended.returncode, b'"state": "denied"' in ended.stdout) == (0, True)


def test_a_setting_that_fits_no_tool_is_warned_of(shared: Place) -> None:
    """
    A typing error in a safety switch.
    """
    warned = [line for line in shared.server.log.read_text().split("\n") if "no bundle has" in line]

    assert len(warned) == 1
    assert "wirte_file" in warned[0]


def test_a_pin_is_hashed_for_the_settings(shared: Place) -> None:
    """
    From standard input where there is no terminal.
    """
    made = command(shared, "approvals", "hash-pin", said=b"2468\n").stdout.decode().strip()

    assert PinHash.parse(made).fits("2468")
    assert command(shared, "approvals", "hash-pin", said=b"24\n").returncode == 2


@pytest.mark.parametrize(("typed", "code"), [("y", 0), ("n", 4), ("", 4)])
def test_a_person_at_a_terminal_is_asked(shared: Place, typed: str, code: int) -> None:
    """
    What it would do is shown first; anything but yes is no, and withdraws the question.
    """
    keeper, terminal = pty.openpty()
    words = ["call", "mail", "to=z", "--target", shared.server.target]
    running = subprocess.Popen(
        [sys.executable, "-m", "toolcell_client.cli", *words],
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
    )
    os.close(terminal)
    seen = b""
    while b"[y/N]" not in seen:
        seen += os.read(keeper, 4096)
    os.write(keeper, f"{typed}\n".encode())
    try:
        while data := os.read(keeper, 4096):
            seen += data
    except OSError:  # how Linux reports that the other side is closed
        pass
    os.close(keeper)
    assert running.wait(20) == code
    assert b'to = "z"' in seen
    assert (b"sent to z" in seen) == (code == 0)
    with shared.client("") as nobody:
        newest = next(iter(nobody.approvals.list()))
    denied = approval_pb2.APPROVAL_STATE_DENIED
    assert newest.state == (approval_pb2.APPROVAL_STATE_USED if code == 0 else denied)
