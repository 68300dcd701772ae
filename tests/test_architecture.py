"""
The doors between the rooms are the only ways through, and everything stays small.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from architecture.doors import DOORS, PURE, ROOTS, fits, judge
from architecture.imports import sources
from architecture.sizes import FILE_LINES, of_one_machine, too_long

ROOT = Path(__file__).parents[1]

SERVER = "server/toolcell_server/planted.py"
CLIENT = "client/toolcell_client/planted.py"
WORKER = "sandbox_worker/toolcell_worker/planted.py"
ZYGOTE = "sandbox_worker/toolcell_worker/zygote.py"
WALL = "sandbox_worker/toolcell_worker/walls/planted.py"
WIRE = "sandbox_worker/toolcell_worker/wire/planted.py"
TOOL = "sandbox_worker/toolcell_worker/tools/planted.py"
GRANTS = "server/toolcell_server/grants.py"
APP = "server/toolcell_server/app.py"

VIOLATIONS = {
    "the client imports the server": (CLIENT, "import toolcell_server.app"),
    "the client imports the worker's wire": (CLIENT, "from toolcell_worker import wire"),
    "the client imports what only the server installs": (CLIENT, "import psutil"),
    "the server imports the zygote": (SERVER, "from toolcell_worker import zygote"),
    "the server imports a wall": (SERVER, "from toolcell_worker.walls import seccomp"),
    "the server imports the client": (SERVER, "import toolcell_client"),
    "the server imports all of the worker": (SERVER, "import toolcell_worker"),
    "the zygote imports grpc": (ZYGOTE, "import grpc.aio as g"),
    "the zygote imports protobuf": (ZYGOTE, "from google.protobuf import message"),
    "the zygote imports the contract": (ZYGOTE, "from toolcell.v1 import execution_pb2"),
    "the zygote imports what only authoring may": (ZYGOTE, "import msgspec"),
    "a wall imports the zygote": (WALL, "from toolcell_worker.zygote import main"),
    "a wall imports authoring by a relative import": (WALL, "from ..authoring import tool"),
    "a wall imports a sibling room by a relative import": (WALL, "from .. import run"),
    "the wire imports the rest of the worker": (WIRE, "from ..zygote import main"),
    "a tool imports the server": (TOOL, "import toolcell_server"),
    "an import inside a function": (WORKER, "def f():\n    import grpc"),
    "an import for types only": (
        WORKER,
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import grpc",
    ),
    "types of a later standard library at run time": (ZYGOTE, "import typing_extensions"),
    "an import by importlib": (SERVER, "import importlib\nimportlib.import_module('msgspec_x')"),
    "an import by import_module": (
        SERVER,
        "from importlib import import_module\nimport_module('toolcell_worker.run')",
    ),
    "an import by __import__": (CLIENT, "__import__('toolcell_server')"),
    "a private name of another room": (SERVER, "from toolcell_worker.wire import _private"),
    "a concrete executor outside app.py": (
        SERVER,
        "from toolcell_server.timed import TimedExecutor",
    ),
    "the module of a concrete executor": (SERVER, "from toolcell_server import timed"),
    "a decision that does input": (GRANTS, "import os"),
    "a decision that does input through another": (GRANTS, "from toolcell_server import writer"),
    "a room without a door": ("workflows/toolcell_workflows/stray.py", ""),
}

LEGAL = {
    "types of a later standard library": (
        ZYGOTE,
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import typing_extensions",
    ),
    "the server imports the wire": (SERVER, "from toolcell_worker.wire import Frame"),
    "the server imports the wire as a name": (SERVER, "from toolcell_worker import wire"),
    "the server imports the executors' protocol": (
        SERVER,
        "from toolcell_server.executor import Executor",
    ),
    "app.py imports a concrete executor": (APP, "from toolcell_server.timed import TimedExecutor"),
    "a tool imports msgspec": (TOOL, "import msgspec"),
    "a wall imports another": (WALL, "from . import landlock"),
    "a decision imports types of a doer": (
        GRANTS,
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import asyncio",
    ),
}


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """
    A small tree without a violation, to plant one in.
    """
    room = tmp_path / "server/toolcell_server"
    room.mkdir(parents=True)
    (room / "executor.py").write_text("class Executor(Protocol): ...\n")
    (room / "timed.py").write_text("class TimedExecutor: ...\n")
    (room / "writer.py").write_text("import socket\n")
    return tmp_path


def plant(tree: Path, path: str, text: str) -> None:
    (tree / path).parent.mkdir(parents=True, exist_ok=True)
    (tree / path).write_text(f"{text}\n")


def test_every_import_goes_through_a_door() -> None:
    """
    The zygote must not load grpc, the server must not load a tool: by rule, not by luck.
    """
    assert [] == judge(ROOT)


@pytest.mark.parametrize("sentence", VIOLATIONS)
def test_red_when(sentence: str, tree: Path) -> None:
    """
    A rule that cannot fail is not one.
    """
    path, text = VIOLATIONS[sentence]
    plant(tree, path, text)

    assert 1 == len(judge(tree))


@pytest.mark.parametrize("sentence", LEGAL)
def test_green_when(sentence: str, tree: Path) -> None:
    """
    A rule that forbids what is allowed gets switched off.
    """
    path, text = LEGAL[sentence]
    plant(tree, path, text)

    assert [] == judge(tree)


def test_the_rules_speak_of_files_that_exist() -> None:
    """
    A renamed module must not slip out of its rule.
    """
    read = {source.module: source.path for source in sources(ROOT)}
    patterns = [pattern for door in DOORS for pattern in door.files]
    unused = [each for each in patterns if not any(fits(path, (each,)) for path in read.values())]

    assert [] == unused
    assert set() == set(PURE) - set(read)
    assert set() == set(ROOTS) - set(read.values())


@pytest.mark.parametrize("module", ["wire", "walls", "zygote", "keeper"])
def test_a_program_of_the_worker_loads_only_the_standard_library(module: str) -> None:
    """
    What the zygote has loaded lies in every cell, and grpc in a parent makes fork unsafe.
    """
    code = (
        f"import sys, threading; before = set(sys.modules); import toolcell_worker.{module};"
        "loaded = {name.split('.')[0] for name in set(sys.modules) - before};"
        "print(sorted(loaded - sys.stdlib_module_names), threading.active_count())"
    )
    command = [sys.executable, "-I", "-c", code]
    answer = subprocess.run(command, capture_output=True, text=True, check=True, timeout=30)

    assert "['toolcell_worker'] 1\n" == answer.stdout


def test_files_and_functions_stay_small() -> None:
    """
    One subject a file, one thought a function; the ceilings are far above both.
    """
    assert [] == too_long(ROOT)


def test_long_files_and_functions_are_found(tree: Path) -> None:
    """
    The ceilings must be able to be reached.
    """
    plant(tree, SERVER, "\n" * FILE_LINES)
    plant(tree, CLIENT, "def endless():\n" + "    a = 1\n" * 41)

    expected = {
        f"{SERVER}: 251 lines",
        f"{CLIENT}:endless: 41 lines",
        "gone.py: is short enough",
    }
    assert expected == set(too_long(tree, {"gone.py": "an exception that nobody needs"}))


def test_nothing_names_a_place_of_one_machine() -> None:
    """
    What works only where it was written does not work.
    """
    assert [] == of_one_machine(ROOT)


@pytest.mark.parametrize("text", ["/home" + "/ada/tool", "/Users" + "/ada/tool", "{root}/server"])
def test_places_of_one_machine_are_found(text: str, tree: Path) -> None:
    """
    The search must be able to find.
    """
    plant(tree, SERVER, f"PLACE = '{text.format(root=tree)}'")

    assert 1 == len(of_one_machine(tree))
