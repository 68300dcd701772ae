"""
Tools that the operator's settings name: of OpenAPI documents and MCP servers.

They stand as long as the server runs, for everybody, and are made anew when it starts: what was a
tool and is none any more is gone then.  An entry that gives none is no reason not to serve the
others; it is listed as a broken tool of its own name, with the reason.  A name that somebody else
has already (a bundle, or what was registered) stays with him.
"""

from __future__ import annotations

import asyncio
import dataclasses
import fnmatch
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from toolcell_server.carried import CODE, REGISTERED
from toolcell_server.principal import Principal
from toolcell_server.refusals import CallRefused, InvalidField
from toolcell_server.registering.mcp import source as mcp
from toolcell_server.registering.mcp.listed import Server
from toolcell_server.registering.openapi import source as openapi
from toolcell_server.registering.openapi.operations import Wish
from toolcell_server.scopes import GLOBAL
from toolcell_server.tool import Tool

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from toolcell_server.limits import Limits
    from toolcell_server.registering.offered import Offered, Offers
    from toolcell_server.registry import Registry
    from toolcell_server.settings.foreign import Chosen, McpSettings, OpenApiSettings
    from toolcell_server.settings.registry import RegistrySettings

OPERATOR: Final = Principal(name="operator")
_FOLDER: Final = "{folder}"
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """
    Makes them once, before anybody calls.
    """

    settings: RegistrySettings
    documents: openapi.OpenApiSource
    servers: mcp.McpSource
    registry: Registry
    defaults: Limits
    ceilings: Limits

    async def load(self) -> None:
        """
        Have the tools of every entry.  Never raises for what an entry gives.
        """
        making = [self._of_document(each) for each in self.settings.openapi]
        making += [self._of_server(each) for each in self.settings.mcp]
        entries = [each.chosen for each in self.settings.openapi]
        entries += [each.chosen for each in self.settings.mcp]
        made = await asyncio.gather(*making, return_exceptions=True)
        for chosen, offers in zip(entries, made, strict=True):
            self._take(chosen, offers)

    def _take(self, chosen: Chosen, offers: Offers | BaseException) -> None:
        if isinstance(offers, CallRefused):
            self._broken(chosen.name, f"{offers.message}; {offers.hint}")
            return
        if isinstance(offers, OSError):
            self._broken(chosen.name, f"{offers.filename} cannot be read: {offers.strerror}")
            return
        if isinstance(offers, BaseException):
            raise offers
        for skipped in offers.skipped:
            fields = {"entry": chosen.name, "at": skipped.pointer, "reason": skipped.reason}
            _log.warning("left out", extra={"fields": fields})
        for offered in offers:
            self._add(chosen.name, offered)
        if not offers:
            self._broken(chosen.name, "it has no tool that can be had; the log says why")

    def _add(self, entry: str, offered: Offered) -> None:
        try:
            tool = Tool.from_manifest(
                offered.manifest, bundle=REGISTERED, defaults=self.defaults, ceilings=self.ceilings
            )
        except ValueError as exc:
            fields = {"entry": entry, "reason": str(exc)}
            _log.warning("left out", extra={"fields": fields})
            return
        if self.registry.of_name(tool.name):
            fields = {"entry": entry, "tool": tool.name, "reason": "the name is taken"}
            _log.warning("left out", extra={"fields": fields})
            return
        tool = dataclasses.replace(tool, carried=offered.carried)
        self.registry.put(GLOBAL, tool.name, [tool])

    def _broken(self, name: str, reason: str) -> None:
        _log.warning("broken tool", extra={"fields": {"tool": name, "reason": reason}})
        if not self.registry.of_name(name):
            self.registry.put(GLOBAL, name, [Tool.broken(name, REGISTERED, reason)])

    async def _of_document(self, entry: OpenApiSettings) -> Offers:
        chosen = entry.chosen
        _check_keys(chosen, openapi.ALLOWED)
        wish = Wish(
            base_url=entry.base_url,
            prefix=chosen.prefix,
            credential=entry.credential,
            wanted=_wanted(chosen),
            safe=self.documents.safe,
        )
        document = await asyncio.to_thread(Path(entry.file).read_bytes)
        offers, _ = await self.documents.made(document, wish, dict(chosen.manifest), OPERATOR.name)
        return offers

    async def _of_server(self, entry: McpSettings) -> Offers:
        chosen = entry.chosen
        _check_keys(chosen, mcp.ALLOWED)
        keys: dict[str, Any] = {"paths": list(entry.paths), "domains": list(entry.domains)}
        server = Server(
            argv=tuple(_placed(each, entry.folder) for each in (entry.command, *entry.arguments)),
            keys={**keys, "env": dict(entry.env), **chosen.manifest},
            prefix=chosen.prefix,
            code=(entry.folder,) if entry.folder else (),
            wanted=_wanted(chosen),
            read_only=entry.read_only,
        )
        offers, _ = await self.servers.asked(server, OPERATOR)
        return offers


def _placed(argument: str, folder: str) -> str:
    return argument.replace(_FOLDER, f"{CODE}/{Path(folder).name}") if folder else argument


def _wanted(chosen: Chosen) -> Callable[[str], bool]:
    def wanted(own: str) -> bool:
        def among(patterns: Collection[str]) -> bool:
            return any(fnmatch.fnmatchcase(own, pattern) for pattern in patterns)

        return among(chosen.include) and not among(chosen.exclude)

    return wanted


def _check_keys(chosen: Chosen, allowed: Collection[str]) -> None:
    for key in chosen.manifest:
        if key not in allowed:
            listed = ", ".join(sorted(allowed))
            raise InvalidField("manifest", f"has the key {key!r:.64}; give only {listed}")
