"""
How long sessions last, over a socket: until they expire, and longer than a server.
"""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import pytest
from sessioning import calling, people, python, start_with_sessions, workspace, workspaces
from toolcell_client.errors import PathNotAllowed, UnknownSession
from waiting import wait_until

if TYPE_CHECKING:
    from pathlib import Path

    from toolcell_client import Client


def test_sessions_outlive_the_server_that_made_them(tmp_path: Path) -> None:
    with (
        start_with_sessions(tmp_path, more=people()) as server,
        calling(server, "alice") as alice,
        calling(server, "mallory") as mallory,
    ):
        kept = alice.sessions.create()
        gone = alice.sessions.create()
        other = mallory.sessions.create()
        alice.sessions.upload(kept.session_id, "a", b"kept")
        alice.sessions.delete(gone.session_id)
        server.process.send_signal(signal.SIGKILL)
        server.process.wait()
    (tmp_path / "state/sessions/left").mkdir()
    (tmp_path / "state/sessions/left/file").write_text("of nobody")
    (workspaces(tmp_path)[0] / "incoming/half").write_text("an upload")
    with start_with_sessions(tmp_path, more=people()) as server, calling(server, "alice") as alice:
        assert b"kept" == alice.sessions.download(kept.session_id, "a")
        result = alice.run(
            "run_python", {"code": "print(open('a').read())"}, session_id=kept.session_id
        )
        assert "kept\n" == result.value["stdout"]
        for session_id in (gone.session_id, other.session_id):
            with pytest.raises(UnknownSession):
                alice.sessions.get(session_id)
        assert 2 == len(workspaces(tmp_path))
        assert not any((each / "incoming/half").exists() for each in workspaces(tmp_path))


def test_without_a_state_dir_everything_goes_with_the_server(tmp_path: Path) -> None:
    os.environ["TMPDIR"] = str(tmp_path)
    try:
        with start_with_sessions(tmp_path, state=False) as server, calling(server) as client:
            session = client.sessions.create()
            client.sessions.upload(session.session_id, "a", b"1")
            (folder,) = tmp_path.glob("toolcell-sessions-*")
            assert 0o700 == folder.stat().st_mode & 0o777
    finally:
        del os.environ["TMPDIR"]

    assert [] == list(tmp_path.glob("toolcell-sessions-*"))


def test_an_unused_session_expires_and_a_used_one_does_not(tmp_path: Path) -> None:
    with start_with_sessions(tmp_path) as server, calling(server) as client:
        session = client.session(idle=2.0)
        running = "import time\nuntil = time.time() + 2.5\nwhile time.time() < until: pass\n"
        assert "" == python(session, running)  # it is used for as long as it runs
        assert [] == list(session.files())
        wait_until(lambda: _is_gone(client, session.session_id), 20)
        client.sessions.create()  # who makes one removes what is over
        assert 1 == len(workspaces(tmp_path))


def test_a_session_that_has_lived_its_time_is_over_for_new_calls(tmp_path: Path) -> None:
    with start_with_sessions(tmp_path) as server, calling(server) as client:
        session = client.session(lifetime=1.0)
        wait_until(lambda: _is_gone(client, session.session_id), 20)
        with pytest.raises(UnknownSession):
            session.run("run_python", {"code": "1"})


def test_the_operators_denials_and_roots_hold(tmp_path: Path) -> None:
    """
    Whoever opens the whole disk to tools does not open the workspaces of others; and what is denied
    is denied in a workspace, too.
    """
    roots = f'[policy]\nroots = [{{path = "{tmp_path}", access = "write"}}]\n'
    denied = 'denied_paths = ["/workspace/private"]\n'
    with (
        start_with_sessions(tmp_path, more=roots + denied) as server,
        calling(server) as client,
        client.session() as session,
    ):
        session.upload("a", b"canary")
        session.upload("private", b"denied")
        (tmp_path / "plain").write_text("granted")
        real = str(workspace(tmp_path) / "a")

        assert "granted" == client.run("read_file", {"path": f"{tmp_path}/plain"}).value["content"]
        for path in (real, "/workspace/private"):
            with pytest.raises(PathNotAllowed):
                session.run("read_file", {"path": path})
        with pytest.raises(PathNotAllowed):  # all of it cannot be granted with a hole in it
            session.run("run_python", {"code": "1"})


def _is_gone(client: Client, session_id: str) -> bool:
    try:
        client.sessions.get(session_id)
    except UnknownSession:
        return True
    return False
