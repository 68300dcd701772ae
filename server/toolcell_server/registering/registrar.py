"""
Registers tools, and changes what was registered.

Theory of operation.  What takes time (a source, the check of a manifest, in a thread so that calls
go on) comes first and touches nothing.  Then, in one turn of the event loop, without an `await`:
what is wrong is found out against what is registered at that moment, the database is written in
one transaction, and the registry changes name by name.  So whoever looks sees a request done or
not begun, however many register at once; and what was answered survives the death of the server.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from toolcell_server.carried import REGISTERED
from toolcell_server.refusals import CallRefused, DefinitionsInvalid, UnknownTool
from toolcell_server.registering import faults, making
from toolcell_server.registering.book import Step, kept
from toolcell_server.registering.making import Origin
from toolcell_server.registering.plan import Plan
from toolcell_server.registering.turns import Turns, in_thread
from toolcell_server.scopes import GLOBAL

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from toolcell.v1 import registry_pb2 as pb

    from toolcell_server.principal import Principal
    from toolcell_server.registering.authority import Authority, Wanted
    from toolcell_server.registering.book import Book
    from toolcell_server.registering.faults import Fault
    from toolcell_server.registering.history import Entry
    from toolcell_server.registering.making import Maker
    from toolcell_server.registering.offered import Offered, Source
    from toolcell_server.registering.registration import Draft, Registration
    from toolcell_server.scopes import Scope
    from toolcell_server.settings.registry import RegistrySettings
    from toolcell_server.tool import Tool

    Known = Callable[[str, Principal], Tool | None]


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
    Registers for who may.  `sources` are by the name of their field in ToolDefinition; `known`
    finds what everybody has by a name and a caller may know of; `refused` is told how many
    definitions were wrong.  Lives on one event loop.
    """

    book: Book
    maker: Maker
    sources: Mapping[str, Source]
    authority: Authority
    settings: RegistrySettings
    known: Known
    refused: Callable[[int], None] = lambda _count: None
    turns: Turns = field(default_factory=Turns)

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
        made = [await self._drafts(definition, caller) for definition in definitions]
        plan = Plan(
            kept=self.book.kept,
            settings=self.settings,
            known=lambda scope, name: self._known(scope, name, caller),
            holders=self.book.registry.holders,
            replace=how.replace,
        )
        answers = [
            Answer(faults=found) if found else _added(plan, new, skipped)
            for new, found, skipped in made
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
            steps = [self._step(draft) for draft in plan.drafts.values()]
            self.book.commit(steps, caller)
        return answers

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
        with kept():
            return self.book.history.before(number, most, name, own)

    async def _drafts(
        self, definition: pb.ToolDefinition, caller: Principal
    ) -> tuple[list[Draft], list[Fault], list[Fault]]:
        kind = definition.WhichOneof("source")
        source = self.sources.get(kind or "")
        if source is None:
            said = f"the source {kind} is not supported by this server" if kind else "is required"
            one_of = ", ".join(sorted(self.sources))
            said = f"{said}; give one of {one_of}"
            return [], [faults.Fault("/source", "SOURCE_UNKNOWN", said)], []
        try:
            scope = self.authority.new(caller, definition.scope)
            offers = await source.offer(definition, caller)
        except CallRefused as refused:
            return [], list(faults.of_refusal(refused)), []
        except ValueError as exc:  # more than its carrier takes
            return [], [faults.Fault("", "DEFINITION_INVALID", str(exc))], []
        skipped = faults.of_offers(offers)
        if not offers:
            none = faults.Fault("", "NO_TOOLS", "it stands for no tool; name another source")
            return [], [none, *skipped], []
        origin = Origin(
            definition=definition.SerializeToString(deterministic=True),
            scope=scope,
            by=caller.name,
            time=self.book.clock(),
            tools=len(offers),
        )
        return *await self._checked(offers, origin), skipped

    async def _checked(
        self, offers: Sequence[Offered], origin: Origin
    ) -> tuple[list[Draft], list[Fault]]:
        drafts, found = [], []
        for each in offers:
            try:
                async with self.turns.of(origin.by):
                    drafts.append(await in_thread(self.maker.draft, each, origin))
            except making.BROKEN as exc:
                found.append(faults.of_manifest(exc))
        return drafts, found

    def _known(self, scope: Scope, name: str, caller: Principal) -> str:
        """
        What everybody has by a name, as far as that stands in the way in that scope.
        """
        if scope == GLOBAL:
            of_bundles = (t for t in self.book.registry.of_name(name) if t.bundle != REGISTERED)
            found = next(of_bundles, None)
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

    def _step(self, draft: Draft) -> Step:
        tool = draft.registration.tool
        before = self.book.kept.of(tool.scope, tool.name).get(tool.version)
        what = "registered" if before is None else "replaced"
        return Step(what, before, draft.registration, draft)


def _added(plan: Plan, drafts: Sequence[Draft], skipped: Sequence[Fault]) -> Answer:
    made, found = plan.add(drafts)
    return Answer([each.tool for each in made], found, skipped)
