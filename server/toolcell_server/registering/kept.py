"""
The registered tools in memory, and the room that they take.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from toolcell_server.registering.registration import Registration
    from toolcell_server.scopes import Scope

    Versions = Mapping[str, Registration]
    Place = tuple[Scope, str]  # a scope, and a name in it

ALL: Final = None  # whose room: everybody's together


class Room:
    """
    How many tools there are, and of how many bytes: of each principal in its own scopes, and of
    all together; or how many more.
    """

    def __init__(self, other: Room | None = None) -> None:
        self.tools: Counter[str | None] = Counter(other.tools if other else ())
        self.bytes: Counter[str | None] = Counter(other.bytes if other else ())

    def change(self, before: Versions, after: Versions) -> None:
        """
        Account for the versions of one name.
        """
        for versions, change in ((before, -1), (after, 1)):
            for registration in versions.values():
                for whose in owners(registration.scope):
                    self.tools[whose] += change
                    self.bytes[whose] += change * registration.size
        for whose in {owner for each in before.values() for owner in owners(each.scope)}:
            if not (self.tools[whose] or self.bytes[whose]):
                del self.tools[whose], self.bytes[whose]


class Kept:
    """
    By scope, name and version.  `change` is the only way to alter it.
    """

    def __init__(self) -> None:
        self._kept: dict[Place, dict[str, Registration]] = {}
        self._sessions: dict[Place, None] = {}  # those of sessions, the oldest first
        self.room = Room()

    def of(self, scope: Scope, name: str) -> Versions:
        """
        The versions of one name.
        """
        return self._kept.get((scope, name), {})

    def change(self, place: Place, versions: Versions) -> None:
        """
        Have these versions of one name, in place of those before.
        """
        self.room.change(self.of(*place), versions)
        self._sessions.pop(place, None)
        if versions and place[0].kind == "session":
            self._sessions[place] = None
        if versions:
            self._kept[place] = dict(versions)
        else:
            self._kept.pop(place, None)

    def code(self) -> set[str]:
        """
        The names of the folders of code that tools need.
        """
        carried = (each.tool.carried for each in self)
        return {folder.rpartition("/")[2] for one in carried if one for folder in one.code}

    def of_sessions(self, before: float) -> Iterator[Registration]:
        """
        What sessions have registered before that time, and not touched since.
        """
        for place in self._sessions:
            versions = self._kept[place].values()
            if max(each.tool.registered for each in versions) >= before:
                return
            yield from versions

    def of_session(self, scope: Scope) -> Iterator[Registration]:
        """
        What one session has registered.
        """
        for place in self._sessions:
            if place[0] == scope:
                yield from self._kept[place].values()

    def __iter__(self) -> Iterator[Registration]:
        for versions in self._kept.values():
            yield from versions.values()


def owners(scope: Scope) -> tuple[str | None, ...]:
    """
    Whose room a tool of that scope takes: all that is everybody's is the operator's affair.
    """
    return (ALL,) if scope.kind == "global" else (ALL, scope.principal)
