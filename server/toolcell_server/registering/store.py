"""
Registered tools in the database, and what was done to them.

Theory of operation.  Whoever changes something does so in one transaction with the line of history
that tells of it: neither is ever there without the other.  Of a definition that stands for many
tools there is one copy, by its digest.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

from toolcell_server.carried import Carried
from toolcell_server.registering import making
from toolcell_server.scopes import Scope

if TYPE_CHECKING:
    import contextlib
    from collections.abc import Iterator, Sequence

    from toolcell_server.database import Database
    from toolcell_server.registering.registration import Draft
    from toolcell_server.tool import Tool

_TABLES: Final = """
CREATE TABLE IF NOT EXISTS registered_tools (
    kind TEXT NOT NULL,
    principal TEXT NOT NULL,
    session TEXT NOT NULL,
    name TEXT NOT NULL,
    version TEXT NOT NULL,
    manifest BLOB NOT NULL,
    seal BLOB NOT NULL,
    carrier TEXT NOT NULL,
    payload TEXT NOT NULL,
    code TEXT NOT NULL,
    definition BLOB NOT NULL,
    edition TEXT NOT NULL,
    deprecated TEXT NOT NULL,
    sunset REAL NOT NULL,
    registered REAL NOT NULL,
    registered_by TEXT NOT NULL,
    size INTEGER NOT NULL,
    PRIMARY KEY (kind, principal, session, name, version)
) STRICT;
CREATE INDEX IF NOT EXISTS registered_tools_by_definition ON registered_tools (definition);
CREATE TABLE IF NOT EXISTS registered_definitions (
    digest BLOB PRIMARY KEY,
    definition BLOB NOT NULL
) STRICT;
"""
_COLUMNS: Final = (
    *("kind", "principal", "session", "name", "version", "manifest", "seal", "carrier", "payload"),
    *("code", "definition", "edition", "deprecated", "sunset", "registered", "registered_by"),
    "size",
)
_SELECT: Final = f"SELECT {', '.join(_COLUMNS)} FROM registered_tools"  # noqa: S608  # our own names
_INSERT: Final = (
    f"INSERT INTO registered_tools ({', '.join(_COLUMNS)})"  # noqa: S608  # as above
    f" VALUES ({', '.join('?' * len(_COLUMNS))})"
)
_OF_ONE: Final = "WHERE kind = ? AND principal = ? AND session = ? AND name = ? AND version = ?"
_DEFINITION: Final = f"SELECT definition FROM registered_tools {_OF_ONE}"  # noqa: S608  # as above
_DEFINITIONS: Final = (
    "SELECT DISTINCT kind, principal, session, definition FROM registered_tools"
    " WHERE (kind, principal, session, definition) > (?, ?, ?, ?)"
    " AND (? IS NULL OR (kind <> 'global' AND principal = ?)) AND (? OR kind <> 'session')"
    " ORDER BY kind, principal, session, definition LIMIT ?"
)
_OF_DEFINITION: Final = (
    "SELECT name, version FROM registered_tools"
    " WHERE kind = ? AND principal = ? AND session = ? AND definition = ? ORDER BY name, version"
)
_ORPHAN: Final = (
    "DELETE FROM registered_definitions WHERE digest = ?"
    " AND NOT EXISTS (SELECT 1 FROM registered_tools WHERE definition = ?)"
)


class Row(NamedTuple):
    """
    One registered tool as it is kept.  `believed`: this release has checked its manifest.
    """

    scope: Scope
    name: str
    version: str
    manifest_json: bytes
    carried: Carried | None
    believed: bool
    edition: str
    deprecated: str
    sunset: float
    registered: float
    by: str
    size: int


class RegistrationStore:
    """
    Lives on the event loop of its database.  Every method raises StoreFailed if it cannot be done.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        database.prepare(_TABLES)

    def transaction(self) -> contextlib.AbstractContextManager[None]:
        """
        All or nothing; no `await` within.
        """
        return self._database.transaction()

    def all(self) -> Iterator[Row]:
        """
        Every registered tool, in the order of registration.
        """
        for row in self._database.query(f"{_SELECT} ORDER BY registered, rowid"):
            yield _row(dict(zip(_COLUMNS, row, strict=True)))

    def put(self, draft: Draft) -> None:
        """
        Keep a tool in place of that of the same scope, name and version.
        """
        tool = draft.registration.tool
        self.remove(tool)
        digest = hashlib.sha256(draft.definition).digest()
        statement = "INSERT OR IGNORE INTO registered_definitions VALUES (?, ?)"
        self._database.execute(statement, (digest, draft.definition))
        carried = tool.carried or Carried(carrier="")
        values = (
            *_key(tool),
            draft.manifest_json,
            making.seal(draft.manifest_json),
            carried.carrier,
            json.dumps(carried.payload, ensure_ascii=False),
            json.dumps(carried.code),
            digest,
            tool.edition,
            tool.deprecated,
            tool.sunset,
            tool.registered,
            draft.registration.by,
            draft.registration.size,
        )
        self._database.execute(_INSERT, values)

    def deprecate(self, tool: Tool) -> None:
        """
        Keep what a tool says of its deprecation.
        """
        statement = f"UPDATE registered_tools SET deprecated = ?, sunset = ? {_OF_ONE}"  # noqa: S608  # as above
        self._database.execute(statement, (tool.deprecated, tool.sunset, *_key(tool)))

    def remove(self, tool: Tool) -> None:
        """
        Forget a tool.
        """
        found = self._database.query(_DEFINITION, _key(tool))
        self._database.execute(f"DELETE FROM registered_tools {_OF_ONE}", _key(tool))  # noqa: S608  # as above
        for (digest,) in found:
            self._database.execute(_ORPHAN, (digest, digest))

    def definitions(
        self,
        after: tuple[str, str, str, str],
        most: int,
        owner: str | None,
        *,
        sessions: bool = True,
    ) -> Iterator[tuple[Scope, str, Sequence[tuple[str, str]]]]:
        """
        The scopes and digests of at most so many definitions, those after a scope and digest, each
        with name and version of its tools; of an owner, only what is in its own scopes; without
        `sessions` nothing of theirs.
        """
        *scope, digest = after
        asked = (*scope, bytes.fromhex(digest), owner, owner, sessions, most)
        for row in self._database.query(_DEFINITIONS, asked):
            tools = self._database.query(_OF_DEFINITION, row)
            kind, principal, session, found = row
            yield Scope(kind, principal, session), found.hex(), tools

    def definition_of(self, digest: str) -> bytes:
        """
        The serialized ToolDefinition of a digest.
        """
        statement = "SELECT definition FROM registered_definitions WHERE digest = ?"
        return bytes(self._database.query(statement, (bytes.fromhex(digest),))[0][0])

    def definition(self, tool: Tool) -> bytes:
        """
        The serialized ToolDefinition that a tool came from; empty: it is not kept.
        """
        for (digest,) in self._database.query(_DEFINITION, _key(tool)):
            statement = "SELECT definition FROM registered_definitions WHERE digest = ?"
            return bytes(self._database.query(statement, (digest,))[0][0])
        return b""


def _key(tool: Tool) -> tuple[str, str, str, str, str]:
    scope = tool.scope
    return scope.kind, scope.principal, scope.session, tool.name, tool.version


def _row(values: dict[str, Any]) -> Row:
    manifest = values["manifest"]
    try:
        carried = Carried(
            carrier=values["carrier"],
            payload=msgspec.json.decode(values["payload"]),
            code=tuple(json.loads(values["code"])),
        )
    except ValueError:  # a release that takes less than the one that kept it
        carried = None
    return Row(
        scope=Scope(values["kind"], values["principal"], values["session"]),
        name=values["name"],
        version=values["version"],
        manifest_json=manifest,
        carried=carried,
        believed=values["seal"] == making.seal(manifest),
        edition=values["edition"],
        deprecated=values["deprecated"],
        sunset=values["sunset"],
        registered=values["registered"],
        by=values["registered_by"],
        size=values["size"],
    )
