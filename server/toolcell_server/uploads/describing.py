"""
What a cell says of the tools that uploaded code declares.  Pure, and hostile input: the code ran
before it was said.  What is left is taken as a manifest that anybody may have written.
"""

from __future__ import annotations

import json
import re
from typing import Any, Final, NamedTuple

from toolcell_server.refusals import CodeNotLoaded

MAXIMUM_TOOLS: Final = 100
# `module:name`, both dotted; the cell finds it or does not.
ENTRY: Final = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*(\.[A-Za-z_]\w*)*", re.ASCII)
LONGEST_ENTRY: Final = 256
_LONGEST_REASON: Final = 500


class Described(NamedTuple):
    """
    A manifest that nobody has checked, and which callable it is of.
    """

    manifest: dict[str, Any]
    entry: str


def described(result: bytes) -> list[Described]:
    """
    Raises:
        CodeNotLoaded: it says nothing that could be a tool; says why.
    """
    try:
        value = json.loads(result)
    except (ValueError, RecursionError):
        raise CodeNotLoaded("its description is no JSON") from None
    tools, faults = _entries(value, "tools"), _entries(value, "faults")
    if faults:
        raise CodeNotLoaded("; ".join(map(_fault, faults[:3])))
    if not tools:
        raise CodeNotLoaded("there is no function with @tool, and none with a tool_definition")
    if len(tools) > MAXIMUM_TOOLS:
        raise CodeNotLoaded(f"it declares {len(tools)} tools; at most {MAXIMUM_TOOLS} are allowed")
    return list(map(_described, tools))


def is_entry(entry: Any) -> bool:
    """
    Whether a value names a callable of a module.
    """
    return (
        isinstance(entry, str)
        and len(entry) <= LONGEST_ENTRY
        and ENTRY.fullmatch(entry) is not None
    )


def _described(value: Any) -> Described:
    manifest = value.get("manifest") if isinstance(value, dict) else None
    entry = value.get("entry") if isinstance(value, dict) else None
    if not isinstance(manifest, dict) or not is_entry(entry):
        raise CodeNotLoaded("it describes itself as what is no tool")
    return Described(manifest, str(entry))


def _fault(value: Any) -> str:
    text = str(value.get("reason", "")) if isinstance(value, dict) else ""
    shown = "".join(c if c.isprintable() else " " for c in text[:_LONGEST_REASON])
    return shown.encode(errors="replace").decode() or "no reason was given"


def _entries(value: Any, key: str) -> list[Any]:
    found = value.get(key) if isinstance(value, dict) else None
    return found if isinstance(found, list) else []
