"""
The gate that looks at arguments for injections, where a tool or the operator asks for it.

Theory of operation.  Screens are a help for tools that hand texts on to an interpreter, never a
replacement for the walls: who knows them gets around them, and what gets around them meets the
grant.  They stand after the schema, so that they see what the tool would get.

A hit refuses the call, or is reported: as a `denied` event with `reported_only`, in the log and in
`toolcell_screened_total`.  Neither ever shows the text, nor what in it was found.  When the texts
at the screened places of one call are too long to be looked at in bounded time, nobody can say that
they are harmless: that is a hit of the kind `unreadable`.
"""

from __future__ import annotations

import dataclasses
import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from toolcell.v1 import execution_pb2 as pb

from toolcell_server.arguments.places import Place, pointer_of, texts
from toolcell_server.per_tool import PerTool
from toolcell_server.refusals import Screened
from toolcell_server.screens import looks_like
from toolcell_server.screens.readings import MAXIMUM, Unreadable

if TYPE_CHECKING:
    import contextlib
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from toolcell_server.gates import Call
    from toolcell_server.settings.arguments import ScreenSettings
    from toolcell_server.tool import Tool

FIELD: Final = "arguments_json"
UNREADABLE: Final = "unreadable"
_MOST_HITS: Final = 32  # of one call; ten thousand say no more
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Screen:
    """
    What the texts at or below a place must not look like.
    """

    place: Place
    kinds: tuple[str, ...]
    refuses: bool


@dataclass(frozen=True, slots=True)
class Hit:
    """
    What a text looks like; `at` is a pointer into the arguments, for the caller, whose keys are in
    it; `place` is what the screen calls it, for the log.
    """

    at: str
    place: str
    kind: str
    refuses: bool


@dataclass(frozen=True, slots=True)
class Screening:
    """
    `always` are the operator's screens, `refuse_all` makes a refusal of every hit; `counted` is
    called with the kind and "refused" or "reported".
    """

    always: tuple[ScreenSettings, ...] = ()
    refuse_all: bool = False
    counted: Callable[[str, str], None] = lambda _kind, _action: None
    _of_tools: PerTool[tuple[Screen, ...]] = field(
        default_factory=PerTool, init=False, repr=False, compare=False
    )

    async def let_pass(self, call: Call, _resources: contextlib.ExitStack) -> Call:
        """
        As `Gate.let_pass`.

        Raises:
            Screened: a text looks like an attack, and its screen refuses.
        """
        screens = self._of(call.tool)
        if not screens:
            return call
        hits = find(call.arguments, screens)
        if not hits:
            return call
        refused = [hit for hit in hits if hit.refuses]
        for hit in refused or hits:
            self._tell(call, hit, "refused" if refused else "reported")
        if refused:
            raise Screened([(f"{FIELD}{hit.at}", hit.kind) for hit in refused])
        reports = tuple(map(_denied, hits))
        return dataclasses.replace(call, reports=(*call.reports, *reports))

    def _tell(self, call: Call, hit: Hit, action: str) -> None:
        if call.request.validate_only:
            return  # it leaves no trace in a count
        self.counted(hit.kind, action)
        fields = {
            "tool": call.tool.name,
            "principal": call.principal.name,
            "call_id": call.request.call_id,
            "place": hit.place,
            "kind": hit.kind,
            "action": action,
        }
        _log.warning("screened", extra={"fields": fields})

    def _of(self, tool: Tool) -> tuple[Screen, ...]:
        if not tool.screens and not self.always:
            return ()
        return self._of_tools.get(tool, lambda tool: tuple(self._screens(tool)))

    def _screens(self, tool: Tool) -> Iterator[Screen]:
        refuses = self.refuse_all or tool.screen_action == "refuse"
        for at, kinds in tool.screens.items():
            yield Screen(Place.parse(at), tuple(kinds), refuses)
        for each in self.always:
            if each.tool in ("*", tool.name):
                refuses = self.refuse_all or each.action == "refuse"
                yield Screen(Place.parse(each.at), each.kinds, refuses)


def find(arguments: Mapping[str, object], screens: Iterable[Screen]) -> list[Hit]:
    """
    The first hits, once for each place and kind; those that refuse first.
    """
    hits: dict[Hit, None] = {}
    left = MAXIMUM
    for screen in sorted(screens, key=lambda screen: not screen.refuses):
        for place, value in screen.place.found(arguments):
            for trail, text in texts(value, place):
                left -= len(text)
                kinds = _kinds(text, screen.kinds) if left >= 0 else (UNREADABLE,)
                at, name = pointer_of(trail) if kinds else "", screen.place.text
                hits.update((Hit(at, name, kind, screen.refuses), None) for kind in kinds)
                if left < 0 or len(hits) >= _MOST_HITS:
                    return list(hits)
    return list(hits)


def _kinds(text: str, kinds: tuple[str, ...]) -> Sequence[str]:
    try:
        return looks_like(text, kinds)
    except Unreadable:
        return (UNREADABLE,)


def _denied(hit: Hit) -> pb.Denied:
    return pb.Denied(
        operation="screen",
        target=f"{FIELD}{hit.at}",
        reason=hit.kind,
        evidence=pb.EVIDENCE_OBSERVED,
        reported_only=True,
    )
