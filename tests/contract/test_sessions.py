"""
Sessions over a socket: what one call leaves the next one finds, and nobody else does.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
from typing import TYPE_CHECKING

import pytest
from sessioning import TOKENS, calling, people, python, start_with_sessions, workspaces
from toolcell_client import AsyncClient, Client
from toolcell_client.errors import (
    CallRefused,
    InvalidCall,
    PathNotAllowed,
    SwitchedOff,
    TooManySessions,
    UnknownSession,
)
from waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from running_server import Server
    from toolcell_client.sessions import ClientSession

READ = "open('/workspace/secret').read()"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("sessions")


@pytest.fixture(scope="module")
def server(place: Path) -> Iterator[Server]:
    with start_with_sessions(place, sessions="per_principal = 4", more=people()) as one:
        yield one


@pytest.fixture
def alice(server: Server) -> Iterator[Client]:
    with calling(server, "alice") as client:
        yield client


@pytest.fixture
def session(alice: Client) -> Iterator[ClientSession]:
    with alice.session() as one:
        yield one


def test_what_one_call_leaves_the_next_one_finds(session: ClientSession) -> None:
    assert "" == python(session, "open('notes', 'w').write('kept')")

    assert "/workspace kept\n" == python(
        session, "import os; print(os.getcwd(), open('notes').read())"
    )
    shell = session.run("run_shell", {"command": "cat notes; echo more >> notes"})
    assert "kept" == shell.value["stdout"]
    assert "keptmore\n" == session.download("notes").decode()


def test_tools_of_files_are_granted_paths_in_the_workspace(session: ClientSession) -> None:
    path = "/workspace/report.txt"
    assert session.run("write_file", {"path": path, "content": "one"}).ok
    assert "" == python(session, "open('report.txt', 'a').write(' two')")

    assert "one two" == session.run("read_file", {"path": path}).value["content"]
    listed = session.run("list_files", {"path": "/workspace"}).value["entries"]
    assert ["report.txt"] == [entry["name"] for entry in listed]


def test_a_tool_that_reads_one_file_does_not_see_its_neighbour(session: ClientSession) -> None:
    session.upload("mine", b"granted")
    session.upload("other", b"not granted")

    code = "for n in ('mine', 'other'):\n    try: print(open('/workspace/' + n).read())\n"
    code += "    except OSError as e: print(type(e).__name__)"
    narrow = session.run("run_python", {"code": code}, grants={"paths": ["/workspace/mine"]})

    assert "granted" == session.run("read_file", {"path": "/workspace/mine"}).value["content"]
    assert "granted\nnot granted\n" == python(session, code)
    assert "granted\nFileNotFoundError\n" == narrow.value["stdout"]


def test_a_call_without_the_session_has_nothing_of_it(
    alice: Client, session: ClientSession
) -> None:
    session.upload("secret", b"canary")
    assert "canary" in python(session, f"print({READ})")

    assert "FileNotFoundError" in python(alice, f"print({READ})")
    with pytest.raises(PathNotAllowed):
        alice.run("read_file", {"path": "/workspace/secret"})


def test_another_session_of_the_same_caller_has_nothing_of_it(
    alice: Client, session: ClientSession, place: Path
) -> None:
    session.upload("secret", b"canary")
    with alice.session() as other:
        everywhere = (
            "import os\nfound = []\nfor top in '/workspace', '/tmp', '/dev/shm', '/run', '/etc':\n"
            "    for folder, _, names in os.walk(top):\n"
            "        found += [folder for name in names if name == 'secret']\nprint(found)"
        )

        assert "['/workspace']\n" == python(session, everywhere)
        assert "[]\n" == python(other, everywhere)
        real = next(
            each / "files/secret" for each in workspaces(place) if (each / "files/secret").exists()
        )
        with pytest.raises(PathNotAllowed):
            other.run("read_file", {"path": str(real)})


def test_for_another_principal_a_session_is_not_there(
    server: Server, session: ClientSession
) -> None:
    session.upload("secret", b"canary")
    attempts: list[Callable[[Client, str], object]] = [
        lambda c, s: c.sessions.get(s),
        lambda c, s: c.sessions.delete(s),
        lambda c, s: list(c.sessions.files(s)),
        lambda c, s: c.sessions.upload(s, "x", b""),
        lambda c, s: c.sessions.download(s, "secret"),
        lambda c, s: c.sessions.delete_file(s, "secret"),
        lambda c, s: c.run("run_python", {"code": READ}, session_id=s),
        lambda c, s: c.run("run_python", {"code": READ}, session_id=s, validate_only=True),
    ]
    nobodys = "0" * 32
    with calling(server, "mallory") as mallory:
        for attempt in attempts:
            said = []
            for session_id in (session.session_id, nobodys):
                with pytest.raises(UnknownSession) as refused:
                    attempt(mallory, session_id)
                said.append(str(refused.value).replace(session_id, "ID"))
            assert said[0] == said[1]
        assert [] == list(mallory.sessions.list())

    assert b"canary" == session.download("secret")


def test_an_id_of_ones_own_choice_is_ones_own(server: Server, alice: Client) -> None:
    with calling(server, "mallory") as mallory, alice.session(session_id="chat-7") as mine:
        mine.upload("secret", b"alice's")
        with mallory.session(session_id="chat-7") as other:
            assert [] == list(other.files())
            other.upload("secret", b"mallory's")
        assert b"alice's" == mine.download("secret")
        with pytest.raises(InvalidCall, match="another session"):
            alice.sessions.create(session_id="chat-7")
        for bad in ("a/b", "..\n", "x" * 129):
            with pytest.raises(InvalidCall):
                alice.sessions.create(session_id=bad)


def test_two_calls_run_side_by_side_in_one_workspace(session: ClientSession) -> None:
    """
    Each waits for the file of the other: one after the other they would never end.
    """
    code = (
        "import os, time\nopen('{mine}', 'w').close()\n"
        "while not os.path.exists('{other}'): time.sleep(0.01)\nprint('met')"
    )
    said: list[str] = []

    def run(mine: str, other: str) -> None:
        said.append(python(session, code.format(mine=mine, other=other)))

    threads = [threading.Thread(target=run, args=pair) for pair in (("a", "b"), ("b", "a"))]
    for each in threads:
        each.start()
    for each in threads:
        each.join()

    assert ["met\n", "met\n"] == said


def test_to_delete_a_session_ends_its_calls_and_leaves_nothing(alice: Client, place: Path) -> None:
    before = workspaces(place)
    session = alice.session()
    with session.execute(
        "run_python", {"code": "open('begun', 'w').close()\nwhile True: pass"}
    ) as stream:
        (mine,) = set(workspaces(place)) - set(before)
        wait_until((mine / "files/begun").exists, 20)
        assert 1 == alice.sessions.get(session.session_id).running
        session.close()

        assert before == workspaces(place)
        assert "cancelled" == stream.result().outcome.WhichOneof("kind")
    with pytest.raises(UnknownSession):
        session.run("run_python", {"code": "1"})
    session.close()  # once more is no error


def test_a_caller_has_no_more_sessions_than_the_operator_allows(alice: Client) -> None:
    with contextlib.ExitStack() as sessions:
        for _ in range(4):
            sessions.enter_context(alice.session())
        with pytest.raises(TooManySessions):
            alice.sessions.create()
    assert [] == list(alice.sessions.list())


def test_sessions_are_listed_newest_first_in_pages(alice: Client) -> None:
    with alice.session() as first, alice.session() as second, alice.session() as third:
        listed = [each.session_id for each in alice.sessions.list(page_size=1)]

        assert [third.session_id, second.session_id, first.session_id] == listed


def test_what_is_asked_for_stays_within_what_the_operator_allows(alice: Client) -> None:
    for asked in (
        {"quota_bytes": 2**40},
        {"quota_bytes": -1},
        {"quota_files": 10**6},
        {"lifetime": 400 * 86400.0},
        {"idle": 0.0},
    ):
        with pytest.raises((InvalidCall, ValueError)):
            alice.sessions.create(**asked)


def test_files_of_the_workspace_never_belong_to_root(session: ClientSession, place: Path) -> None:
    """
    A program that a tool leaves and marks set-user-id must be nobody's who matters.
    """
    python(session, "open('own', 'w').close()\nimport os\nos.chmod('own', 0o4755)")
    session.run("write_file", {"path": "/workspace/committed", "content": ""})
    session.upload("in/uploaded", b"")
    owners = {
        path.lstat().st_uid for each in workspaces(place) for path in (each / "files").rglob("*")
    }

    assert 1 == len(owners)
    assert {0} != owners
    assert os.geteuid() == 0 or {os.geteuid()} == owners
    # … and each of them can be changed by the next call.
    assert "" == python(
        session, "for n in ('own', 'committed', 'in/uploaded'): open(n, 'w').write('x')"
    )


def test_the_async_client_has_the_same(server: Server) -> None:
    async def whole() -> None:
        async with (
            AsyncClient(server.target, token=TOKENS["alice"]) as client,
            client.session(idle=60) as session,
        ):
            await session.upload("a", b"1")
            result = await session.run("run_python", {"code": "print(open('a').read())"})
            assert "1\n" == result.value["stdout"]
            assert b"1" == await session.download("a")
            assert ["a"] == [each.path async for each in session.files(digests=True)]
            await session.delete_file("a")
            assert [] == [each.path async for each in session.files()]
            assert [session.session_id] == [e.session_id async for e in client.sessions.list()]
            with pytest.raises(UnknownSession):
                await client.sessions.get("nobodys")

    asyncio.run(whole())


def test_where_nobody_is_authenticated_the_id_is_the_secret(tmp_path: Path) -> None:
    with (
        start_with_sessions(tmp_path, state=False) as server,
        calling(server) as one,
        calling(server) as other,
        one.session() as session,
    ):
        assert 32 == len(session.session_id)
        session.upload("a", b"1")
        with pytest.raises(CallRefused) as listed:
            list(other.sessions.list())
        assert "SESSIONS_NOT_LISTED" == listed.value.reason
        with pytest.raises(InvalidCall, match="authenticated"):
            other.sessions.create(session_id="guessable")
        with pytest.raises(UnknownSession):
            other.sessions.get("0" * 32)
        assert b"1" == other.sessions.download(session.session_id, "a")


def test_without_the_setting_sessions_are_refused_by_name(running_server: Server) -> None:
    with Client(running_server.target) as client:
        for attempt in (
            client.sessions.create,
            lambda: client.sessions.get("s"),
            lambda: client.sessions.upload("s", "a", b""),
            lambda: client.sessions.download("s", "a"),
            lambda: client.run("run_python", {"code": "1"}, session_id="s"),
        ):
            with pytest.raises(SwitchedOff, match=r"sessions\.enabled"):
                attempt()
