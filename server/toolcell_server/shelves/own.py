"""
The tools that principals, or their sessions, registered for themselves.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from toolcell_server.shelves.shelf import Shelf

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from toolcell_server.principal import Principal
    from toolcell_server.scopes import Scope
    from toolcell_server.tool import Tool


class OwnShelves:
    """
    A shelf for each scope but everybody's, found by its owner and by nobody else.
    """

    def __init__(self) -> None:
        self._shelves: dict[tuple[str, str], Shelf] = {}  # by principal and session
        self._holders: dict[str, dict[str, set[Scope]]] = {}  # by name and principal

    def __bool__(self) -> bool:
        return bool(self._shelves)

    def put(self, scope: Scope, name: str, tools: Sequence[Tool]) -> tuple[Tool, ...]:
        """
        Have these tools of that name in a scope; returns those before.
        """
        key = scope.principal, scope.session
        shelf = self._shelves.setdefault(key, Shelf())
        before = shelf.of(name)
        shelf.put(name, tools)
        self._hold(scope, name, holds=bool(tools))
        if not len(shelf):
            del self._shelves[key]
        return before

    def of(self, name: str, principal: Principal) -> tuple[Tool, ...]:
        """
        The tools of a name that are that caller's: of one scope, because no name is in two of his.
        """
        for shelf in self.of_caller(principal):
            if found := shelf.of(name):
                return found
        return ()

    def of_caller(self, principal: Principal) -> list[Shelf]:
        """
        The shelves that a caller may look at.
        """
        if not self._shelves:
            return []
        keys = [(principal.name, "")]
        if principal.session:
            keys.append((principal.name, principal.session))
        return [self._shelves[key] for key in keys if key in self._shelves]

    def holders(self, name: str, principal: str | None = None) -> Collection[Scope]:
        """
        The scopes that have something by that name: of one principal, or all.
        """
        holders = self._holders.get(name, {})
        if principal is not None:
            return holders.get(principal, ())
        return [scope for scopes in holders.values() for scope in scopes]

    def names(self) -> Iterable[str]:
        """
        Every name that something is registered by.
        """
        return self._holders.keys()

    def everywhere(self, name: str) -> Iterator[Tool]:
        """
        The tools of a name, whoever's.
        """
        for scope in self.holders(name):
            yield from self._shelves[scope.principal, scope.session].of(name)

    def _hold(self, scope: Scope, name: str, *, holds: bool) -> None:
        principals = self._holders.setdefault(name, {})
        scopes = principals.setdefault(scope.principal, set())
        (scopes.add if holds else scopes.discard)(scope)
        if not scopes:
            del principals[scope.principal]
        if not principals:
            del self._holders[name]
