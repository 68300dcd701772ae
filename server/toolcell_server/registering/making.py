"""
From what a source offers, or the database kept, to a tool.  Pure.

Theory of operation.  To check a manifest takes milliseconds, most of them for its schemas.  A
server that starts with ten thousand would take half a minute for what it has checked before; so
each is kept with a seal over its bytes and this release, and is believed as long as the seal
holds.  After an upgrade everything is checked anew, and what no longer holds is a broken tool.
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import json
from dataclasses import dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Final

import msgspec

from toolcell_server import manifest as manifests
from toolcell_server.carried import REGISTERED
from toolcell_server.registering.registration import Draft, Registration
from toolcell_server.tool import Tool

if TYPE_CHECKING:
    from collections.abc import Callable

    from toolcell_server.carried import Carried
    from toolcell_server.limits import Limits
    from toolcell_server.registering.offered import Offered
    from toolcell_server.registering.store import Row
    from toolcell_server.scopes import Scope

    Parse = Callable[[Any], manifests.Manifest]

BROKEN: Final = (ValueError, TypeError, AttributeError, RecursionError)
_BESIDE: Final = ("carried", "scope", "edition", "deprecated", "sunset", "registered")
_CHECKED_BY: Final = ("toolcell", "jsonschema", "msgspec")


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """
    Whose definition it is, in which scope and when it was registered; and for how many `tools` it
    stands, which share its size.
    """

    definition: bytes
    scope: Scope
    by: str
    time: float
    tools: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Maker:
    """
    Knows the limits of the operator.  `code_fault` says why the code of a tool cannot be used;
    empty: it can.
    """

    defaults: Limits
    ceilings: Limits
    code_fault: Callable[[Carried], str] = lambda _: ""

    def draft(self, offered: Offered, origin: Origin) -> Draft:
        """
        Raises:
            ValueError, TypeError, AttributeError, RecursionError: the manifest is none.
        """
        scope = origin.scope
        tool = self._tool(offered.manifest, manifests.parse)
        tool.to_proto()  # half a surrogate pair fits JSON, and no message
        text = json.dumps(offered.manifest, ensure_ascii=False, separators=(",", ":")).encode()
        told = offered.carried.arguments(b"")
        tool = dataclasses.replace(
            tool,
            carried=offered.carried,
            scope=scope,
            registered=origin.time,
            edition=edition(text, offered.carried, scope),
        )
        size = len(text) + len(told) + len(origin.definition) // origin.tools
        registration = Registration(tool=tool, size=size, by=origin.by)
        return Draft(registration=registration, manifest_json=text, definition=origin.definition)

    def kept(self, row: Row) -> Tool:
        """
        The tool that was kept, broken if its definition no longer holds.
        """
        beside = {name: getattr(row, name) for name in _BESIDE}
        try:
            if row.carried is None:
                raise ValueError("its carrier would be told more than it takes")
            if fault := self.code_fault(row.carried):
                raise ValueError(fault)
            parse = manifests.believed if row.believed else manifests.parse
            tool = self._tool(msgspec.json.decode(row.manifest_json), parse, **beside)
        except BROKEN as exc:
            reason = f"its definition no longer holds: {exc}"
            tool = Tool.broken(row.name, REGISTERED, reason, row.version)
            return dataclasses.replace(tool, **beside)
        return tool

    def _tool(self, manifest: Any, parse: Parse, **beside: Any) -> Tool:
        return Tool.from_manifest(
            manifest,
            bundle=REGISTERED,
            defaults=self.defaults,
            ceilings=self.ceilings,
            parse=parse,
            **beside,
        )


def edition(manifest_json: bytes, carried: Carried, scope: Scope) -> str:
    """
    A digest over all that a registered tool is, and whose.
    """
    whose = (scope.kind, scope.principal, scope.session, carried.carrier, *carried.code)
    digest = hashlib.sha256(json.dumps(whose).encode())
    for part in (manifest_json, carried.arguments(b"")):
        digest.update(len(part).to_bytes(8) + part)
    return digest.hexdigest()[:32]


def seal(manifest_json: bytes) -> bytes:
    """
    What says that this release has checked a manifest.
    """
    return hashlib.sha256(_release() + b"\0" + manifest_json).digest()


@functools.cache
def _release() -> bytes:
    return " ".join(f"{name} {version(name)}" for name in _CHECKED_BY).encode()
