"""
From definitions to what would be registered: everything that takes time, and touches nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from toolcell_server.defining.checking import check
from toolcell_server.defining.definitions import check_definition
from toolcell_server.defining.faults import Fault
from toolcell_server.refusals import CallRefused
from toolcell_server.registering import faults, making
from toolcell_server.registering.making import Origin
from toolcell_server.registering.turns import Turns, in_thread

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from toolcell.v1 import registry_pb2 as pb

    from toolcell_server.principal import Principal
    from toolcell_server.registering.authority import Authority, Wanted
    from toolcell_server.registering.making import Maker
    from toolcell_server.registering.offered import Offered, Source
    from toolcell_server.registering.registration import Draft

Made = TypeVar("Made")


@dataclass(slots=True, kw_only=True)
class Drafting:
    """
    `sources` are by the name of their field in ToolDefinition.  Lives on one event loop.
    """

    maker: Maker
    sources: Mapping[str, Source]
    authority: Authority
    clock: Callable[[], float]
    turns: Turns = field(default_factory=Turns)

    async def drafts(
        self, definition: pb.ToolDefinition, caller: Principal, wanted: Wanted
    ) -> tuple[list[Draft], list[Fault]]:
        """
        What a definition would register in a scope, or what is wrong with it.
        """
        kind = definition.WhichOneof("source")
        source = self.sources.get(kind or "")
        if source is None:
            said = f"the source {kind} is not supported by this server" if kind else "is required"
            one_of = ", ".join(sorted(self.sources))
            return [], [Fault("/source", "SOURCE_UNKNOWN", f"{said}; give one of {one_of}")]
        if wrong := await self._in_turn(caller.name, check_definition, definition):
            return [], wrong
        try:
            scope = self.authority.new(caller, wanted)
            offers = await source.offer(definition, caller)
        except CallRefused as refused:
            return [], list(faults.of_refusal(refused))
        except ValueError as exc:  # more than its carrier takes
            return [], [Fault("", "DEFINITION_INVALID", str(exc))]
        if not offers:
            return [], [Fault("", "NO_TOOLS", "it stands for no tool; name another source")]
        origin = Origin(
            definition=definition.SerializeToString(deterministic=True),
            scope=scope,
            by=caller.name,
            time=self.clock(),
            tools=len(offers),
        )
        return await self._checked(offers, origin)

    async def _checked(
        self, offers: Sequence[Offered], origin: Origin
    ) -> tuple[list[Draft], list[Fault]]:
        drafts, found = [], list[Fault]()
        for each in offers:
            manifest = dict(each.manifest)
            found += await self._in_turn(origin.by, check, manifest, faults.MANIFEST)
            if found:
                continue
            try:
                drafts.append(await self._in_turn(origin.by, self.maker.draft, each, origin))
            except making.BROKEN as exc:
                found.append(faults.of_manifest(exc))
        return drafts, found

    async def _in_turn(self, whose: str, work: Callable[..., Made], *given: Any) -> Made:
        async with self.turns.of(whose):
            return await in_thread(work, *given)
