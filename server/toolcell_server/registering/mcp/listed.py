"""
What an MCP server says that it offers, as tools: manifests, and what their carrier is told.  Pure.

Theory of operation.  Whoever wrote the server is not who registers it.  What it says of a tool
(name, description, schemas) becomes a manifest that is checked as any other; what the tool gets
(paths, domains, limits, environment) comes from whoever registers it, and from nowhere else.

Its annotations are hints.  One that says "destructive" is believed, because it only asks for more
care; one that says "read only" makes a tool that writes.  Whoever registers may say himself which
tools only read, and the walls hold them to it: their paths are granted for reading.

A path or domain that names an argument (`"{path}"`) is granted to those tools that have it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from toolcell_server.registering import naming
from toolcell_server.registering.added import Made
from toolcell_server.registering.offered import Skipped

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

CARRIER: Final = "call_mcp"
MOST_TOOLS: Final = 500  # as the carrier asks for; the server shares a cell with that
_DESCRIPTION: Final = 1000
_PLACEHOLDER: Final = re.compile(r"\{([^{}]+)\}")
_CONTROLS: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
# What a tool without a schema of its result returns (`toolcell_worker.mcp.contents`).
CONTENTS: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {
        "text": {"type": "string"},
        "content": {
            "type": "array",
            "items": {"type": "object", "required": ["type"]},
            "description": "What is no text: images and sounds in base64, resources, links.",
        },
        "structured": {},
    },
    "required": ["text"],
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """
    A program and its arguments, and what its tools get: `keys` of their manifests.  `code` is a
    folder that its cells find read-only; `wanted` says which of its tools, by their own names, and
    `read_only` which of them only read.
    """

    argv: tuple[str, ...]
    keys: dict[str, Any] = field(default_factory=dict)
    prefix: str = ""
    code: tuple[str, ...] = ()
    wanted: Callable[[str], bool] = lambda _: True
    read_only: Collection[str] = ()

    def asking(self) -> dict[str, Any]:
        """
        The manifest of the run that asks what it offers: with what every call of it gets.
        """
        return {
            "name": "mcp_tools_list",
            "description": "Asks an MCP server which tools it offers.",
            "parameters": {"type": "object", "properties": {}},
            "profile": "subprocess",
            **{
                key: self.keys[key]
                for key in ("limits", "env", "minimum_isolation")
                if key in self.keys
            },
            **_granted(self.keys, {}),
        }


class Listed(NamedTuple):
    """
    What was made of a server's list, and the names of all that it lists.
    """

    made: list[Made]
    skipped: list[Skipped]
    known: set[str]


def tools_of(server: Server, listed: Any) -> Listed:
    """
    The tools that a server listed and that are wanted; nothing of them has been checked.

    Raises:
        ValueError: it listed none, in a way that can be read.
    """
    tools = listed.get("tools") if isinstance(listed, dict) else None
    if not isinstance(tools, list):
        raise ValueError("it answered with no list of tools")  # noqa: TRY004  # one kind for all
    if len(tools) > MOST_TOOLS:
        raise ValueError(f"it offers {len(tools)} tools; at most {MOST_TOOLS} are taken")
    found, taken = Listed([], [], set()), set[str]()
    for tool in tools:
        own = tool.get("name") if isinstance(tool, dict) else None
        if not isinstance(own, str) or not own:
            found.skipped.append(Skipped("/mcp", "one of its tools has no name"))
            continue
        found.known.add(own)
        if server.wanted(own):
            name = naming.tool_name(own, server.prefix, taken)
            found.made.append(_made(server, own, name, tool))
    return found


def _made(server: Server, own: str, name: str, tool: dict[str, Any]) -> Made:
    structured = isinstance(tool.get("outputSchema"), dict)
    payload = {"argv": list(server.argv), "tool": own, "structured": structured}
    manifest = _manifest(server, name, tool, structured=structured)
    manifest = _reading(manifest) if own in server.read_only else manifest
    return Made(f"/mcp/tools/{_escaped(own)}", manifest, CARRIER, payload, server.code)


def _manifest(
    server: Server, name: str, tool: dict[str, Any], *, structured: bool
) -> dict[str, Any]:
    parameters = tool.get("inputSchema")
    properties = parameters.get("properties") if isinstance(parameters, dict) else None
    granted = _granted(server.keys, properties if isinstance(properties, dict) else {})
    annotations = tool.get("annotations")
    annotations = annotations if isinstance(annotations, dict) else {}
    returns = tool["outputSchema"] if structured else CONTENTS
    title = _text(tool.get("title") or annotations.get("title"))
    return {
        "name": name,
        "title": title[:256],
        "description": (_text(tool.get("description")) or title or name)[:_DESCRIPTION],
        "parameters": parameters,
        "returns": returns,
        "effects": "destructive" if annotations.get("destructiveHint") is True else "writes",
        "profile": "subprocess",
        **server.keys,
        **granted,
    }


def _reading(manifest: dict[str, Any]) -> dict[str, Any]:
    paths = [{**each, "access": "read"} for each in manifest.get("paths", ())]
    return {**manifest, "effects": "read_only", "paths": paths}


def _granted(keys: dict[str, Any], properties: dict[str, Any]) -> dict[str, Any]:
    """
    Paths and domains, without those that name an argument that is not there.
    """
    granted = {}
    for key, word in (("paths", "path"), ("domains", "domain")):
        entries = keys.get(key)
        if isinstance(entries, list):
            granted[key] = [each for each in entries if _names(each, word) <= set(properties)]
    return granted


def _names(entry: Any, word: str) -> set[str]:
    text = entry.get(word) if isinstance(entry, dict) else entry
    return set(_PLACEHOLDER.findall(text)) if isinstance(text, str) else set()


def _escaped(text: str) -> str:
    return text[:128].replace("~", "~0").replace("/", "~1")


def _text(value: Any) -> str:
    return _CONTROLS.sub(" ", value).strip() if isinstance(value, str) else ""
