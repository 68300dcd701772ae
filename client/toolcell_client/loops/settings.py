"""
What a program may say about the execution of one turn.
"""

from __future__ import annotations

import inspect
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, TypedDict

from toolcell_client.loops.bounding import Bounds
from toolcell_client.loops.kept import READ_RESULT
from toolcell_client.loops.models import comes_whole
from toolcell_client.requests import call_fields

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping
    from typing import Self

    from toolcell_client.formats.toolset import Toolset
    from toolcell_client.limits import Limits
    from toolcell_client.loops.approving import Ask
    from toolcell_client.loops.kept import KeptResults
    from toolcell_client.requests import CallOptions, Grants

MAXIMUM_CONCURRENT_CALLS = 64  # arbitrary; each takes a thread of a synchronous program
# Each call has its own, or none of them fits a call that a model made.
OF_EACH_CALL = ("call_id", "request_id", "version", "approval_token", "approval_pin", "detached")


class EachCall(TypedDict, total=False):
    """
    Options of `run` that every call of a loop gets.
    """

    timeout: float | None  # seconds, of each call
    limits: Limits
    grants: Grants
    minimum_isolation: str | int
    labels: Mapping[str, str]
    no_cache: bool
    session_id: str


class TurnOptions(EachCall, total=False):
    """
    Options of `run_tool_calls`, besides those of each call; every one may be left out.
    """

    toolset: Toolset | None  # what was offered; left out: every tool that can be called
    only: Collection[str] | None  # tools that were allowed for this response; None: all offered
    auto_execute: bool  # False: calls that would run become `pending`
    max_concurrent_calls: int  # 8; 1: one after the other, in the order of the calls
    approve: Ask | None  # asked about calls that need a yes; None: they become `pending`
    early: bool  # streams: begin a call once it is whole, while the model still speaks (True)
    bounds: Bounds  # of what the model is told
    kept: KeptResults | None  # where cut results are kept; None: at the client, for `read_result`
    turn_id: str  # names this turn of this conversation: see `planning`


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnSettings:
    """
    The same, checked.  `call` are the options that every call gets.
    """

    only: Collection[str] | None = None
    auto_execute: bool = True
    max_concurrent_calls: int = 8
    approve: Ask | None = None
    early: bool = True
    bounds: Bounds = field(default_factory=Bounds)
    kept: KeptResults | None = None
    turn_id: str = ""
    patience: Callable[[], float | None] | None = None  # of a call that begins now: its timeout
    call: CallOptions = field(default_factory=dict)  # type: ignore[assignment]  # empty, it is one

    @classmethod
    def of(cls, **options: Any) -> Self:
        """
        Raises:
            TypeError: an option is unknown, of the wrong type, or not for all calls of a turn.
            ValueError: an option has a value that cannot be used.
        """
        own = {name: options.pop(name) for name in list(options) if name in OWN}
        for name in OF_EACH_CALL:
            if name in options:
                raise TypeError(f"{name} is of one call; a turn has several, and sets it itself")
        call_fields("", None, **options)  # complains of what cannot be sent, once, to the program
        made = cls(**own, call=options)  # type: ignore[arg-type]  # checked above
        if not 1 <= made.max_concurrent_calls <= MAXIMUM_CONCURRENT_CALLS:
            raise ValueError(
                f"max_concurrent_calls is from 1 to {MAXIMUM_CONCURRENT_CALLS},"
                f" not {made.max_concurrent_calls}"
            )
        return made

    def keeping(self, kept: KeptResults, toolset: Toolset) -> Self:
        """
        The same, with a store if none was named and the toolset has what reads it.
        """
        offered = toolset.tools.get(READ_RESULT.name) is READ_RESULT
        return replace(self, kept=kept) if offered and self.kept is None else self


OWN = frozenset(
    (
        "only",
        "auto_execute",
        "max_concurrent_calls",
        "approve",
        "early",
        "bounds",
        "kept",
        "turn_id",
    )
)


def check_streamed(provider: str, response: object) -> None:
    """
    Raises:
        ValueError: what the provider streams is more than one response; or this is no stream.
    """
    if provider == "openai-realtime":
        raise ValueError(
            "a connection of openai-realtime has many responses and does not end with one: give"
            " each response.done without stream=True, or use toolcell_client.voice"
        )
    kind = type(response).__name__
    if comes_whole(response):
        raise ValueError(f"this {kind} is a whole response, no stream: leave out stream=True")
    if inspect.isawaitable(response):
        raise ValueError(f"this {kind} is no stream yet; await it first")


def check_toolset(toolset: object) -> None:
    """
    Raises:
        TypeError: it is none; a list of names or of definitions says less than calls need.
    """
    if not hasattr(toolset, "tools"):
        kind = type(toolset).__name__
        raise TypeError(f"toolset= takes what client.toolset(…) returns, not a {kind}")
