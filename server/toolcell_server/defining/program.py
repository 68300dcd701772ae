"""
`python -m toolcell_server validate FILE…`: what is wrong with definitions of tools, offline.

A FILE is a definition, a list or an export (JSON), a command manifest (TOML), or Python with
`@tool`; a folder is a bundle: all of its Python and of its manifests.  Python is imported in a
zygote, within its walls, and not called.

Standard output: a line for each fault, `file: tool pointer CODE message`; as JSON if it is no
terminal, or with `--json`: `{"files": [{"file", "tools": [{"name", "version", "at", "faults":
[{"path", "code", "message"}]}]}], "faults": N}`.  Exit code 0 if nothing is wrong, 1 if something
is, 2 if Python cannot be loaded on this host.
"""

from __future__ import annotations

import argparse
import asyncio
import dataclasses
import json
import logging
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from toolcell_server import catalogues
from toolcell_server.arguments.transforms import strip_control
from toolcell_server.defining import files, loading
from toolcell_server.defining.checking import check
from toolcell_server.defining.faults import Code, Fault
from toolcell_server.defining.files import Checked
from toolcell_server.host_ids import NoSpareIds
from toolcell_server.keeper import KeeperFailed
from toolcell_server.zygote import ZygoteFailed

if TYPE_CHECKING:
    from collections.abc import Sequence

FAULTY: Final = 1
NOT_LOADED: Final = 2
_FORMS: Final = "name a .json, .toml or .py file, or a folder"


def main(arguments: Sequence[str]) -> int:
    """
    Check, print; the exit code.
    """
    parser = argparse.ArgumentParser(
        prog="toolcell tools validate", description="Says what is wrong with definitions of tools."
    )
    parser.add_argument("files", nargs="+", metavar="FILE", help=f"{_FORMS}")
    parser.add_argument("--json", action="store_true", help="as one JSON object")
    given = parser.parse_args(arguments)
    logging.basicConfig(level=logging.CRITICAL)
    try:
        checked = {name: _check(Path(name)) for name in given.files}
    except (KeeperFailed, NoSpareIds, ZygoteFailed) as exc:
        print(f"no Python can be loaded here: {exc}", file=sys.stderr)  # noqa: T201  # it speaks
        return NOT_LOADED
    faults = sum(len(tool.faults) for tools in checked.values() for tool in tools)
    if given.json or not sys.stdout.isatty():
        print(json.dumps(_plain(checked, faults)))  # noqa: T201  # its result
    else:
        _print(checked)
    return FAULTY if faults else 0


def _check(path: Path) -> list[Checked]:
    if path.is_dir():
        return _of_catalogue(asyncio.run(loading.catalogue(path.resolve())))
    if path.suffix in files.SUFFIXES:
        return files.check_file(path)
    if path.suffix != ".py":
        return [_unreadable(f"is no definition; {_FORMS}")]
    try:
        with loading.alone(path) as folder:
            return _of_catalogue(asyncio.run(loading.catalogue(folder)))
    except OSError as exc:
        return [_unreadable(f"cannot be read: {exc!s:.200}")]


def _of_catalogue(catalogue: dict[str, Any]) -> list[Checked]:
    """
    The tools that load, checked as those that are registered, and why others do not.
    """
    found = []
    for manifest in catalogues.entries(catalogue, "tools"):
        name, version = catalogues.text(manifest, "name"), catalogues.text(manifest, "version")
        found.append(Checked(name, version, "", check(manifest)))
    for entry in catalogues.entries(catalogue, "broken"):
        fault = Fault("", Code.CODE, catalogues.located(entry))
        found.append(Checked(catalogues.text(entry, "name"), "", "", [fault]))
    if reason := catalogues.text(catalogue, "failed"):
        found.append(Checked("", "", "", [Fault("", Code.CODE, reason)]))
    return found or [_unreadable("declares no tool; decorate a function with @tool")]


def _unreadable(said: str) -> Checked:
    return Checked("", "", "", [Fault("", Code.UNREADABLE, said)])


def _plain(checked: dict[str, list[Checked]], faults: int) -> dict[str, Any]:
    listed = [
        {"file": file, "tools": [dataclasses.asdict(tool) for tool in tools]}
        for file, tools in checked.items()
    ]
    return {"files": listed, "faults": faults}


def _print(checked: dict[str, list[Checked]]) -> None:
    for file, tools in checked.items():
        for tool in tools:
            where = f"{file}: {tool.name}".rstrip()
            for fault in tool.faults:
                said = f"{where} {fault.path or 'whole'} {fault.code} {fault.message}"
                print(strip_control(" ".join(said.split())))  # noqa: T201  # its result
            if not tool.faults:
                print(f"{where} {tool.version}: nothing is wrong")  # noqa: T201  # its result
