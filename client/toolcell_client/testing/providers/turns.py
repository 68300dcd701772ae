"""
What a scripted model says, in one notation for all providers.

    Says("Let me see.")                                   text
    Calls(("add", {"a": 1, "b": 2}), ("now", {}))         two parallel calls
    Calls(("add", '{"a": 1'), finish="length")            arguments as the model wrote them
    Then(lambda view: Says(f"It is {view.results[0].text}."))
    Fails(429, retry_after=1)                             the provider answers with an error

What follows the calls or the text, by keyword, are the fields of `How`: the ways to misbehave.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import threading

    from toolcell_client.testing.providers.view import View

Arguments = Mapping[str, Any] | str


@dataclass(frozen=True, slots=True, kw_only=True)
class How:
    """
    How a turn reaches the client.

    `finish`: "end", "calls", "length", "refused" or "cancelled" instead of what is true.
    `cut_after`: break the connection after that many events; counted from the end if negative.
    `hold`: send nothing before this event is set (a server that stops sets it).
    `hold_after`: with `hold`, so many events first.  Realtime: see `realtime/speaking.py`.
    `piece_characters`: of text or arguments in one event.  `write_bytes`: in one write to the
    socket, None: as it comes.  `ids`: of the calls, in order, as `("a", "a")`.
    `repeat_ids`: the id and the name in every chunk; `without_index`: chunks of calls that have
    none; `interleaved`: a piece of each call in turn (all three: OpenAI chat only).
    `thought`: what a reasoning model keeps to itself; it has to be sent back where the provider
    wants it.
    """

    finish: str | None = None
    cut_after: int | None = None
    hold: threading.Event | None = None
    hold_after: int = 0
    piece_characters: int = 8
    write_bytes: int | None = None
    ids: tuple[str, ...] = ()
    repeat_ids: bool = False
    without_index: bool = False
    interleaved: bool = False
    thought: str = ""


@dataclass(frozen=True, slots=True)
class Turn:
    """
    One response of a model.
    """

    text: str = ""
    calls: tuple[tuple[str, Arguments], ...] = ()
    how: How = field(default_factory=How)

    @property
    def finish(self) -> str:
        """
        Why it ends.
        """
        return self.how.finish or ("calls" if self.calls else "end")


@dataclass(frozen=True, slots=True)
class Then:
    """
    A turn that depends on what has been said and answered.
    """

    decide: Callable[[View], Turn | Fails]


@dataclass(frozen=True, slots=True)
class Fails:
    """
    The provider answers with an error; `retry_after` in seconds, None: it does not say.
    """

    status: int
    message: str = ""
    retry_after: float | None = None


Step = Turn | Then | Fails
Model = Callable[["View"], Turn | Fails]


def Says(text: str, **how: Any) -> Turn:  # noqa: N802  # reads as a sentence in scripts
    """
    Text, and no call.
    """
    return Turn(text, (), How(**how))


def Calls(  # noqa: N802  # reads as a sentence in scripts
    *calls: tuple[str, Arguments], text: str = "", **how: Any
) -> Turn:
    """
    Calls of one turn, each a name and its arguments; `text` comes before them.
    """
    return Turn(text, calls, How(**how))


def written(arguments: Arguments) -> str:
    """
    Arguments as JSON text; text stays as the model wrote it.
    """
    if isinstance(arguments, str):
        return arguments
    return json.dumps(arguments, ensure_ascii=False, separators=(",", ":"))
