"""
Checks a definition as the contract carries it: its manifest, and how it runs.  Pure.

What a source finds out by itself (which operations a document has, what uploaded code declares) is
not known here; what it makes of that is checked once more, by `checking.check`.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final

from toolcell_server.defining import commands
from toolcell_server.defining.checking import check
from toolcell_server.defining.faults import Code, Fault

if TYPE_CHECKING:
    from collections.abc import Iterator

    from toolcell.v1 import registry_pb2 as pb

_MANIFEST: Final = "/manifest"
_DIGEST: Final = re.compile(r"[0-9a-f]{64}")
_ENTRY: Final = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_][\w.]*", re.ASCII)


def check_definition(definition: pb.ToolDefinition) -> list[Fault]:
    """
    Everything that is wrong with a definition; empty: its source may be asked for its tools.
    """
    source = definition.WhichOneof("source") or ""
    manifest, found = _manifest(definition.manifest_json, needed=source in ("", "command"))
    if manifest is not None:
        whole = check(manifest, _MANIFEST)
        found += [fault for fault in whole if source in ("", "command") or not _knows(fault)]
    match source:
        case "command":
            wrong = any(fault.path.startswith(f"{_MANIFEST}/parameters") for fault in found)
            parameters = None if wrong else (manifest or {}).get("parameters")
            found += _command(definition.command, parameters)
        case "upload":
            found += _upload(definition.upload)
        case "openapi" if not definition.openapi.document:
            found.append(Fault("/openapi/document", Code.REQUIRED, "is missing; give the document"))
        case "mcp" if not definition.mcp.argv or not definition.mcp.argv[0].startswith("/"):
            said = "must begin with the absolute path of a program"
            found.append(Fault("/mcp/argv", Code.COMMAND, said))
        case "":
            said = "has no source; give command, upload, openapi or mcp"
            found.append(Fault("", Code.REQUIRED, said))
    return found


def _knows(fault: Fault) -> bool:
    """
    Whether it is about a key that is missing and that a source may know itself.
    """
    return fault.code is Code.REQUIRED and fault.path.count("/") == 2


def _manifest(encoded: bytes, *, needed: bool) -> tuple[Any, list[Fault]]:
    """
    The manifest, None if there is none that can be read.
    """
    if not encoded and not needed:
        return None, []
    if not encoded:
        return None, [Fault(_MANIFEST, Code.REQUIRED, "is missing; give a JSON object")]
    try:
        return json.loads(encoded), []
    except (ValueError, RecursionError) as exc:
        return None, [Fault(_MANIFEST, Code.UNREADABLE, f"is no JSON: {exc!s:.160}")]


def _command(source: pb.CommandSource, parameters: Any) -> Iterator[Fault]:
    command = {"argv": list(source.argv), "stdin": source.stdin, "result": source.result}
    for fault in commands.faults(command, parameters):
        yield fault.below("/command")


def _upload(source: pb.UploadSource) -> Iterator[Fault]:
    if not _DIGEST.fullmatch(source.sha256):
        said = "must be the SHA-256 of what was uploaded, 64 digits in lower-case hexadecimal"
        yield Fault("/upload/sha256", Code.MALFORMED, said)
    if source.entry and not _ENTRY.fullmatch(source.entry):
        said = f'must be "module:name", not {source.entry!r:.80}'
        yield Fault("/upload/entry", Code.MALFORMED, said)
