"""
What a request to register would make of what is registered: found out whole before anything is
done.  Pure.

Theory of operation.  A name is one thing for one caller.  So nothing is registered by a name that
somebody who would see it already knows as something else: for everybody, if anybody has it; for a
principal or a session, if everybody has it as far as that caller may know, or if he has it in
another scope of his.  What is not his to know of is no hindrance to him, and no news: everybody's
tool takes the calls of who may call it, and his own those that are left.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from toolcell_server.defining.faults import Fault
from toolcell_server.registering.faults import MANIFEST
from toolcell_server.registering.kept import ALL, Room
from toolcell_server.scopes import GLOBAL

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Callable, Collection, Iterator, Sequence

    from toolcell_server.registering.kept import Kept, Place, Versions
    from toolcell_server.registering.registration import Draft, Registration
    from toolcell_server.scopes import Scope
    from toolcell_server.settings.registry import RegistrySettings

    Counts = Counter[str | None]

NAME: Final = f"{MANIFEST}/name"
VERSION: Final = f"{MANIFEST}/version"
MOST_VERSIONS: Final = 32  # of one name in one scope; arbitrary


@dataclass(slots=True, kw_only=True)
class Plan:
    """
    `known(scope, name)` is what everybody has by that name and whoever registers in that scope may
    know of: a word for it, or nothing.  `holders(name, principal)` are the scopes of a principal,
    or without one of all, that have something by it.  `replace`: what is registered is replaced.
    """

    kept: Kept
    settings: RegistrySettings
    known: Callable[[Scope, str], str]
    holders: Callable[[str, str | None], Collection[Scope]]
    replace: bool
    drafts: dict[tuple[Place, str], Draft] = field(default_factory=dict)
    _after: dict[Place, Versions] = field(default_factory=dict)
    _more: Room = field(default_factory=Room)

    def add(self, drafts: Sequence[Draft]) -> tuple[list[Registration], list[Fault]]:
        """
        Plan for the tools of one definition, all or none: what they will be, or what is wrong.
        """
        made: list[Registration] = []
        faults: list[Fault] = []
        new: dict[tuple[Place, str], Draft] = {}
        after: dict[Place, dict[str, Registration]] = {}
        for draft in drafts:
            tool = draft.registration.tool
            place = (tool.scope, tool.name)
            twice = (place, tool.version) in new or (place, tool.version) in self.drafts
            faults += self._faults(draft, twice=twice)
            versions = after.setdefault(place, dict(self._of(place)))
            kept = versions.get(tool.version)
            if kept is not None and _same(kept, draft):
                made.append(kept)
                continue
            new[place, tool.version] = draft
            versions[tool.version] = draft.registration
            made.append(draft.registration)
        more = Room(self._more)
        for place, versions in after.items():
            more.change(self._of(place), versions)
        faults += self._full(more, after)
        if faults:
            return [], faults
        self._more = more
        self.drafts |= new
        self._after |= after
        return made, []

    def _of(self, place: Place) -> Versions:
        return self._after[place] if place in self._after else self.kept.of(*place)

    def _faults(self, draft: Draft, *, twice: bool) -> Iterator[Fault]:
        tool = draft.registration.tool
        place = (tool.scope, tool.name)
        if why := self._taken(*place):
            said = f"{why}; choose another name"
            yield Fault(NAME, "NAME_TAKEN", said)
        if twice:
            said = "this name and version come twice in this request; leave one out"
            yield Fault(VERSION, "REGISTERED_TWICE", said)
        kept = self._of(place).get(tool.version)
        free = kept is None or kept.tool.broken_reason or _same(kept, draft)
        if not (free or twice or self.replace):
            said = "another tool of this name and version is registered; give a new version, or"
            yield Fault(VERSION, "ALREADY_REGISTERED", f"{said} set replace")
        if draft.registration.size > self.settings.maximum_definition_bytes:
            most = self.settings.maximum_definition_bytes
            said = f"it has {draft.registration.size} bytes; at most {most} are allowed"
            yield Fault("", "DEFINITION_TOO_LARGE", said)
        if tool.scope != GLOBAL and not self.settings.own_grants:
            yield from _grants(draft)
        elif tool.scope != GLOBAL:
            yield from _credentials(draft)

    def _taken(self, scope: Scope, name: str) -> str:
        """
        Who has that name already, so that it cannot be registered in that scope.
        """
        if known := self.known(scope, name):
            return known
        planned = {
            at for (at, named), versions in self._after.items() if named == name and versions
        }
        if scope == GLOBAL:
            others = {*self.holders(name, None), *planned} - {GLOBAL}
            named = sorted(each.principal for each in others)
            return f"the principal {named[0]!r} has a tool of this name" if named else ""
        if GLOBAL in planned:
            return "everybody has a tool of this name"
        # Of his own alone: how many others have that name must not tell by the time that it takes.
        for other in {*self.holders(name, scope.principal), *planned}:
            if other.kind != scope.kind:
                return f"a tool of this name is registered in the scope {_whose(other)}"
        return ""

    def _full(self, more: Room, after: dict[Place, dict[str, Registration]]) -> Iterator[Fault]:
        """
        Who would have more than he may; what was registered before a limit was lowered may stay.
        """
        most, now = self.settings, self.kept.room
        if _over(now.tools, more.tools, ALL, most.maximum_tools) or _over(
            now.bytes, more.bytes, ALL, most.maximum_bytes
        ):
            said = "the server takes no more definitions; ask the operator for room"
            yield Fault("", "TOO_MANY_TOOLS", said)
        for whose in {scope.principal for scope, _ in after if scope != GLOBAL}:
            for has, adds, limit, what in (
                (now.tools, more.tools, most.maximum_own_tools, "tools"),
                (now.bytes, more.bytes, most.maximum_own_bytes, "bytes"),
            ):
                if over := _over(has, adds, whose, limit):
                    said = f"there would be {over} {what} of yours; at most {limit} are allowed"
                    yield Fault("", "TOO_MANY_TOOLS", f"{said}: unregister some")
        for (_, name), versions in after.items():
            if len(versions) > MOST_VERSIONS:
                said = f"{name} would have {len(versions)} versions; at most {MOST_VERSIONS} are"
                yield Fault(VERSION, "TOO_MANY_TOOLS", f"{said} allowed: unregister some")


def _over(now: Counts, more: Counts, whose: str | None, limit: int) -> int:
    """
    How much there would be, if that is more than there may be and more than there is; else 0.
    """
    after = now[whose] + more[whose]
    return after if after > limit and more[whose] > 0 else 0


def _same(kept: Registration, draft: Draft) -> bool:
    """
    Whether nothing would change.
    """
    return kept.tool.edition == draft.registration.tool.edition and not kept.tool.broken_reason


def _grants(draft: Draft) -> Iterator[Fault]:
    """
    What a tool asks for that only those of everybody may.
    """
    for name in ("paths", "domains"):
        if getattr(draft.registration.tool, name):
            said = f"{name} are for tools of everybody, unless registry.own_grants is set"
            yield Fault(f"{MANIFEST}/{name}", "NOT_PERMITTED", f"{said}: leave them out")


def _credentials(draft: Draft) -> Iterator[Fault]:
    """
    The operator's secrets are for tools that who may register for everybody has registered.
    """
    for index, entry in enumerate(draft.registration.tool.domains):
        if not isinstance(entry, str) and "credential" in entry:
            said = "a credential is for tools of everybody: leave it out"
            yield Fault(f"{MANIFEST}/domains/{index}/credential", "NOT_PERMITTED", said)


def _whose(scope: Scope) -> str:
    return f"session {scope.session!r}" if scope.session else scope.kind
