"""
Exports what is registered, a page at a time, by definition: one that stands for many tools is told
once.
"""

from __future__ import annotations

import fnmatch
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from toolcell.v1 import registry_pb2 as pb

from toolcell_server.porting.entries import Entry, name_of, to_json
from toolcell_server.registering.book import KEEP
from toolcell_server.storing import storing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from toolcell_server.principal import Principal
    from toolcell_server.registering.authority import Authority
    from toolcell_server.registering.book import Book
    from toolcell_server.registering.store import RegistrationStore
    from toolcell_server.scopes import Scope

MOST_LOOKED_AT: Final = 1000  # definitions, for one page
Position = tuple[str, str, str, str]  # kind, principal and session of a scope, and a digest
FIRST: Final[Position] = ("", "", "", "")


class Exported(NamedTuple):
    """
    A definition as JSON, and where it stands among all.
    """

    position: Position
    encoded: bytes | None  # None: it was not asked for


@dataclass(frozen=True, slots=True, kw_only=True)
class Exporter:
    """
    `redact` takes the operator's secrets out of a JSON value: nobody should have put one into a
    definition, and it must not leave by this way.
    """

    book: Book
    store: RegistrationStore
    authority: Authority
    redact: Callable[[Any], Any]

    def export(
        self, after: Position, names: Sequence[str], kind: str, caller: Principal
    ) -> Iterator[Exported]:
        """
        The definitions after a position, as far as a caller may have them; those of other names or
        of another kind of scope without their JSON.

        Raises:
            NotPermitted: he may register nothing.
            StoreFailed: they cannot be read.
        """
        self.authority.check(caller)
        owner = None if self.authority.may_all(caller) else caller.name
        with storing(KEEP):
            # As in the history: where nobody is asked who he is, the id of a session is a secret.
            sessions = not self.authority.everybody
            found = self.store.definitions(after, MOST_LOOKED_AT, owner, sessions=sessions)
        for scope, digest, tools in found:
            position = (scope.kind, scope.principal, scope.session, digest)
            wanted = kind in ("", scope.kind) and _matches(tools, names)
            encoded = self._encoded(scope, digest, tools, caller) if wanted else None
            yield Exported(position, encoded)

    def _encoded(
        self, scope: Scope, digest: str, tools: Sequence[tuple[str, str]], caller: Principal
    ) -> bytes:
        with storing(KEEP):
            definition = pb.ToolDefinition.FromString(self.store.definition_of(digest))
        registered = [self.book.kept.of(scope, name)[version].tool for name, version in tools]
        definition.scope = _SCOPES[scope.kind]
        own = _own(definition)
        entry = Entry(
            definition=definition,
            names=frozenset(map(name_of, registered)),
            deprecated={
                name_of(tool): (tool.deprecated, tool.sunset)
                for tool in registered
                if (tool.deprecated, tool.sunset) != (own, 0.0)
            },
            principal="" if scope.principal == caller.name else scope.principal,
            session="" if scope.session == caller.session else scope.session,
        )
        told = to_json(entry)
        shown = self.redact(told)
        if shown != told:
            shown["redacted"] = True
        return json.dumps(shown, ensure_ascii=False, separators=(",", ":")).encode()


_SCOPES: Final = {
    "global": pb.TOOL_SCOPE_GLOBAL,
    "principal": pb.TOOL_SCOPE_PRINCIPAL,
    "session": pb.TOOL_SCOPE_SESSION,
}


def _own(definition: pb.ToolDefinition) -> str:
    """
    What the manifest itself says of a deprecation.
    """
    said = json.loads(definition.manifest_json or b"{}").get("deprecated", "")
    return said if isinstance(said, str) else ""


def _matches(tools: Sequence[tuple[str, str]], names: Sequence[str]) -> bool:
    return not names or any(fnmatch.fnmatchcase(tool, name) for tool, _ in tools for name in names)
