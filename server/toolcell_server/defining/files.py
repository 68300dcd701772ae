"""
Reads definitions from files, and says what is wrong with each: JSON and TOML, none of it run.

A file holds one definition, a list of them, or a document as `ExportTools` writes it.  What has an
`argv` is the manifest of a command, as bundles have them in `commands/*.toml`.
"""

from __future__ import annotations

import json
import os
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from toolcell_server.defining import commands, documents, whole
from toolcell_server.defining.checking import check
from toolcell_server.defining.definitions import check_definition
from toolcell_server.defining.documents import Unreadable
from toolcell_server.defining.faults import Code, Fault

if TYPE_CHECKING:
    from collections.abc import Iterator

MAXIMUM_BYTES: Final = 64 * 2**20  # of a file; ten thousand tools, exported, have half of that
SUFFIXES: Final = (".json", ".toml")


@dataclass(frozen=True, slots=True)
class Checked:
    """
    A definition of a file, and what is wrong with it.  `at` is where it stands in the file.
    """

    name: str
    version: str
    at: str
    faults: list[Fault]


def check_file(path: Path) -> list[Checked]:
    """
    Every definition of a file, checked; what cannot be read is one fault.
    """
    try:
        value = _read(path)
    except (OSError, ValueError, RecursionError) as exc:
        said = f"cannot be read: {exc!s:.200}"
        return [Checked("", "", "", [Fault("", Code.UNREADABLE, said)])]
    return [_checked(at, entry, path.parent) for at, entry in _entries(value)]


def _read(path: Path) -> Any:
    with path.open("rb") as file:
        data = file.read(MAXIMUM_BYTES + 1)
    if len(data) > MAXIMUM_BYTES:
        raise ValueError(f"it has more than {MAXIMUM_BYTES} bytes")
    return tomllib.loads(data.decode()) if path.suffix == ".toml" else json.loads(data)


def _entries(value: Any) -> Iterator[tuple[str, Any]]:
    """
    The definitions in what a file holds, each with its pointer.
    """
    if isinstance(value, dict) and isinstance(value.get("tools"), list):
        yield from ((f"/tools/{index}", entry) for index, entry in enumerate(value["tools"]))
    elif isinstance(value, list):
        yield from ((f"/{index}", entry) for index, entry in enumerate(value))
    else:
        yield "", value


def _checked(at: str, entry: Any, folder: Path) -> Checked:
    manifest = entry.get("manifest", entry) if isinstance(entry, dict) else {}
    named = manifest if isinstance(manifest, dict) else {}
    name, version = str(named.get("name", ""))[:64], str(named.get("version", "1"))[:64]
    return Checked(name, version, at, [fault.below(at) for fault in faults_of(entry, folder)])


def faults_of(entry: Any, folder: Path) -> list[Fault]:
    """
    What is wrong with one definition, of whichever form.  Files that it names are looked for in
    `folder`.
    """
    if not isinstance(entry, dict):
        return check(entry)
    if "manifest" in entry or set(documents.SOURCES) & {
        key for key, value in entry.items() if isinstance(value, dict)
    }:
        return whole.faults(entry) or _of_definition(entry)
    if set(commands.KEYS) & entry.keys():
        return whole.faults(entry) or _of_command(entry, folder)
    return check(entry)


def _of_definition(entry: dict[str, Any]) -> list[Fault]:
    try:
        return check_definition(documents.from_entry(entry))
    except Unreadable as exc:
        return exc.faults


def _of_command(entry: dict[str, Any], folder: Path) -> list[Fault]:
    """
    As the worker reads such a file: the manifest without the keys of a command, and those.
    """
    declared = {key: value for key, value in entry.items() if key not in commands.KEYS}
    found = []
    if "command" in declared:
        said = "is no key of a manifest that has an argv; leave it out"
        found.append(Fault("/command", Code.UNKNOWN_KEY, said))
    if declared.setdefault("profile", "subprocess") != "subprocess":
        said = 'must be "subprocess" for a command, or be left out'
        found.append(Fault("/profile", Code.CONTRADICTION, said))
    schema, wrong = _parameters(entry, folder)
    found += wrong
    declared["parameters"] = {"additionalProperties": False, **schema}
    found += check({**declared, "command": True})
    bad = any(fault.path.startswith("/parameters") for fault in found)
    found += commands.faults(entry, None if bad else declared["parameters"], beside=True)
    if not any(fault.path.startswith("/argv") for fault in found):
        found += _program(entry["argv"][0], folder)
    return sorted(set(found))


def _parameters(entry: dict[str, Any], folder: Path) -> tuple[dict[str, Any], list[Fault]]:
    schema: Any = entry.get("parameters", {"type": "object", "properties": {}})
    found = []
    if "parameters_file" in entry:
        if "parameters" in entry:
            said = "excludes parameters; give one of the two"
            found.append(Fault("/parameters_file", Code.CONTRADICTION, said))
        try:
            schema = json.loads((folder / str(entry["parameters_file"])).read_text("utf-8"))
        except (OSError, ValueError, RecursionError) as exc:
            said = f"cannot be read: {exc!s:.160}"
            return {}, [*found, Fault("/parameters_file", Code.UNREADABLE, said)]
    if not isinstance(schema, dict):
        return {}, [*found, Fault("/parameters", Code.WRONG_TYPE, "must be an object")]
    return schema, found


def _program(name: str, folder: Path) -> list[Fault]:
    program = Path(os.path.normpath(folder / name))
    if not program.is_file():
        return [Fault("/argv/0", Code.COMMAND, f"there is no program {program}")]
    if not os.access(program, os.X_OK):
        said = f"the program {program} is not executable; chmod +x it"
        return [Fault("/argv/0", Code.COMMAND, said)]
    return []
