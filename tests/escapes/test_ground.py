"""
The oracle outside: what is planted, and that nothing done to it goes unseen.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from toolcell_server.battery import processes
from toolcell_server.battery.ground import Ground
from toolcell_server.battery.session import SECRET_VARIABLE, Session

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture
def session() -> Iterator[Session]:
    with Session() as session:
        yield session


@pytest.fixture
def ground(session: Session) -> Iterator[Ground]:
    ground = Ground(session)
    yield ground
    ground.close()


def _replace_by_a_link(path: Path) -> None:
    path.unlink()
    path.symlink_to("/dev/null")


DEEDS: dict[str, Callable[[Path], object]] = {
    "written": lambda path: path.write_text("changed"),
    "written with the same length": lambda path: path.write_text("X" * 32 + "\n"),
    "removed": lambda path: path.unlink(),
    "made readable": lambda path: path.chmod(0o666),
    "touched": lambda path: os.utime(path, (1, 1)),
    "linked": lambda path: os.link(path, path.with_name("other")),
    "joined by another": lambda path: path.with_name("new").touch(),
    "joined by a link": lambda path: path.with_name("new").symlink_to("/"),
    "replaced by a link": _replace_by_a_link,
}


@pytest.mark.parametrize("deed", DEEDS.values(), ids=DEEDS.keys())
@pytest.mark.parametrize("place", ["outside", "inside"])
def test_whatever_is_done_to_a_canary_is_seen(
    ground: Ground, deed: Callable[[Path], object], place: str
) -> None:
    plant = ground.plant if place == "outside" else ground.plant_inside
    path = Path(plant("canary.txt"))
    ground.begin()
    quiet = ground.damage()
    deed(path)

    assert quiet == []
    assert any(str(path.parent) in said for said in ground.damage())


def test_what_was_granted_for_writing_may_be_changed(ground: Ground) -> None:
    folder = ground.make_folder_inside("writes")
    staged = ground.plant_inside("staged.txt")
    ground.writes.append(folder)
    ground.stages.append(staged)
    ground.begin()
    Path(folder, "new").touch()
    Path(staged).write_text("changed")

    assert [] == ground.damage()


@pytest.mark.parametrize("text", ["{}", "<{}>", "{}\n"])
def test_a_secret_that_got_out_is_seen(ground: Ground, session: Session, text: str) -> None:
    assert 1 == len(ground.leaks(text.format(ground.token)))
    assert 1 == len(ground.leaks(text.format(session.secret.upper())))
    assert [] == ground.leaks(text.format("nothing"))


def test_a_name_that_is_an_ordinary_word_counts_as_a_whole_word_only(ground: Ground) -> None:
    """
    Hosts are called "machine" or "web": an error that names /etc/machine-id tells nobody so.
    """
    ground.names.append("machine")

    assert [] == ground.leaks("No such file: '/etc/machine-id'")
    assert 1 == len(ground.leaks("nodename='Machine', release"))


def test_whoever_reaches_a_listener_is_counted(ground: Ground) -> None:
    port, datagrams = ground.listeners.tcp(), ground.listeners.udp()
    path = ground.listeners.unix(f"{ground.folder}/socket")
    ground.begin()
    quiet = ground.damage()
    with socket.create_connection(("127.0.0.1", port)), socket.socket(socket.AF_UNIX) as client:
        client.connect(path)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.sendto(b"", ("127.0.0.1", datagrams))

    assert quiet == []
    assert 3 == len(ground.damage())


@pytest.mark.parametrize(("number", "word"), [(9, "ended"), (19, "stopped")])
def test_whoever_harms_the_sibling_is_seen(ground: Ground, number: int, word: str) -> None:
    ground.begin()
    pid = ground.sibling.pid
    quiet = ground.damage()
    os.kill(pid, number)
    if number == 9:
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    else:
        os.waitid(os.P_PID, pid, os.WSTOPPED)

    assert quiet == []
    assert [word] == [word for said in ground.damage() if word in said]


def test_a_process_that_was_left_is_seen_and_ended(ground: Ground) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", "import time; time.sleep(60)"],
        env={**os.environ, processes.VARIABLE: ground.marker},
    )
    left = processes.left_of(ground.marker)
    ground.close()
    process.wait()

    assert [process.pid] == left
    assert process.returncode == -9


def test_what_a_control_made_of_a_claim_is_removed(session: Session, tmp_path: Path) -> None:
    ground = Ground(session)
    path = Path(ground.claim(str(tmp_path / "claimed")))
    ground.begin()
    path.write_text("planted")
    seen = ground.damage()
    ground.close()

    assert [f"new: {path}"] == seen
    assert not path.exists()


def test_nothing_is_left_of_a_session() -> None:
    with Session() as session:
        folder = Path(session.folder)
        ground = Ground(session)
        ground.plant("file")
        ground.close()

        assert os.environ[SECRET_VARIABLE] == session.secret
    assert not folder.exists()
    assert SECRET_VARIABLE not in os.environ
