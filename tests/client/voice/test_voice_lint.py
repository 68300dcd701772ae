"""
Each rule finds what it is for, and a good definition has no findings.
"""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from toolcell.v1 import registry_pb2
from toolcell_client.formats import OfferedTool
from toolcell_client.testing import completed
from toolcell_client.voice import lint

if TYPE_CHECKING:
    from pathlib import Path

    from command_line import Toolcell
    from toolcell_client.testing import FakeServer

GOOD: dict[str, Any] = {
    "name": "set_timer",
    "description": 'Sets a timer. Use when the user says "wake me" or asks for a timer.',
    "parameters": {
        "type": "object",
        "properties": {
            "minutes": {"type": "integer", "description": "How many minutes from now."},
            "sound": {
                "type": "string",
                "enum": ["bell", "soft bell"],
                "default": "bell",
                "description": "What is played.",
            },
        },
        "required": ["minutes"],
    },
}


def with_parameter(name: str, required: bool = True, **schema: Any) -> dict[str, Any]:
    described = {"description": "What it is.", **schema}
    required_names = [name] if required else []
    parameters = {"type": "object", "properties": {name: described}, "required": required_names}
    return {"parameters": parameters}


@pytest.mark.parametrize(
    ("changed", "code", "level"),
    [
        ({"description": "Sets a timer for so and so many minutes."}, "no-trigger", "warning"),
        ({"description": ""}, "description-short", "error"),
        ({"description": "Use when asked. " * 60}, "description-long", "warning"),
        ({"description": "Sets a **timer**. Use when the user asks."}, "markup", "note"),
        ({"effects": "destructive"}, "destructive-unsaid", "error"),
        ({"name": "delete_timer"}, "destructive-unmarked", "error"),
        (with_parameter("city", description=""), "parameter-undescribed", "warning"),
        (with_parameter("city", description="x" * 400), "parameter-long", "note"),
        (with_parameter("city", required=False), "no-default", "warning"),
        (with_parameter("kind", enum=["XK-9/b", "c"]), "enum-unspeakable", "warning"),
        (with_parameter("kind", enum=[f"{'x' * n}" for n in range(1, 20)]), "enum-long", "note"),
        (with_parameter("order_id", type="string"), "id-required", "warning"),
        (with_parameter("order", type="string", format="uuid"), "id-required", "warning"),
        (with_parameter("timeout", type="number"), "no-unit", "warning"),
        (with_parameter("filter", type="object"), "nested", "note"),
    ],
)
def test_a_rule_finds(changed: dict[str, Any], code: str, level: str) -> None:
    found = {each.code: each for each in lint([OfferedTool(**{**GOOD, **changed})])}

    assert level == found[code].level
    assert found[code].sentence.endswith((".", ":"))
    assert found[code].remedy


def test_many_required_parameters_are_found() -> None:
    names = [f"part{'abcdef'[n]}" for n in range(5)]
    properties = {each: {"type": "string", "description": "One."} for each in names}
    schema = {"type": "object", "properties": properties, "required": names}

    assert ["many-required"] == [
        each.code for each in lint([OfferedTool(**{**GOOD, "parameters": schema})])
    ]


def test_a_good_definition_has_no_findings() -> None:
    assert [] == lint([OfferedTool(**GOOD)])


@pytest.mark.parametrize(
    "schema", [{}, {"properties": 3}, {"properties": {"a": 1}, "required": "a"}, {"required": [1]}]
)
def test_a_schema_that_is_odd_breaks_nothing(schema: dict[str, Any]) -> None:
    lint([OfferedTool(**{**GOOD, "parameters": schema})])


def test_files_are_read_without_a_server(toolcell: Toolcell, tmp_path: Path) -> None:
    openai = {"type": "function", "function": {**GOOD, "description": ""}}
    (tmp_path / "tools.json").write_text(json.dumps({"tools": [GOOD, openai]}))
    (tmp_path / "one.toml").write_text('[[tools]]\nname = "a"\ndescription = ""\n')

    ended = toolcell(
        *("tools", "lint", "--voice", str(tmp_path / "tools.json"), str(tmp_path / "one.toml")),
        *("--target", "127.0.0.1:1"),
    )

    found = json.loads(ended.stdout)
    assert (1, ["set_timer", "a"]) == (
        ended.returncode,
        list(dict.fromkeys(e["tool"] for e in found)),
    )
    assert {"tool", "code", "level", "place", "sentence", "remedy"} == found[0].keys()


def test_a_servers_tools_are_looked_at(server: FakeServer, toolcell: Toolcell) -> None:
    effects = registry_pb2.EFFECTS_DESTRUCTIVE
    server.tool("wipe", completed(), description="Wipes all of the disk.", effects=effects)
    server.tool("other", completed(), description="")

    ended = toolcell("tools", "lint", "--voice", "--tool", "wipe", "--fail-on", "never")

    assert 0 == ended.returncode
    assert {"destructive-unsaid", "no-trigger"} == {
        each["code"] for each in json.loads(ended.stdout)
    }


@pytest.mark.parametrize(("fail_on", "code"), [("error", 0), ("warning", 1), ("never", 0)])
def test_the_exit_code_says_how_grave_it_is(
    toolcell: Toolcell, tmp_path: Path, fail_on: str, code: int
) -> None:
    file = tmp_path / "tools.json"
    file.write_text(json.dumps({**GOOD, "description": "Sets a timer for so many minutes."}))

    ended = toolcell("tools", "lint", "--voice", str(file), "--fail-on", fail_on)

    assert code == ended.returncode


@pytest.mark.parametrize(
    ("text", "said"),
    [("{", "neither JSON"), ("[3]", "no definition"), ("[]", "no tool to")],
)
def test_a_file_that_cannot_be_read_is_a_mistake_of_the_user(
    toolcell: Toolcell, tmp_path: Path, text: str, said: str
) -> None:
    (tmp_path / "tools.json").write_text(text)

    ended = toolcell("tools", "lint", "--voice", str(tmp_path / "tools.json"))

    assert (2, True) == (ended.returncode, said in ended.stderr.decode())


def test_people_get_a_table(tmp_path: Path) -> None:
    file = tmp_path / "tools.json"
    file.write_text(json.dumps({**GOOD, "description": ""}))
    command = [sys.executable, "-m", "toolcell_client.cli", "tools", "lint", "--voice", str(file)]
    reader, writer = pty.openpty()
    try:
        subprocess.run(command, stdout=writer, check=False, timeout=30)
        shown = os.read(reader, 65536).decode()
    finally:
        os.close(reader)
        os.close(writer)

    assert shown.startswith("TOOL")
    assert "description-short" in shown
