"""
Attacks on later calls by what an earlier one leaves; and programs brought along.
"""

from __future__ import annotations

import builtins
import ctypes
import os
import shutil
import site
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

from toolcell_worker.battery.trying import every

# Of the cell, if these are private to it as they should be.
SHARED = ("/tmp", "/dev/shm", "/var/tmp", "/run", "/run/lock", "/dev/mqueue", ".")


def leave_files(plan: dict[str, Any]) -> Any:
    """
    A file with the text wherever one can be left.
    """
    places = [f"{folder}/{plan['name']}" for folder in SHARED]
    return every(**{p: lambda p=p: Path(p).write_text(plan["text"]) for p in places})


def find_what_an_earlier_call_left(plan: dict[str, Any]) -> Any:
    """
    Look for it in all those places, and for whatever else is there.
    """
    places = [f"{folder}/{plan['name']}" for folder in SHARED]
    by_name = every(**{p: lambda p=p: Path(p).read_text() for p in places})
    return [by_name, every(**{f: lambda f=f: os.listdir(f) for f in SHARED})]


def change_the_interpreter(plan: dict[str, Any]) -> Any:
    """
    Make functions that every later call uses tell what this one knows.
    """
    text = plan["text"]
    builtins.sorted = lambda *_, **__: [text]
    sys.modules["planted"] = type(sys)("planted", text)
    os.environ["PLANTED"] = text
    sys.path.insert(0, text)
    Path.planted = text  # type: ignore[attr-defined]


def use_an_interpreter_that_was_changed(plan: dict[str, Any]) -> Any:
    """
    Look whether it is still so.
    """
    del plan
    return every(
        function=lambda: sorted(["b", "a"]),
        module=lambda: sys.modules["planted"].__doc__,
        environment=lambda: os.environ["PLANTED"],
        path=lambda: sys.path,
        attribute=lambda: Path.planted,  # type: ignore[attr-defined]
    )


def plant_code_for_later_interpreters(plan: dict[str, Any]) -> Any:
    """
    Files that an interpreter runs when it starts, or instead of a module.
    """
    marker, text = plan["marker"], f"# planted by {plan['marker']}\n"
    libraries = {*site.getsitepackages(), *sysconfig.get_paths().values(), *plan["folders"]}
    names = [f"{marker}.pth", f"{marker}.py", f"__pycache__/{marker}.pyc"]
    return every(
        **{
            f"{folder}/{name}": lambda path=Path(folder, name): path.write_text(text)
            for folder in libraries
            if os.path.isdir(folder)
            for name in names
        }
    )


def run_a_program_from_scratch(plan: dict[str, Any]) -> Any:
    """
    A program of the attacker's own, where he may write.
    """
    return every(**{f: lambda f=f: _run_copy(f, plan["word"]) for f in (".", "/dev/shm")})


def run_a_program_from_a_granted_folder(plan: dict[str, Any]) -> Any:
    """
    The same where the operator lets him write, and one that lies there already.
    """
    return every(
        own=lambda: _run_copy(plan["folder"], plan["word"]),
        found=lambda: _said([plan["program"], plan["word"]]),
    )


def run_a_program_by_the_loader(plan: dict[str, Any]) -> Any:
    """
    The dynamic loader runs what may not be executed.
    """
    loaders = [*Path("/lib64").glob("ld-linux*"), *Path("/lib").glob("ld-linux*")]
    shutil.copy("/bin/echo", "echo")
    return every(**{str(p): lambda p=p: _said([str(p), "./echo", plan["word"]]) for p in loaders})


def run_a_program_from_memory(plan: dict[str, Any]) -> Any:
    """
    A program without any path.
    """
    descriptor = os.memfd_create("echo", 0)
    os.write(descriptor, Path("/bin/echo").read_bytes())
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.dup2(writing, 1)
            os.execve(descriptor, ["echo", _turned(plan["word"])], {})
        finally:
            os._exit(1)
    os.close(writing)
    os.waitpid(pid, 0)
    return os.read(reading, 4096)


def map_a_library_from_scratch(plan: dict[str, Any]) -> Any:
    """
    Machine code of the attacker's own, loaded into this process.
    """
    library = _some_library()
    shutil.copy(library, "own.so")
    shutil.copy(library, f"{plan['folder']}/own.so")
    names = (os.path.abspath("own.so"), f"{plan['folder']}/own.so")
    loaded = every(**{name: lambda name=name: ctypes.CDLL(name)._handle for name in names})
    return [key for key, value in loaded.items() if isinstance(value, int)]


def _run_copy(folder: str, word: str) -> str:
    program = os.path.abspath(f"{folder}/echo-{word}")
    shutil.copy("/bin/echo", program)
    try:
        os.chmod(program, 0o755)
        return _said([program, word])
    finally:
        os.unlink(program)


def _said(command: list[str]) -> str:
    """
    The word comes back turned around: a message that names it is no proof.
    """
    *program, word = command
    return subprocess.run(
        [*program, _turned(word)], capture_output=True, text=True, check=False, timeout=5
    ).stdout


def _turned(word: str) -> str:
    return word[::-1]


def _some_library() -> str:
    modules = sorted(Path(sysconfig.get_path("platstdlib"), "lib-dynload").glob("*.so"))
    return str([*modules, *Path("/usr/lib").glob("*/libz.so*")][0])
