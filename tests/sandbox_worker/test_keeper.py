"""
The keeper: what it opens, what it refuses, and how staged files are put in place.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from cells import ZygoteAlone
from toolcell.v1 import execution_pb2 as pb
from toolcell_server import host_ids
from toolcell_server.grants import PathGrant
from toolcell_server.keeper import Keeper, Opened, close_all
from toolcell_worker.wire import Access, Frame, Mount

if TYPE_CHECKING:
    from collections.abc import Iterator

BUNDLE = str(Path(__file__).parent / "bundle")
READ, WRITE, STAGED = pb.PATH_ACCESS_READ, pb.PATH_ACCESS_WRITE, pb.PATH_ACCESS_STAGED


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for folder in (tmp_path, *tmp_path.parents):
        # What lies behind a closed door is the keeper's business, but not in these tests.
        with contextlib.suppress(PermissionError):
            folder.chmod(folder.stat().st_mode | 0o755)
    (tmp_path / "root").mkdir()
    (tmp_path / "root" / "a.txt").write_text("granted")
    (tmp_path / "root" / "b.txt").write_text("neighbour")
    return tmp_path / "root"


def instructions() -> dict[str, Any]:
    ids = host_ids.spare_ids()
    return {"identity": {"first": ids[0], "count": ids[1]} if ids else None}


def grant(path: Path | str, root: Path, access: pb.PathAccess.ValueType = READ) -> PathGrant:
    return PathGrant(path=str(path), access=access, root=str(root), real_root=str(root))


@contextlib.contextmanager
def opened(*grants: PathGrant) -> Iterator[list[Opened]]:
    """
    What a keeper answers; descriptors are closed at the end.
    """

    async def ask() -> list[Opened]:
        keeper = Keeper(instructions())
        try:
            return await keeper.open(grants, 0)
        finally:
            keeper.close()

    answers = asyncio.run(ask())
    try:
        yield answers
    finally:
        close_all(answers)


def commit(path: PathGrant, expected: list[int] | None, content: bytes, folder: Path) -> str:
    """
    Why the keeper did not put these bytes in place; nothing if it did.
    """

    async def ask() -> str:
        keeper = Keeper(instructions())
        staged = folder / "staged"
        staged.write_bytes(content)
        descriptor = os.open(staged, os.O_RDONLY)
        try:
            return await keeper.commit(path, expected, descriptor)
        finally:
            os.close(descriptor)
            keeper.close()

    return asyncio.run(ask())


def test_a_granted_file_is_given_and_is_that_file(root: Path) -> None:
    """
    The descriptor is the grant.
    """
    with opened(grant(root / "a.txt", root)) as (answer,):
        assert answer.status == "opened"
        assert os.fstat(answer.descriptor).st_ino == (root / "a.txt").stat().st_ino


def test_a_path_that_is_not_there_is_missing_and_not_refused(root: Path) -> None:
    """
    The tool then says so itself, as it would anywhere.
    """
    with opened(grant(root / "none.txt", root)) as (answer,):
        assert (answer.status, answer.descriptor) == ("missing", -1)


@pytest.mark.parametrize("access", [READ, WRITE, STAGED], ids=["read", "write", "staged"])
@pytest.mark.parametrize(
    "make",
    [
        pytest.param(lambda p: p.symlink_to("b.txt"), id="a link to the neighbour"),
        pytest.param(lambda p: p.symlink_to("/etc/passwd"), id="a link out of the root"),
        pytest.param(lambda p: p.symlink_to("/proc/self/exe"), id="a link to a magic link"),
        pytest.param(os.mkfifo, id="a fifo"),
    ],
)
def test_what_is_no_plain_file_is_refused(
    root: Path, make: Any, access: pb.PathAccess.ValueType
) -> None:
    """
    A link means what its owner makes of it, and a fifo would hold up whoever opens it.
    """
    make(root / "odd")
    with opened(grant(root / "odd", root, access)) as (answer,):
        assert answer.status == "refused"
        assert answer.reason


def test_a_folder_link_on_the_way_is_refused(root: Path) -> None:
    """
    Otherwise a folder that an attacker may rename decides what is granted.
    """
    (root.parent / "outside").mkdir()
    (root.parent / "outside" / "secret.txt").write_text("secret")
    (root / "way").symlink_to(root.parent / "outside")
    with opened(grant(root / "way" / "secret.txt", root)) as (answer,):
        assert answer.status == "refused"


@pytest.mark.parametrize(
    ("swap", "found"),
    [
        pytest.param(lambda p: p.rename(p.with_name("moved")), "granted", id="moved away"),
        pytest.param(lambda p: p.unlink(), None, id="removed"),
        pytest.param(lambda p: p.with_name("b.txt").rename(p), None, id="replaced"),
    ],
)
def test_a_swap_after_admission_leads_nowhere(root: Path, swap: Any, found: str | None) -> None:
    """
    The cell holds what was admitted, or nothing; never what has the name by now.
    """
    path = root / "a.txt"
    zygote = ZygoteAlone(BUNDLE, [str(root)])
    try:
        with opened(grant(path, root)) as (answer,):
            swap(path)
            if not path.exists():
                path.symlink_to("b.txt")
            mount = Mount(Access.READ, str(path), str(root), directory=False, given=True)
            ended = zygote.call(
                "read", {"path": str(path)}, mounts=(mount,), descriptors=[answer.descriptor]
            )
    finally:
        zygote.close()

    assert ended.payload(Frame.RESULT) == found
    if found is None:
        assert ended.payload(Frame.RAISED)["exception"] == "FileNotFoundError"


@pytest.mark.skipif(os.geteuid() != 0, reason="files of another owner need root")
@pytest.mark.parametrize("owner", [0, 1234], ids=["root's", "another user's"])
def test_a_private_file_of_any_owner_can_be_granted(root: Path, owner: int) -> None:
    """
    The cell is nobody on the host; the operator's grant must be enough (idmapped mounts).
    """
    path = root / "a.txt"
    os.chown(path, owner, owner)
    path.chmod(0o600)
    zygote = ZygoteAlone(BUNDLE, [str(root)])
    try:
        with opened(grant(path, root)) as (answer,):
            mount = Mount(Access.READ, str(path), str(root), directory=False, given=True)
            ended = zygote.call(
                "read", {"path": str(path)}, mounts=(mount,), descriptors=[answer.descriptor]
            )
    finally:
        zygote.close()

    assert ended.payload(Frame.RESULT) == "granted"


def test_a_writable_file_never_gains_a_set_id_bit(root: Path) -> None:
    """
    Through an idmapped mount the cell writes as the file's owner, who may be root.
    """
    path = root / "a.txt"
    zygote = ZygoteAlone(BUNDLE, [str(root)])
    try:
        with opened(grant(path, root, WRITE)) as (answer,):
            mount = Mount(Access.WRITE, str(path), str(root), directory=False, given=True)
            arguments = {"path": str(path), "text": "changed", "mode": 0o4755}
            ended = zygote.call(
                "overwrite", arguments, mounts=(mount,), descriptors=[answer.descriptor]
            )
    finally:
        zygote.close()

    assert ended.payload(Frame.RAISED)["exception"] == "PermissionError"
    assert path.read_text() == "changed"
    assert not path.stat().st_mode & (stat.S_ISUID | stat.S_ISGID)


def test_a_new_file_is_put_in_place(root: Path) -> None:
    """
    Whole, and readable for others.
    """
    path = root / "new.txt"

    assert commit(grant(path, root, STAGED), None, b"new", root.parent) == ""
    assert path.read_bytes() == b"new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o644


def test_an_existing_file_is_replaced_and_keeps_its_mode(root: Path) -> None:
    """
    But never a set-id bit: the bytes are the tool's.
    """
    path = root / "a.txt"
    path.chmod(0o4640)
    with opened(grant(path, root, STAGED)) as (answer,):
        assert commit(grant(path, root, STAGED), answer.expected, b"new", root.parent) == ""

    assert path.read_bytes() == b"new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert sorted(entry.name for entry in root.iterdir()) == ["a.txt", "b.txt"]


@pytest.mark.parametrize(
    "meanwhile",
    [
        pytest.param(lambda p: p.write_text("somebody else's"), id="written"),
        pytest.param(lambda p: p.unlink(), id="removed"),
        pytest.param(lambda p: (p.unlink(), p.symlink_to("b.txt")), id="made a link"),
        pytest.param(lambda p: p.with_name("b.txt").rename(p), id="replaced by its neighbour"),
    ],
)
def test_a_file_that_was_changed_meanwhile_is_not_replaced(root: Path, meanwhile: Any) -> None:
    """
    Two writers: the second is told, and nothing of the first is lost.
    """
    path = root / "a.txt"
    with opened(grant(path, root, STAGED)) as (answer,):
        meanwhile(path)
        before = path.read_bytes() if path.exists() else None
        why = commit(grant(path, root, STAGED), answer.expected, b"new", root.parent)

    assert why
    assert (path.read_bytes() if path.exists() else None) == before


def test_a_file_that_was_created_meanwhile_is_not_replaced(root: Path) -> None:
    """
    The same for a file that was not there at admission.
    """
    path = root / "new.txt"
    path.write_text("somebody else's")

    assert commit(grant(path, root, STAGED), None, b"new", root.parent)
    assert path.read_text() == "somebody else's"
    assert sorted(entry.name for entry in root.iterdir()) == ["a.txt", "b.txt", "new.txt"]
