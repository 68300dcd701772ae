"""
Definitions as the contract carries them: the manifest, and how the tool runs.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from definitions import GOOD
from toolcell.v1 import registry_pb2 as pb
from toolcell_server.defining.definitions import check_definition

SHA = "0" * 64


def found(**fields: Any) -> dict[str, str]:
    manifest = fields.pop("manifest", GOOD)
    encoded = manifest if isinstance(manifest, bytes) else json.dumps(manifest).encode()
    definition = pb.ToolDefinition(manifest_json=encoded, **fields)
    return {fault.path: fault.code for fault in check_definition(definition)}


def command(*argv: str, **others: str) -> dict[str, Any]:
    return {"command": pb.CommandSource(argv=argv, **others)}


@pytest.mark.parametrize(
    ("fields", "faults"),
    [
        (command("/usr/bin/wc", "{path}"), {}),
        (command("/usr/bin/jq", '{"a": 1}', "{{path}}"), {}),
        (command("/usr/bin/wc", stdin="json", result="fd3"), {}),
        (command("/usr/bin/wc", stdin="{path}", result="text"), {}),
        ({}, {"": "REQUIRED"}),
        (command(), {"/command/argv": "COMMAND"}),
        (command("wc"), {"/command/argv/0": "COMMAND"}),
        (command("./wc"), {"/command/argv/0": "COMMAND"}),
        (command("/usr/bin/{path}"), {"/command/argv/0": "COMMAND"}),
        (command("/usr/bin/wc", "{file}"), {"/command/argv/1": "COMMAND"}),
        (command("/usr/bin/wc", "a\0b"), {"/command/argv/1": "COMMAND"}),
        (command("/usr/bin/wc", *["a"] * 256), {"/command/argv": "TOO_MANY"}),
        (command("/usr/bin/wc", stdin="all"), {"/command/stdin": "COMMAND"}),
        (command("/usr/bin/wc", stdin="{file}"), {"/command/stdin": "COMMAND"}),
        (command("/usr/bin/wc", result="fd4"), {"/command/result": "NOT_ONE_OF"}),
        ({**command("/bin/wc"), "manifest": b""}, {"/manifest": "REQUIRED"}),
        ({**command("/bin/wc"), "manifest": b"{"}, {"/manifest": "UNREADABLE"}),
        ({**command("/bin/wc"), "manifest": b"[" * 99_999}, {"/manifest": "UNREADABLE"}),
        ({**command("/bin/wc"), "manifest": b"\xff"}, {"/manifest": "UNREADABLE"}),
        ({**command("/bin/wc"), "manifest": []}, {"/manifest": "WRONG_TYPE"}),
        (
            {**command("/bin/wc", "{x}"), "manifest": {**GOOD, "parameters": {"type": "array"}}},
            {"/manifest/parameters/type": "SCHEMA_NOT_OBJECT"},
        ),
        ({"upload": pb.UploadSource(sha256=SHA), "manifest": b""}, {}),
        ({"upload": pb.UploadSource(sha256=SHA, entry="tools.text:upper"), "manifest": {}}, {}),
        ({"upload": pb.UploadSource(sha256="A" * 64)}, {"/upload/sha256": "MALFORMED"}),
        (
            {"upload": pb.UploadSource(sha256=SHA, entry="upper")},
            {"/upload/entry": "MALFORMED"},
        ),
        (
            {"upload": pb.UploadSource(sha256=SHA), "manifest": {"name": "1"}},
            {"/manifest/name": "MALFORMED"},
        ),
        ({"openapi": pb.OpenApiSource()}, {"/openapi/document": "REQUIRED"}),
        ({"mcp": pb.McpSource(argv=["/usr/bin/server"]), "manifest": b""}, {}),
        ({"mcp": pb.McpSource(argv=["npx", "server"])}, {"/mcp/argv": "COMMAND"}),
        ({"mcp": pb.McpSource()}, {"/mcp/argv": "COMMAND"}),
    ],
)
def test_every_fault_is_told_with_its_path_and_code(
    fields: dict[str, Any], faults: dict[str, str]
) -> None:
    assert faults == found(**fields)
