"""
The quota of a workspace over a socket: what is written beyond it ends the call, and is bounded.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from sessioning import calling, python, start_with_sessions, workspace
from toolcell_client.errors import WorkspaceFull

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from running_server import Server
    from toolcell_client.sessions import ClientSession

MEBIBYTE = 2**20
QUOTA = 8 * MEBIBYTE
FILES = 200
# Each would go on until its wall limit.
HOSTILE = {
    "writes without end": "n = 0\nwhile True:\n"
    "    n += 1\n    open(f'f{n % 100}', 'ab').write(bytes(2**20))",
    "makes files without end": "n = 0\nwhile True:\n    n += 1\n    open(f'f{n}', 'w').close()",
    "makes folders without end": "import os\nn = 0\nwhile True:\n    n += 1\n    os.mkdir(f'f{n}')",
    "makes folders in each other": "import os\nwhile True:\n    os.mkdir('d')\n    os.chdir('d')\n",
    "makes sparse files": "import os, time\nfor n in range(10):\n"
    "    os.truncate(os.open(f's{n}', os.O_CREAT | os.O_RDWR), 2**22)\nwhile True: time.sleep(1)",
    "locks its folder": "import os, time\nos.mkdir('d')\nfor n in range(20):\n"
    "    open(f'd/f{n}', 'wb').write(bytes(2**20))\nos.chmod('d', 0)\nwhile True: time.sleep(1)",
}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("quotas")


@pytest.fixture(scope="module")
def server(place: Path) -> Iterator[Server]:
    with start_with_sessions(place, sessions=f"bytes = {QUOTA}\nfiles = {FILES}") as one:
        yield one


@pytest.fixture
def session(server: Server) -> Iterator[ClientSession]:
    with calling(server) as client, client.session() as one:
        yield one


def held(folder: Path) -> int:
    """
    What the workspace takes on the disk.
    """
    return sum(each.lstat().st_blocks * 512 for each in folder.rglob("*"))


def of_disk(result: Any) -> bool:
    return bool(result.outcome.exceeded.limit) and "no room" in result.outcome.message


@pytest.mark.parametrize("does", HOSTILE)
def test_who_fills_the_workspace_is_ended_and_writes_no_more(
    session: ClientSession, place: Path, does: str
) -> None:
    result = session.run("run_python", {"code": HOSTILE[does]})

    assert of_disk(result), result
    # What fits between two looks is the overshoot; 100 MB/s for the wall limit would be 3 GB.
    assert held(workspace(place)) < QUOTA + 1024 * MEBIBYTE
    with pytest.raises(WorkspaceFull):
        session.run("run_python", {"code": "1"})
    with pytest.raises(WorkspaceFull):
        session.run("write_file", {"path": "/workspace/more", "content": "x"})
    with pytest.raises(WorkspaceFull):
        session.upload("more", b"x")
    for each in list(session.files()):
        if "/" not in each.path:
            session.delete_file(each.path, recursive=True)
    assert [] == list(workspace(place).iterdir())
    assert "" == python(session, "open('again', 'w').close()")


def test_a_call_that_ends_with_more_than_it_may_has_exceeded_it(session: ClientSession) -> None:
    code = f"for n in range(4): open(f'f{{n}}', 'wb').write(bytes({QUOTA // 2}))"

    assert of_disk(session.run("run_python", {"code": code}))


def test_what_fits_is_not_ended(session: ClientSession) -> None:
    code = f"open('all', 'wb').write(bytes({QUOTA - MEBIBYTE}))"

    assert "" == python(session, code)
    assert "" == python(session, "import os; os.remove('all')")


def test_no_single_file_is_larger_than_the_quota(session: ClientSession) -> None:
    """
    Not even for a moment, and not one that says so and holds nothing.
    """
    code = (
        f"import os\nf = os.open('s', os.O_CREAT | os.O_RDWR)\n"
        f"try: os.truncate(f, {QUOTA + 1})\nexcept OSError as e: print(e.errno)"
    )

    assert "27\n" == python(session, code)


def test_files_without_a_name_are_gone_with_the_call(session: ClientSession, place: Path) -> None:
    """
    Nobody can count them while they last; what bounds them is their size and the disk.
    """
    code = "import os\nfiles = [open(f'f{n}', 'wb') for n in range(8)]\n"
    code += "for n in range(8): os.remove(f'f{n}')\nfor f in files: f.write(bytes(2**20))"

    assert "" == python(session, code)
    assert [] == list(workspace(place).iterdir())
    assert 0 == session._client.sessions.get(session.session_id).bytes


def test_an_upload_is_refused_before_it_has_come(session: ClientSession, place: Path) -> None:
    with pytest.raises(WorkspaceFull):
        session.upload("large", bytes(QUOTA + 1))
    session.upload("fits", bytes(QUOTA - MEBIBYTE))
    with pytest.raises(WorkspaceFull):
        session.upload("no more", bytes(2 * MEBIBYTE))

    assert ["fits"] == [each.name for each in workspace(place).iterdir()]
    assert [] == list((workspace(place).parent / "incoming").iterdir())


def test_another_session_does_not_suffer(server: Server, session: ClientSession) -> None:
    assert of_disk(session.run("run_python", {"code": HOSTILE["writes without end"]}))
    with calling(server) as client, client.session() as other:
        assert "" == python(other, "open('a', 'w').close()")


def test_a_disk_that_is_nearly_full_ends_and_refuses_calls(tmp_path: Path) -> None:
    """
    Nearly full is what the operator says it is: here, always.
    """
    with (
        start_with_sessions(tmp_path) as plenty,
        calling(plenty) as client,
        client.session() as session,
    ):
        assert "" == python(session, "open('a', 'w').close()")
    full = f"minimum_free_bytes = {2**60}"
    with (
        start_with_sessions(tmp_path, free=full) as server,
        calling(server) as client,
        client.session() as session,
    ):
        with pytest.raises(WorkspaceFull, match="disk"):
            session.run("run_python", {"code": "1"})
        with pytest.raises(WorkspaceFull, match="disk"):
            session.upload("a", b"")
        assert client.run("run_python", {"code": "1"}).ok
