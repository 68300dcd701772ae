"""
Disks that are full: the operator's, and that of the server's temporary files.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from running_server import LOCAL, start
from toolcell_client import Client

from faults.place import BUNDLE, IN_THE_BUNDLE, SECONDS, SETTINGS, Place

if TYPE_CHECKING:
    from collections.abc import Iterator

KIBIBYTE = 1024
# A file system of its own for the server and whoever it starts; it is gone when they are.
MOUNTING = 'mount -t tmpfs -o "$1" none "$2" && shift 2 && exec "$@"'
OLD = "old"

pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a file system to fill"),
    pytest.mark.skipif(shutil.which("unshare") is None, reason="unshare is not installed"),
]


def command(folder: Path, mountpoint: Path, options: str) -> list[str]:
    """
    A server with a small file system at `mountpoint`.
    """
    root = folder / "root"
    root.mkdir()
    mountpoint.mkdir(exist_ok=True)
    settings = folder / "settings.toml"
    text = SETTINGS.format(root=root, bundle=BUNDLE, token=IN_THE_BUNDLE)
    settings.write_text(f"[server]\n{LOCAL}\n{text}")
    private = ["unshare", "--mount", "--propagation", "private", "sh", "-c", MOUNTING, "sh"]
    server = [sys.executable, "-m", "toolcell_server", "--settings", str(settings)]
    return [*private, options, str(mountpoint), *server]


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    """
    A service whose root has room for 256 KiB; `root` is how we see it.
    """
    program = command(tmp_path, tmp_path / "root", "size=256k")
    with (
        start(program, tmp_path / "log") as server,
        Client(server.target, timeout=SECONDS) as client,
    ):
        yield Place(server, client, Path(f"/proc/{server.process.pid}/root{tmp_path}/root"))


@pytest.mark.parametrize("name", ["there", "new"])
def test_a_staged_file_that_the_disk_has_no_room_for_changes_nothing(
    place: Place, tmp_path: Path, name: str
) -> None:
    """
    It was whole in the cell; the operator's disk is another one.
    """
    path = str(tmp_path / "root" / name)
    (place.root / "there").write_text(OLD)
    (place.root / "ballast").write_bytes(bytes(128 * KIBIBYTE))
    full = place.client.run("write", {"path": path, "size": 200 * KIBIBYTE})
    names = {entry.name for entry in place.root.iterdir()}
    small = place.client.run("write", {"path": path, "size": 10})

    assert "lost(not_committed)" == full.label
    assert "No space left on device" in full.outcome.message
    assert name in full.outcome.message
    assert {"there", "ballast"} == names
    assert ("completed", "n" * 10) == (small.label, (place.root / name).read_text())


def test_what_was_there_is_old_when_there_was_no_room_for_the_new(
    place: Place, tmp_path: Path
) -> None:
    """
    A file that is half written would be worse than none.
    """
    path = str(tmp_path / "root" / "there")
    (place.root / "there").write_text(OLD)
    (place.root / "ballast").write_bytes(bytes(200 * KIBIBYTE))
    result = place.client.run("write", {"path": path, "size": 100 * KIBIBYTE})

    assert ("lost(not_committed)", OLD) == (result.label, (place.root / "there").read_text())


def test_a_server_whose_temporary_folder_is_full_serves_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    The canary of the probe is a temporary file, but another folder will do.
    """
    monkeypatch.setenv("TMPDIR", str(tmp_path / "scratch"))
    program = command(tmp_path, tmp_path / "scratch", "nr_inodes=1")
    with (
        start(program, tmp_path / "log") as server,
        Client(server.target, timeout=SECONDS) as client,
    ):
        with pytest.raises(OSError, match="No space"):
            Path(f"/proc/{server.process.pid}/root{tmp_path}/scratch/more").touch()
        place = Place(server, client, tmp_path / "root")

        assert place.work("result = 1").value == 1
