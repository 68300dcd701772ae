"""
Registers tools, and changes what was registered.

Theory of operation.  What takes time (a source, the check of a manifest, in a thread so that calls
go on) comes first and touches nothing.  Then, in one turn of the event loop, without an `await`:
what is wrong is found out against what is registered at that moment, the database is written in
one transaction, and the registry changes name by name.  So whoever looks sees a request done or
not begun, however many register at once; and what was answered survives the death of the server.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from toolcell_server.carried import REGISTERED
from toolcell_server.principal import ANYBODY
from toolcell_server.refusals import CallRefused, DefinitionsInvalid, UnknownTool
from toolcell_server.registering.authority import Wanted
from toolcell_server.registering.book import KEEP, Step
from toolcell_server.registering.plan import Plan
from toolcell_server.scopes import GLOBAL, Scope
from toolcell_server.storing import storing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from toolcell.v1 import registry_pb2 as pb

    from toolcell_server.defining.faults import Fault
    from toolcell_server.principal import Principal
    from toolcell_server.registering.authority import Authority
    from toolcell_server.registering.book import Book
    from toolcell_server.registering.drafting import Drafted, Drafting
    from toolcell_server.registering.history import Entry
    from toolcell_server.registering.registration import Draft, Registration
    from toolcell_server.settings.registry import RegistrySettings
    from toolcell_server.tool import Tool

    Known = Callable[[str, Principal], Tool | None]

_log = logging.getLogger(__name__)


class Answer(NamedTuple):
    """
    What became of one definition: the tools that it stands for, or what is wrong with it; and what
    of it is no tool.
    """

    tools: Sequence[Tool] = ()
    faults: Sequence[Fault] = ()
    skipped: Sequence[Fault] = ()


class How(NamedTuple):
    """
    What is to be done with definitions: see RegisterToolsRequest.
    """

    all_or_nothing: bool = False
    replace: bool = False
    validate_only: bool = False


@dataclass(slots=True, kw_only=True)
class Registrar:
    """
    Registers for who may.  `known` finds what everybody has by a name and a caller may know of;
    `refused` is told how many definitions were wrong; `lives` says whether somebody has a session
    of that id, which then ends by itself.  Lives on one event loop.
    """

    book: Book
    drafting: Drafting
    authority: Authority
    settings: RegistrySettings
    known: Known
    refused: Callable[[int], None] = lambda _count: None
    lives: Callable[[str, str], bool] = lambda _owner, _session_id: False

    async def register(
        self, definitions: Sequence[pb.ToolDefinition], caller: Principal, how: How
    ) -> list[Answer]:
        """
        What became of each definition.

        Raises:
            CallRefused: he may not, or with `all_or_nothing` something is wrong, or it cannot be
                written; nothing was done.
        """
        self.authority.check(caller)
        self.expire()
        made = [
            await self.drafting.drafts(definition, caller, Wanted(definition.scope))
            for definition in definitions
        ]
        plan = self.plan(caller, replace=how.replace)
        answers = [
            Answer(faults=each.faults) if each.faults else _added(plan, each) for each in made
        ]
        wrong = {index: answer.faults for index, answer in enumerate(answers) if answer.faults}
        self.refused(len(wrong))
        if wrong and how.all_or_nothing:
            raise DefinitionsInvalid(
                [
                    (f"definitions[{index}]{fault.path}", f"{fault.code}: {fault.message}")
                    for index, found in wrong.items()
                    for fault in found
                ]
            )
        if not how.validate_only:
            steps = [self.step(draft) for draft in plan.drafts.values()]
            self.book.commit(steps, caller)
        return answers

    def expire(self) -> None:
        """
        Forget what sessions have registered so long ago that they must be over.

        Raises:
            AuditFailed, StoreFailed: that cannot be written.
        """
        before = self.book.clock() - self.settings.session_seconds
        old = self.book.kept.of_sessions(before)
        self._forget(
            each for each in old if not self.lives(each.scope.principal, each.scope.session)
        )

    def session_ended(self, owner: str, session_id: str) -> None:
        """
        Forget what a session has registered.  What cannot be forgotten now is after a while, as
        what belongs to sessions that nobody hears the end of.
        """
        try:
            self._forget(self.book.kept.of_session(Scope("session", owner, session_id)))
        except CallRefused:
            _log.exception("tools of a session have outlived it")

    def _forget(self, over: Iterable[Registration]) -> None:
        steps = [Step("unregistered", each, None) for each in over]
        self.book.commit(steps, ANYBODY, "its session is over")

    def unregister(self, wanted: Wanted, caller: Principal) -> Sequence[Tool]:
        """
        Forget a tool; the versions that went, as they were.

        Raises:
            CallRefused: he may not, or nothing of his is registered so; nothing was done.
        """
        found = self._found(wanted, caller)
        self.book.commit([Step("unregistered", each, None) for each in found], caller)
        return [each.tool for each in found]

    def deprecate(
        self, wanted: Wanted, caller: Principal, reason: str, sunset: float
    ) -> Sequence[Tool]:
        """
        Deprecate a tool, with the reason; without one, take that back.  The versions, as they are.

        Raises:
            CallRefused: as `unregister`.
        """
        what = "deprecated" if reason else "reactivated"
        found = self._found(wanted, caller)
        changed = [(each, each.deprecated(reason, sunset)) for each in found]
        steps = [Step(what, before, after) for before, after in changed if before != after]
        self.book.commit(steps, caller, reason)
        return [after.tool for _, after in changed]

    def history(self, number: int, most: int, name: str, caller: Principal) -> Sequence[Entry]:
        """
        What was done before an entry of that number, newest first, as far as a caller may know.

        Raises:
            NotPermitted: he may register nothing.
            StoreFailed: it cannot be read.
        """
        self.authority.check(caller)
        own = None if self.authority.may_all(caller) else caller
        with storing(KEEP):
            # Where nobody is asked who he is, the id of a session is a secret of those who have it.
            hidden = self.authority.everybody
            return self.book.history.before(number, most, name, own, sessions=not hidden)

    def plan(self, caller: Principal, *, replace: bool) -> Plan:
        """
        A plan against what is registered now: to be carried out before anything else is done.
        """
        return Plan(
            kept=self.book.kept,
            settings=self.settings,
            known=lambda scope, name: self._known(scope, name, caller),
            holders=self.book.registry.holders,
            replace=replace,
        )

    def _known(self, scope: Scope, name: str, caller: Principal) -> str:
        """
        What everybody has by a name, as far as that stands in the way in that scope.
        """
        if any(tool.hosted for tool in self.book.registry.of_name(name, caller)):
            return "a host offers a tool of this name"
        if scope == GLOBAL:
            there = [tool for tool in self.book.registry.of_name(name) if tool.scope == GLOBAL]
            if not self.book.kept.of(GLOBAL, name) and any(t.bundle == REGISTERED for t in there):
                return "the settings of the server name a tool of this name"
            found = next((tool for tool in there if tool.bundle != REGISTERED), None)
        else:
            found = self.known(name, caller)
        if found is None:
            return ""
        whose = "everybody" if found.bundle == REGISTERED else f"the bundle {found.bundle}"
        return f"{whose} has a tool of this name"

    def _found(self, wanted: Wanted, caller: Principal) -> Sequence[Registration]:
        for scope in self.authority.scopes(caller, wanted):
            versions = self.book.kept.of(scope, wanted.name)
            found = [each for at, each in versions.items() if wanted.version in ("", at)]
            if found:
                return found
        raise UnknownTool(wanted.name, (), wanted.version)

    def step(self, draft: Draft) -> Step:
        """
        What registers one tool.
        """
        tool = draft.registration.tool
        before = self.book.kept.of(tool.scope, tool.name).get(tool.version)
        what = "registered" if before is None else "replaced"
        return Step(what, before, draft.registration, draft)


def _added(plan: Plan, drafted: Drafted) -> Answer:
    made, found = plan.add(drafted.drafts)
    return Answer([each.tool for each in made], found, drafted.skipped)
