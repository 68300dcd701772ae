"""
What definitions would register, and what is wrong with them.  Nothing is kept yet.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from toolcell_server.defining.checking import check
from toolcell_server.defining.definitions import check_definition
from toolcell_server.defining.faults import Fault
from toolcell_server.refusals import CallRefused
from toolcell_server.registering import faults, making
from toolcell_server.registering.making import Origin
from toolcell_server.threads import in_thread

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from toolcell.v1 import registry_pb2 as pb

    from toolcell_server.principal import Principal
    from toolcell_server.registering.authority import Authority, Wanted
    from toolcell_server.registering.book import Book
    from toolcell_server.registering.making import Maker
    from toolcell_server.registering.offered import Offered, Source
    from toolcell_server.registering.registration import Draft
    from toolcell_server.registering.turns import Turns

Made = TypeVar("Made")


class Drafted(NamedTuple):
    """
    What one definition would register, or what is wrong with it; and what of it is no tool.
    """

    drafts: Sequence[Draft] = ()
    faults: Sequence[Fault] = ()
    skipped: Sequence[Fault] = ()


@dataclass(slots=True, kw_only=True)
class Drafting:
    """
    Drafts for who may register.  `sources` are by the name of their field in ToolDefinition.
    """

    book: Book
    maker: Maker
    sources: Mapping[str, Source]
    authority: Authority
    turns: Turns

    async def drafts(
        self, definition: pb.ToolDefinition, caller: Principal, wanted: Wanted
    ) -> Drafted:
        """
        What a definition would register in a scope, or what is wrong with it.
        """
        kind = definition.WhichOneof("source")
        source = self.sources.get(kind or "")
        if source is None:
            said = f"the source {kind} is not supported by this server" if kind else "is required"
            one_of = ", ".join(sorted(self.sources))
            return _wrong("/source", "SOURCE_UNKNOWN", f"{said}; give one of {one_of}")
        if wrong := await self._in_turn(caller.name, check_definition, definition):
            return Drafted(faults=wrong)
        try:
            scope = self.authority.new(caller, wanted)
            offers = await source.offer(definition, caller)
        except CallRefused as refused:
            return Drafted(faults=faults.of_refusal(refused))
        except ValueError as exc:  # more than its carrier takes
            return _wrong("", "DEFINITION_INVALID", str(exc))
        skipped = faults.of_offers(offers)
        if not offers:
            return _wrong("", "NO_TOOLS", "it stands for no tool; name another source", skipped)
        origin = Origin(
            definition=definition.SerializeToString(deterministic=True),
            scope=scope,
            by=caller.name,
            time=self.book.clock(),
            tools=len(offers),
        )
        return Drafted(*await self._checked(offers, origin), skipped)

    async def _checked(
        self, offers: Sequence[Offered], origin: Origin
    ) -> tuple[list[Draft], list[Fault]]:
        drafts, found = [], list[Fault]()
        for each in offers:
            found += await self._in_turn(origin.by, check, dict(each.manifest), faults.MANIFEST)
            if found:
                continue
            try:
                drafts.append(await self._in_turn(origin.by, self.maker.draft, each, origin))
            except making.BROKEN as exc:
                found.append(faults.of_manifest(exc))
        return drafts, found

    async def _in_turn(self, principal: str, work: Callable[..., Made], *given: Any) -> Made:
        async with self.turns.of(principal):
            return await in_thread(work, *given)


def _wrong(path: str, code: str, message: str, more: Sequence[Fault] = ()) -> Drafted:
    return Drafted(faults=[Fault(path, code, message), *more])
