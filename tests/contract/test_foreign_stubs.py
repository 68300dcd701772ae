"""
Whoever has our .proto and a protobuf compiler can call us: nothing of ours is needed.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from running_server import Server

ROOT = Path(__file__).parents[2]
THEIRS = ("grpc", "grpc_tools", "google", "typing_extensions.py")


@pytest.fixture
def strangers_place(tmp_path: Path) -> Path:
    """
    A folder with our .proto files and, in `site`, links to public packages, none of them ours.
    """
    shutil.copytree(ROOT / "proto", tmp_path / "proto", ignore=_all_but_proto)
    shutil.copy(Path(__file__).with_name("foreign_client.py"), tmp_path)
    (tmp_path / "site").mkdir()
    installed = Path(str(importlib.metadata.distribution("grpcio").locate_file("")))
    for name in THEIRS:
        (tmp_path / "site" / name).symlink_to(installed / name)
    return tmp_path


def _all_but_proto(folder: str, names: list[str]) -> set[str]:
    return {name for name in names if not (name.endswith(".proto") or Path(folder, name).is_dir())}


def run(place: Path, *arguments: str) -> str:
    """
    Run python in the stranger's place: -S leaves out site-packages, and with them our own package.
    """
    environment = {"PYTHONPATH": f"{place / 'site'}", "PATH": os.defpath}
    answer = subprocess.run(
        [sys.executable, "-S", *arguments],
        cwd=place,
        env=environment,
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    assert "" == answer.stderr
    return answer.stdout


def generate(place: Path) -> None:
    sources = sorted(str(path.relative_to(place)) for path in (place / "proto").rglob("*.proto"))
    protoc = ["-m", "grpc_tools.protoc", "-Iproto", "--python_out=.", "--grpc_python_out=."]
    run(place, *protoc, *sources)


def test_a_stranger_has_nothing_of_ours(strangers_place: Path) -> None:
    """
    Were our package within reach, the other test would prove nothing.
    """
    found = run(
        strangers_place,
        "-c",
        "import importlib.util as u\n"
        "names = ['toolcell', 'toolcell_client', 'toolcell_server', 'toolcell_worker']\n"
        "print([name for name in names if u.find_spec(name)])",
    )

    assert "[]\n" == found


def test_stubs_made_from_our_proto_alone_read_the_stream_to_its_end(
    strangers_place: Path, running_server: Server
) -> None:
    """
    The contract is the .proto, not our stubs: other languages and versions have only that.
    """
    generate(strangers_place)

    arguments = json.dumps({"expression": "6 * 7"})
    printed = run(
        strangers_place, "foreign_client.py", running_server.target, "calculate", arguments
    )
    events = [line.split() for line in printed.splitlines()]

    assert ["1", "accepted"] == events[0]
    assert [str(number + 1) for number in range(len(events) - 1)] == [e[0] for e in events[:-1]]
    assert "finished" == events[-2][1]
    assert "completed" == events[-1][0]
    assert "42" in events[-1][1]
