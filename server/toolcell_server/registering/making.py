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

from toolcell_server import manifest as manifests
from toolcell_server.carried import REGISTERED
from toolcell_server.registering.registration import Draft, Registration
from toolcell_server.tool import Tool

if TYPE_CHECKING:
    from toolcell_server.carried import Carried
    from toolcell_server.limits import Limits
    from toolcell_server.registering.offered import Offered
    from toolcell_server.registering.store import Row
    from toolcell_server.scopes import Scope

BROKEN: Final = (ValueError, TypeError, AttributeError, RecursionError)
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
    Knows the limits of the operator.
    """

    defaults: Limits
    ceilings: Limits

    def draft(self, offered: Offered, origin: Origin) -> Draft:
        """
        Raises:
            ValueError, TypeError, AttributeError, RecursionError: the manifest is none.
        """
        scope = origin.scope
        tool = self._tool(offered.manifest, offered.carried, scope)
        tool.to_proto()  # half a surrogate pair fits JSON, and no message
        text = json.dumps(offered.manifest, ensure_ascii=False, separators=(",", ":")).encode()
        told = offered.carried.arguments(b"")
        tool = dataclasses.replace(
            tool, registered=origin.time, edition=edition(text, offered.carried, scope)
        )
        size = len(text) + len(told) + len(origin.definition) // origin.tools
        registration = Registration(tool=tool, size=size, by=origin.by)
        return Draft(registration=registration, manifest_json=text, definition=origin.definition)

    def kept(self, manifest_json: bytes, carried: Carried, scope: Scope, *, believed: bool) -> Tool:
        """
        The tool of a manifest that was kept.

        Raises:
            ValueError, TypeError, AttributeError, RecursionError: it no longer is one.
        """
        return self._tool(json.loads(manifest_json), carried, scope, believed=believed)

    def _tool(
        self, manifest: Any, carried: Carried, scope: Scope, *, believed: bool = False
    ) -> Tool:
        tool = Tool.from_manifest(
            manifest,
            bundle=REGISTERED,
            defaults=self.defaults,
            ceilings=self.ceilings,
            parse=manifests.believed if believed else manifests.parse,
        )
        return dataclasses.replace(tool, carried=carried, scope=scope)


def registered(tool: Tool, row: Row) -> Tool:
    """
    A tool with what was kept of it beside its definition.
    """
    return dataclasses.replace(
        tool,
        scope=row.scope,
        edition=row.edition,
        deprecated=row.deprecated,
        sunset=row.sunset,
        registered=row.registered,
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
