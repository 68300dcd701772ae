"""
Registers what was exported: all of a request or nothing.

Theory of operation.  As when tools are registered (`registering/registrar.py`): what takes time
comes first and touches nothing; then, in one turn of the event loop, it is found out what would
become of each definition, and if none is refused, all of it is done in one transaction, the
deprecations too.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

from toolcell.v1 import registry_pb2 as pb

from toolcell_server.defining.documents import Unreadable
from toolcell_server.defining.faults import Code, Fault
from toolcell_server.porting import entries
from toolcell_server.porting.entries import name_of
from toolcell_server.registering.authority import Wanted
from toolcell_server.registering.book import Step

if TYPE_CHECKING:
    from collections.abc import Sequence

    from toolcell_server.principal import Principal
    from toolcell_server.registering.plan import Plan
    from toolcell_server.registering.registrar import Registrar
    from toolcell_server.registering.registration import Draft, Registration

FAIL: Final = pb.IMPORT_CONFLICT_FAIL
SKIP: Final = pb.IMPORT_CONFLICT_SKIP
REPLACE: Final = pb.IMPORT_CONFLICT_REPLACE
_CONFLICTS: Final = frozenset({"ALREADY_REGISTERED", "NAME_TAKEN", "DEPRECATED_OTHERWISE"})


class Imported(NamedTuple):
    """
    What becomes of one definition; `steps` do it.
    """

    outcome: pb.ImportOutcome.ValueType
    tools: Sequence[str] = ()
    faults: Sequence[Fault] = ()
    steps: Sequence[Step] = ()


@dataclass(frozen=True, slots=True)
class Importer:
    """
    Imports by way of the registrar.
    """

    registrar: Registrar

    async def bring(
        self,
        encoded: Sequence[bytes],
        caller: Principal,
        conflict: pb.ImportConflict.ValueType,
        *,
        validate_only: bool,
    ) -> tuple[Sequence[Imported], bool]:
        """
        What became of each definition, and whether it was done.

        Raises:
            AuditFailed, StoreFailed: it cannot be written; nothing was done.
            NotPermitted: he may register nothing.
        """
        self.registrar.authority.check(caller)
        made = [await self._drafts(each, caller) for each in encoded]
        plan = self.registrar.plan(caller, replace=conflict == REPLACE)
        found = [
            _refused(faults) if faults else self._planned(plan, drafts, conflict)
            for drafts, faults in made
        ]
        done = not validate_only and not any(
            each.outcome == pb.IMPORT_OUTCOME_REFUSED for each in found
        )
        if done:
            self.registrar.book.commit([step for each in found for step in each.steps], caller)
        return found, done

    async def _drafts(self, encoded: bytes, caller: Principal) -> tuple[list[Draft], list[Fault]]:
        try:
            entry = entries.from_json(encoded)
        except Unreadable as exc:
            return [], exc.faults
        wanted = Wanted(entry.definition.scope, entry.principal, entry.session)
        drafted = await self.registrar.drafting.drafts(entry.definition, caller, wanted)
        drafts, faults = drafted.drafts, list(drafted.faults)
        names = {name_of(draft.registration.tool) for draft in drafts}
        if not faults and (missing := sorted((entry.names or set()) - names)):
            said = f"{missing[0]} is not a tool of this definition; leave it out"
            faults = [Fault("/names", Code.CONTRADICTION, said)]
        kept = [each for each in drafts if entry.names is None or _name(each) in entry.names]
        return [_deprecated(each, entry) for each in kept], faults

    def _planned(
        self, plan: Plan, drafts: Sequence[Draft], conflict: pb.ImportConflict.ValueType
    ) -> Imported:
        names = [_name(draft) for draft in drafts]
        made, faults = plan.add(drafts)
        if not faults:
            faults = [] if conflict == REPLACE else _otherwise(made, drafts)
        if faults and conflict == SKIP and all(fault.code in _CONFLICTS for fault in faults):
            return Imported(pb.IMPORT_OUTCOME_SKIPPED, names, faults)
        if faults:
            return Imported(pb.IMPORT_OUTCOME_REFUSED, names, faults)
        steps = [
            step
            for registration, draft in zip(made, drafts, strict=True)
            if (step := self._step(registration, draft))
        ]
        return Imported(_outcome(steps), names, steps=steps)

    def _step(self, made: Registration, draft: Draft) -> Step | None:
        """
        What makes a tool be as it was exported; None: it is.
        """
        if made is draft.registration:
            return self.registrar.step(draft)
        tool = draft.registration.tool
        after = made.deprecated(tool.deprecated, tool.sunset)
        if after == made:
            return None
        return Step("deprecated" if tool.deprecated else "reactivated", made, after)


def _deprecated(draft: Draft, entry: entries.Entry) -> Draft:
    """
    A draft with what was said of it when it was exported.
    """
    why = entry.deprecated.get(_name(draft))
    if why is None:
        return draft
    return dataclasses.replace(draft, registration=draft.registration.deprecated(*why))


def _otherwise(made: Sequence[Registration], drafts: Sequence[Draft]) -> list[Fault]:
    """
    Tools that are registered just so, but for what is said of their deprecation.
    """
    return [
        Fault(
            "/deprecated",
            "DEPRECATED_OTHERWISE",
            f"{_name(draft)} is registered, and deprecated otherwise; choose to replace or to skip",
        )
        for registration, draft in zip(made, drafts, strict=True)
        if (registration.tool.deprecated, registration.tool.sunset)
        != (draft.registration.tool.deprecated, draft.registration.tool.sunset)
    ]


def _outcome(steps: Sequence[Step]) -> pb.ImportOutcome.ValueType:
    if not steps:
        return pb.IMPORT_OUTCOME_UNCHANGED
    new = all(step.what == "registered" for step in steps)
    return pb.IMPORT_OUTCOME_REGISTERED if new else pb.IMPORT_OUTCOME_REPLACED


def _refused(faults: Sequence[Fault]) -> Imported:
    return Imported(pb.IMPORT_OUTCOME_REFUSED, faults=faults)


def _name(draft: Draft) -> str:
    return name_of(draft.registration.tool)
