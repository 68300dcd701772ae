"""
Files of workspaces over a socket: what tools leave there leads nobody out of it.
"""

from __future__ import annotations

import hashlib
import os
import threading
from typing import TYPE_CHECKING

import grpc
import pytest
from sessioning import calling, python, start_with_sessions, workspace
from toolcell.v1 import session_pb2 as pb
from toolcell.v1 import session_pb2_grpc
from toolcell_client.errors import (
    CallRefused,
    InvalidCall,
    SessionPathBlocked,
    UnknownSessionFile,
    WorkspaceFull,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from running_server import Server
    from toolcell_client.sessions import ClientSession

LARGE = bytes(range(256)) * 10_000
HUGE = bytes(24 * 2**20)  # more than connections hold


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("files")


@pytest.fixture(scope="module")
def server(place: Path) -> Iterator[Server]:
    with start_with_sessions(place) as one:
        yield one


@pytest.fixture
def session(server: Server) -> Iterator[ClientSession]:
    with calling(server) as client, client.session() as one:
        yield one


def paths(session: ClientSession) -> list[str]:
    return [each.path for each in session.files()]


def test_a_file_goes_in_and_comes_out_whole(session: ClientSession) -> None:
    put = session.upload("a/b/c.bin", LARGE)

    assert hashlib.sha256(LARGE).hexdigest() == put.sha256
    assert len(LARGE) == put.size
    assert LARGE == session.download("a/b/c.bin")
    assert LARGE == session.download("/workspace/a/b/c.bin")
    assert LARGE[1000:1010] == session.download("a/b/c.bin", 1000, 10)
    assert LARGE[-5:] == session.download("a/b/c.bin", len(LARGE) - 5)
    assert b"" == session.download("a/b/c.bin", len(LARGE) + 1)
    assert ["a", "a/b", "a/b/c.bin"] == paths(session)
    listed = {each.path: each for each in session.files("a/b", digests=True)}
    assert put.sha256 == listed["a/b/c.bin"].sha256


def test_an_upload_replaces_a_file_whole_or_not_at_all(
    server: Server, session: ClientSession
) -> None:
    session.upload("a", b"old")
    with grpc.insecure_channel(server.target) as channel:
        stub = session_pb2_grpc.SessionServiceStub(channel)
        part = pb.UploadSessionFileRequest

        def start(**said: object) -> pb.UploadSessionFileRequest:
            fields = {"session_id": session.session_id, "path": "a", **said}
            return part(start=pb.UploadStart(**fields))  # type: ignore[arg-type]

        for bad in (
            [],
            [part(data=b"new")],
            [start(size=3), part(data=b"ne")],
            [start(size=3), part(data=b"newer")],
            [start(size=3, sha256="0" * 64), part(data=b"new")],
            [start(size=3, sha256="nonsense"), part(data=b"new")],
            [start(size=3), part(data=b"n"), start(size=3)],
            [start(size=-1)],
            [start(size=3, path="../a"), part(data=b"new")],
        ):
            with pytest.raises(grpc.RpcError) as refused:
                stub.UploadSessionFile(iter(bad))
            assert grpc.StatusCode.INVALID_ARGUMENT == refused.value.code()
    assert b"old" == session.download("a")
    session.upload("a", b"new")
    assert b"new" == session.download("a")


@pytest.mark.parametrize(
    "path",
    ["", "/etc/passwd", "../x", "a/../../x", "a//b", "./a", "a/.", "x" * 256, "a\0b", "/workspace"],
)
def test_a_malformed_path_is_refused(session: ClientSession, path: str) -> None:
    for attempt in (
        lambda: session.upload(path, b"x"),
        lambda: session.download(path),
        lambda: session.delete_file(path),
    ):
        with pytest.raises(InvalidCall):
            attempt()


def test_what_a_tool_plants_is_listed_and_never_followed(
    session: ClientSession, place: Path, server: Server
) -> None:
    """
    Planted from outside, because a cell with Landlock cannot make links; the tool tries it, too.
    """
    top = workspace(place)
    session.run(
        "run_shell",
        {"command": "ln -s /etc/passwd l; ln -s .. up; mkfifo p; ln /etc/passwd h; mknod d c 1 3"},
    )
    with calling(server) as client, client.session() as other:
        other.upload("secret", b"canary")
        for name, target in {
            "passwd": "/etc/passwd",
            "out": "..",
            "other": f"{place}/state/sessions",
            "database": f"{place}/state/toolcell.sqlite3",
            "loop": "loop",
        }.items():
            (top / name).symlink_to(target)
        os.mkfifo(top / "pipe")
        (top / "name\nwith\x1b[31mcontrol").write_text("x")
        (top / os.fsdecode(b"not-utf8-\xff")).write_text("x")
        assert (top / "passwd").read_text()  # the positive control: who follows it gets there

        kinds = {each.path: each.kind for each in session.files(digests=True)}
        digests = {each.path: each.sha256 for each in session.files(digests=True)}
        assert pb.SESSION_FILE_KIND_LINK == kinds["passwd"] == kinds["out"] == kinds["other"]
        assert pb.SESSION_FILE_KIND_OTHER == kinds["pipe"]
        assert "name\nwith\x1b[31mcontrol" in kinds
        assert not any("not-utf8" in path for path in kinds)
        assert not any(path.startswith(("out/", "other/")) for path in kinds)
        assert "" == digests["passwd"] == digests["pipe"] == digests["loop"]
        for path in ("passwd", "database", "loop", "pipe", "out", "out/incoming", "other/x"):
            with pytest.raises(UnknownSessionFile):
                session.download(path)
        for path in ("out/x", "other/x", "pipe/x", "passwd/x"):
            with pytest.raises(SessionPathBlocked):
                session.upload(path, b"x")
        with pytest.raises(CallRefused):
            session.delete_file("out/files", recursive=True)
        with pytest.raises(CallRefused):
            session.run("read_file", {"path": "/workspace/passwd"})
        assert "FileNotFoundError" in python(session, "open('database')")
        assert b"canary" == other.download("secret")


def test_a_link_is_replaced_and_removed_and_its_target_is_not(
    session: ClientSession, place: Path, tmp_path: Path
) -> None:
    target = tmp_path / "target"
    target.write_text("untouched")
    for name in ("replaced", "removed"):
        (workspace(place) / name).symlink_to(target)

    session.upload("replaced", b"new")
    session.delete_file("removed")

    assert "untouched" == target.read_text()
    assert b"new" == session.download("replaced")
    assert ["replaced"] == paths(session)


def test_folders_are_removed_only_if_that_is_said(session: ClientSession) -> None:
    session.upload("a/b", b"")
    with pytest.raises(SessionPathBlocked):
        session.delete_file("a")
    with pytest.raises(SessionPathBlocked):
        session.upload("a", b"")
    with pytest.raises(UnknownSessionFile):
        session.delete_file("b")
    session.delete_file("a", recursive=True)

    assert [] == paths(session)


def test_a_session_with_links_and_deep_folders_is_removed_and_nothing_else(
    server: Server, place: Path, tmp_path: Path
) -> None:
    (tmp_path / "kept").write_text("kept")
    with calling(server) as client, client.session() as session:
        (workspace(place) / "out").symlink_to(tmp_path)
        deep = "import os\nfor n in range(60):\n    os.mkdir('d'); os.chdir('d')\nos.chmod('.', 0)"
        assert "" == python(session, deep)

    assert "kept" == (tmp_path / "kept").read_text()
    assert [] == list((place / "state/sessions").iterdir())


def test_many_files_are_listed_in_pages(server: Server, session: ClientSession) -> None:
    python(session, "for n in range(250): open(f'f{n:03}', 'w').close()")
    with calling(server) as client:
        pages = list(client.sessions.files(session.session_id, page_size=100))
        with pytest.raises(InvalidCall):
            list(client.sessions.files(session.session_id, page_size=-1))

    assert [f"f{n:03}" for n in range(250)] == [each.path for each in pages]


def test_a_token_of_a_page_is_good_for_its_session_only(
    server: Server, session: ClientSession
) -> None:
    python(session, "for n in range(3): open(f'f{n}', 'w').close()")
    with grpc.insecure_channel(server.target) as channel, calling(server) as client:
        stub = session_pb2_grpc.SessionServiceStub(channel)
        first = stub.ListSessionFiles(
            pb.ListSessionFilesRequest(session_id=session.session_id, page_size=1)
        )
        other = client.sessions.create()
        with pytest.raises(grpc.RpcError, match="page_token"):
            stub.ListSessionFiles(
                pb.ListSessionFilesRequest(
                    session_id=other.session_id, page_token=first.next_page_token
                )
            )
        client.sessions.delete(other.session_id)


def test_who_reads_on_no_more_keeps_no_session_and_no_room(
    server: Server, session: ClientSession
) -> None:
    """
    What is being sent counts against the quota after it has lost its name.
    """
    small = session._client.sessions.create(quota_bytes=len(HUGE) + 2**20)
    sessions, ours = session._client.sessions, small.session_id
    sessions.upload(ours, "huge", HUGE)
    with grpc.insecure_channel(server.target) as channel:
        stub = session_pb2_grpc.SessionServiceStub(channel)
        parts = stub.DownloadSessionFile(
            pb.DownloadSessionFileRequest(session_id=ours, path="huge")
        )
        next(parts)
        sessions.delete_file(ours, "huge")
        with pytest.raises(WorkspaceFull):
            sessions.upload(ours, "huge", HUGE)
        stub.DeleteSession(pb.DeleteSessionRequest(session_id=ours), timeout=20)
        with pytest.raises(grpc.RpcError) as ended:
            list(parts)

    assert grpc.StatusCode.NOT_FOUND == ended.value.code()


def test_who_sends_no_more_keeps_no_session(server: Server, session: ClientSession) -> None:
    go_on = threading.Event()
    start = pb.UploadStart(session_id=session.session_id, path="x", size=1)

    def parts() -> Iterator[pb.UploadSessionFileRequest]:
        yield pb.UploadSessionFileRequest(start=start)
        go_on.wait()

    with grpc.insecure_channel(server.target) as channel:
        stub = session_pb2_grpc.SessionServiceStub(channel)
        upload = stub.UploadSessionFile.future(parts())
        request = pb.DeleteSessionRequest(session_id=session.session_id)
        stub.DeleteSession(request, timeout=20)
        with pytest.raises(grpc.RpcError) as ended:
            upload.result(timeout=20)
        go_on.set()

    assert grpc.StatusCode.NOT_FOUND == ended.value.code()
