"""
One response that is about to be sent: a turn of the model with ids and usage.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from toolcell_client.testing.providers.turns import written

if TYPE_CHECKING:
    from toolcell_client.testing.providers.refusing import Refused
    from toolcell_client.testing.providers.tokens import Usage
    from toolcell_client.testing.providers.turns import Arguments, Turn
    from toolcell_client.testing.providers.view import View

CREATED = 1_700_000_000  # seconds; a clock would make two runs differ

NewId = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class MadeCall:
    """
    A call with its id.  `arguments` is JSON text, or what the model wrote instead.
    """

    call_id: str
    name: str
    arguments: str
    value: Arguments


@dataclass(frozen=True, slots=True)
class Reply:
    """
    What is sent, in no provider's words yet.  `new_id(prefix)` gives ids for parts.
    """

    reply_id: str
    view: View
    turn: Turn
    calls: tuple[MadeCall, ...]
    usage: Usage
    new_id: NewId
    body: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Request:
    """
    What came.  Names of headers are in lower case; `query` has the first value of each name.
    """

    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: dict[str, Any]


class Prefixes(Protocol):
    """
    How ids of an endpoint begin.
    """

    provider: str
    reply_prefix: str
    call_prefix: str


class Wire(Prefixes, Protocol):
    """
    The wire format of one endpoint.
    """

    wrong_key_status: int

    def authorize(self, headers: Mapping[str, str], query: Mapping[str, str]) -> str:
        """
        The key that the client has.

        Raises:
            Refused: it has none.
        """
        ...

    def read(self, request: Request) -> View:
        """
        Check everything that the provider checks.

        Raises:
            Refused: with the provider's words.
        """
        ...

    def whole(self, reply: Reply) -> dict[str, Any]:
        """
        The response as one JSON object.
        """
        ...

    def events(self, reply: Reply) -> Iterator[str]:
        """
        The response as server-sent events, each a text that ends with an empty line.
        """
        ...

    def error(self, refused: Refused) -> dict[str, Any]:
        """
        The body of an error.
        """
        ...


def made(turn: Turn, new_id: NewId, prefix: str) -> tuple[MadeCall, ...]:
    """
    The calls of a turn, with the ids that it names, else new ones.
    """
    return tuple(
        MadeCall(
            turn.how.ids[at] if at < len(turn.how.ids) else new_id(prefix),
            name,
            written(arguments),
            arguments,
        )
        for at, (name, arguments) in enumerate(turn.calls)
    )


def pieces(text: str, characters: int) -> list[str]:
    """
    A text in parts of so many characters; none of an empty one.
    """
    return [text[at : at + characters] for at in range(0, len(text), characters)]
