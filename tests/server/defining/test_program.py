"""
`toolcell tools validate`: definitions in files, offline.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from definitions import GOOD
from toolcell_server.defining.files import check_file

MIXED = Path(__file__).parents[2] / "contract/bundles/mixed"
TOML = """
name = "count_words"
description = "Counts the words of a text."
argv = ["./count.sh", "--at-least={minimum}"]
stdin = "{text}"
[parameters]
type = "object"
[parameters.properties]
text = {type = "string"}
minimum = {type = "integer"}
"""
PYTHON = """
from toolcell_worker import tool

@tool
def double(number: int) -> int:
    \"\"\"
    Doubles a number.

    Args:
        number: Which one.
    \"\"\"
    return 2 * number

@tool(rates={"calls": ["5/fortnight"]})
def often(number: int) -> int:
    \"\"\"
    Comes back.
    \"\"\"
    return number
"""


def validate(*files: Path | str) -> tuple[int, Any]:
    command = [sys.executable, "-m", "toolcell_client.cli", "tools", "validate", *map(str, files)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert "Traceback" not in ended.stderr
    return ended.returncode, json.loads(ended.stdout) if ended.stdout else ended.stderr


def codes(path: Path) -> dict[str, str]:
    return {fault.path: fault.code for tool in check_file(path) for fault in tool.faults}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "count.sh").write_text("#!/bin/sh\nwc -w\n")
    (tmp_path / "count.sh").chmod(0o755)
    (tmp_path / "count.toml").write_text(TOML)
    return tmp_path


def test_a_command_manifest_is_read_as_a_bundle_reads_it(folder: Path) -> None:
    assert {} == codes(folder / "count.toml")


@pytest.mark.parametrize(
    ("before", "after", "faults"),
    [
        ('argv = ["./count.sh"', 'argv = ["count.sh"', {"/argv/0": "COMMAND"}),
        ('argv = ["./count.sh"', 'argv = ["./other.sh"', {"/argv/0": "COMMAND"}),
        ("{minimum}", "{least}", {"/argv/1": "COMMAND"}),
        ('stdin = "{text}"', 'stdin = "{tex}"', {"/stdin": "COMMAND"}),
        ('stdin = "{text}"', 'stdinn = "{text}"', {"/stdinn": "UNKNOWN_KEY"}),
        ('stdin = "{text}"', 'profile = "net"', {"/profile": "CONTRADICTION"}),
        ('stdin = "{text}"', "command = true", {"/command": "UNKNOWN_KEY"}),
        ('stdin = "{text}"', "deprecated = 2026-11-27", {"/deprecated": "NOT_JSON"}),
        ('stdin = "{text}"', 'parameters_file = "a"', {"/parameters_file": "UNREADABLE"}),
        ("name =", "nam =", {"/name": "REQUIRED", "/nam": "UNKNOWN_KEY"}),
        ("description =", "= ", {"": "UNREADABLE"}),
    ],
)
def test_each_mistake_of_a_command_manifest_is_found(
    folder: Path, before: str, after: str, faults: dict[str, str]
) -> None:
    file = folder / "count.toml"
    file.write_text(TOML.replace(before, after))

    found = codes(file)

    assert faults.items() <= found.items()
    assert len(faults) + ("parameters_file" in after) >= len(found)


def test_every_form_of_json_is_read(tmp_path: Path) -> None:
    entry = {"manifest": GOOD, "scope": "global", "command": {"argv": ["/bin/cat"]}}
    forms: dict[str, Any] = {
        "one": GOOD,
        "list": [GOOD, {**GOOD, "name": "2"}],
        "export": {"toolcell_tools": 1, "tools": [entry, {**entry, "names": ["read_notes@1"]}]},
        "source": {**entry, "command": {"argv": ["cat"]}},
    }
    for name, value in forms.items():
        (tmp_path / f"{name}.json").write_text(json.dumps(value))

    assert {} == codes(tmp_path / "one.json")
    assert {"/1/name": "MALFORMED"} == codes(tmp_path / "list.json")
    assert {} == codes(tmp_path / "export.json")
    assert {"/command/argv/0": "COMMAND"} == codes(tmp_path / "source.json")
    assert {"": "UNREADABLE"} == codes(tmp_path / "missing.json")
    (tmp_path / "deep.json").write_text("[" * 100_000)
    assert {"": "UNREADABLE"} == codes(tmp_path / "deep.json")


def test_the_command_tells_all_and_its_exit_code_whether_any(folder: Path) -> None:
    (folder / "bad.json").write_text(json.dumps({**GOOD, "effects": "none", "zzz": 1}))

    code, told = validate(folder / "count.toml")
    assert (0, 0) == (code, told["faults"])
    code, told = validate(folder / "count.toml", folder / "bad.json")
    assert (1, 2) == (code, told["faults"])
    faults = told["files"][1]["tools"][0]["faults"]
    assert ["/effects", "/zzz"] == [fault["path"] for fault in faults]
    assert {"path", "code", "message"} == set(faults[0])


def test_python_is_loaded_elsewhere_and_checked_as_a_whole(tmp_path: Path) -> None:
    """
    The oracle is the file that the module writes when it is imported here: it must not be there.
    """
    witness = tmp_path / "witness"
    witness.touch(mode=0o666)
    spy = f"""
import contextlib
with contextlib.suppress(OSError), open({str(witness)!r}, "w") as file:
    file.write("x")
"""
    (tmp_path / "good.py").write_text(f"{spy}\n{PYTHON}")
    broken = "from toolcell_worker import tool\n@tool(effects='x')\ndef f(): ..."
    (tmp_path / "broken.py").write_text(broken)

    code, told = validate(tmp_path / "good.py", tmp_path / "broken.py")

    good, bad = (each["tools"] for each in told["files"])
    assert 1 == code
    assert ["double", "often"] == [tool["name"] for tool in good]
    assert [[], ["RATE"]] == [[fault["code"] for fault in tool["faults"]] for tool in good]
    assert ["CODE"] == [fault["code"] for fault in bad[0]["faults"]]
    assert "" == witness.read_text(), "its code was run where it can write"


def test_a_folder_is_a_bundle() -> None:
    code, told = validate(MIXED)

    assert (0, 0) == (code, told["faults"])
    assert {"echo", "fail"} <= {tool["name"] for tool in told["files"][0]["tools"]}


def test_what_is_no_definition_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("hello")
    (tmp_path / "empty.py").write_text("")

    code, told = validate(tmp_path / "a.txt", tmp_path / "empty.py", tmp_path / "nothing.py")

    assert (1, 3) == (code, told["faults"])
