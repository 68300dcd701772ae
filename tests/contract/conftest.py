from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from mortal import Mortal, start_mortal
from neighbouring import HOSTILE, Operator, operating
from repeating import say, settings
from running_server import Server, start_server
from toolcell_client import Client

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@pytest.fixture(scope="module")
def running_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """
    One server for a test file, with the built-in tools and default limits.
    """
    with start_server(tmp_path_factory.mktemp("server")) as server:
        yield server


@pytest.fixture
def start(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Server]]:
    """
    `start_server` without its folder: any number of servers for one test, stopped at its end.
    """
    started: list[Server] = []

    def start_one(settings: str = "", *, server: str = "", flags: tuple[str, ...] = ()) -> Server:
        folder = tmp_path_factory.mktemp("server")
        started.append(start_server(folder, settings, server=server, flags=flags))
        return started[-1]

    yield start_one
    for one in started:
        one.stop()


@pytest.fixture(scope="module")
def operator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Operator]:
    """
    A service with hostile tools and an operator's root, for a test file.
    """
    with operating(tmp_path_factory.mktemp("place"), tmp_path_factory.mktemp("server")) as one:
        yield one


@pytest.fixture
def root(operator: Operator) -> Iterator[Path]:
    """
    The operator's root with a granted file and its neighbour.
    """
    with operator.planted() as root:
        yield root


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """
    One server for a test file, with hostile tools and default limits.
    """
    settings = f'[[bundles]]\nname = "hostile"\npath = "{HOSTILE}"\n'
    with start_server(tmp_path_factory.mktemp("server"), settings) as server:
        yield server


@pytest.fixture(scope="module")
def client(server: Server) -> Iterator[Client]:
    """
    A client of `server`, which each test file defines for itself.
    """
    with Client(server.target) as one:
        yield one


@pytest.fixture
def mortal(tmp_path: Path) -> Iterator[Mortal]:
    """
    A service for one test, to be killed in part.
    """
    with start_mortal(tmp_path) as one:
        yield one


@pytest.fixture(scope="module")
def repeating_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder: Path = tmp_path_factory.mktemp("root")
    folder.chmod(0o777)
    return folder


@pytest.fixture(scope="module")
def repeating_server(
    repeating_root: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    """
    A service of `repeating.py`, for a test file.
    """
    with start_server(tmp_path_factory.mktemp("server"), settings(repeating_root)) as server:
        yield server


@pytest.fixture(scope="module")
def repeating(repeating_server: Server) -> Iterator[Client]:
    with Client(repeating_server.target) as client:
        yield client


@pytest.fixture
def saying(repeating_root: Path, request: pytest.FixtureRequest) -> Path:
    """
    A file of the test's own that tells tools what to do.
    """
    name: str = request.node.name
    file = repeating_root / name.partition("[")[0][-60:]
    say(file, "up")
    return file
