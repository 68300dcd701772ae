"""
Tools that are offered to a framework, and their calls.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, TypedDict

from toolcell_client.frameworks.asked import Asked
from toolcell_client.frameworks.async_carrying import AsyncCarrier
from toolcell_client.frameworks.carrying import Carrier
from toolcell_client.frameworks.one_call import OneCall
from toolcell_client.loops.approving import Approve
from toolcell_client.loops.kept import READ_RESULT
from toolcell_client.loops.settings import TurnSettings

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from toolcell_client.async_client import AsyncClient
    from toolcell_client.client import Client
    from toolcell_client.formats.offered import OfferedTool
    from toolcell_client.formats.toolset import Toolset
    from toolcell_client.frameworks.carrying import Hear
    from toolcell_client.limits import Limits
    from toolcell_client.loops.approving import Ask
    from toolcell_client.loops.bounding import Bounds
    from toolcell_client.loops.kept import KeptResults
    from toolcell_client.requests import Grants


class ToolOptions(TypedDict, total=False):
    """
    Options of a framework's tools; every one may be left out.
    """

    category: str  # tools of this category only
    tags: Iterable[str]  # tools with all of these tags only
    extra: Iterable[OfferedTool]  # others, which the server does not have
    toolset: Toolset | None  # these, and nothing is listed
    on_event: Hear | None  # told what executions report, as `ExecutionEvent`
    approve: Ask | None  # asked about calls that need a yes, instead of what the framework has
    bounds: Bounds  # of what the model is told
    kept: KeptResults | None  # where results that were cut are kept for `read_result`
    timeout: float | None  # of each call; this and the rest are as for `run`
    limits: Limits
    grants: Grants
    minimum_isolation: str | int
    labels: Mapping[str, str]
    no_cache: bool
    session_id: str


# Options of a turn that a framework has made already, when it hands over a call.
OF_A_TURN = ("only", "auto_execute", "max_concurrent_calls", "early", "turn_id")


def nothing(_: object) -> None:
    """
    Hear nothing.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """
    The same, checked: what is listed, how calls are sent, and who hears of them.
    """

    listing: Mapping[str, Any]
    settings: TurnSettings
    toolset: Toolset | None
    hear: Hear

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> Options:
        """
        Raises:
            TypeError: an option is unknown, or of the wrong type.
            ValueError: an option has a value that cannot be used.
        """
        rest = dict(options)
        for name in OF_A_TURN:
            if name in rest:
                raise TypeError(f"{name} is of a whole turn, and the framework makes those")
        listing: dict[str, Any] = {
            name: rest.pop(name) for name in ("category", "tags", "extra") if name in rest
        }
        if rest.get("session_id"):
            listing["session_id"] = rest["session_id"]
        hear, toolset = rest.pop("on_event", None) or nothing, rest.pop("toolset", None)
        settings = TurnSettings.of(**rest)
        return cls(listing=listing, settings=settings, toolset=toolset, hear=hear)


@dataclass(slots=True, kw_only=True)
class Offering:
    """
    Tools and how they are called.  Where results that were cut are kept, `read_result` is one of
    them from the beginning: a framework may list tools only once.
    """

    carrier: Carrier | AsyncCarrier
    toolset: Toolset
    options: Options
    asked: Asked = field(default_factory=Asked)

    def __post_init__(self) -> None:
        keeps = self.options.settings.kept is not None
        if keeps and self.toolset.tools.get(READ_RESULT.name) is not READ_RESULT:
            self.toolset = self.toolset.with_tools([READ_RESULT])

    def call(self, name: str, arguments: str | Mapping[str, Any], call_id: str = "") -> OneCall:
        """
        A call; one that waits for somebody else's yes, at the server, is tried again at once.
        """
        call = self.found(name, arguments, call_id)
        if call.question is not None and call.question.kind == "approve":
            call.decide(Approve())
        return call

    def found(
        self,
        name: str,
        arguments: str | Mapping[str, Any],
        call_id: str,
        turn_id: str = "",
    ) -> OneCall:
        """
        A call as it waits already, or a new one, of a turn of that name.
        """
        settings = self.options.settings
        if turn_id:
            settings = replace(settings, turn_id=turn_id)
        made = OneCall(self.toolset, settings, name, arguments, call_id)
        return self.asked.take(made) or made

    def left(self, call: OneCall) -> None:
        """
        A call whose framework goes on: somebody may approve it at the server meanwhile.
        """
        if call.question is not None and call.question.kind == "approve":
            self.asked.keep(call)


def offering(client: Client, names: tuple[str, ...], options: Options, asked: Asked) -> Offering:
    """
    Raises:
        NoSuchTools: a name cannot be offered.
        ToolcellError: the server does not list its tools.
    """
    toolset = options.toolset or client.toolset(*names, **options.listing)
    carrier = Carrier(client, options.settings)
    return Offering(carrier=carrier, toolset=toolset, options=options, asked=asked)


async def async_offering(
    client: AsyncClient, names: tuple[str, ...], options: Options, asked: Asked
) -> Offering:
    """
    The same with an `AsyncClient`.
    """
    toolset = options.toolset or await client.toolset(*names, **options.listing)
    carrier = AsyncCarrier(client, options.settings)
    return Offering(carrier=carrier, toolset=toolset, options=options, asked=asked)
