"""
What every provider's format can do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from toolcell_client.formats.unreadable import remedy_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from toolcell_client.formats.offered import Offer
    from toolcell_client.formats.turns import Answer, RawCall, WireTurn


class Accumulator(Protocol):
    """
    Puts a stream together.  Any chunking of the same response gives the same turn.
    """

    def add(self, event: Any) -> Sequence[str | RawCall]:
        """
        Take one event, a mapping or an object of the provider's SDK, and return what it brought:
        pieces of text, and each call once it is whole.  Events that say nothing new bring nothing.
        """
        ...

    def turn(self) -> WireTurn:
        """
        What came so far.  Calls that are not whole have a `problem`.
        """
        ...


class Format(Protocol):
    """
    The format of one provider.  Values in and out are plain: what `json.dumps` takes.
    """

    provider: str

    def definitions(self, offers: Sequence[Offer]) -> list[dict[str, Any]]:
        """
        The value of `tools` in a request.
        """
        ...

    def choice(self, mode: str, names: Sequence[str], *, parallel: bool | None) -> dict[str, Any]:
        """
        Fields of a request that say how the model may call: `mode` is "auto", "none", "required" or
        "one" (of `names`, which holds one); `names`, unless empty, are the only ones allowed.
        `parallel`: None leaves it to the provider.

        Raises:
            ValueError: the provider cannot be told this; says what to do instead.
        """
        ...

    def turn(self, response: Any) -> WireTurn:
        """
        Read one whole response, a mapping or an object of the provider's SDK.

        Raises:
            ValueError: it is no response of this provider.
        """
        ...

    def accumulator(self) -> Accumulator:
        """
        For one streamed response.
        """
        ...

    def results(self, answers: Sequence[Answer]) -> list[dict[str, Any]]:
        """
        Messages that answer all calls of one turn, in their order.
        """
        ...

    def said(self, role: str, text: str) -> dict[str, Any]:
        """
        A message of text; `role` is "user" or "assistant".
        """
        ...


def plain(value: Any) -> Mapping[str, Any]:
    """
    A response, message or event as a mapping; objects of SDKs are pydantic models.  What was not
    sent is left out, so that it goes back as it came.  SDKs read without validation, so a field may
    hold anything: no warnings of it.

    Raises:
        ValueError: it is neither.
    """
    if isinstance(value, dict):
        return value
    dump = getattr(value, "model_dump", None)
    if dump is None:
        kind = type(value).__name__
        raise ValueError(f"this is no response, message or event: {kind}{remedy_of(value)}")
    dumped: dict[str, Any] = dump(mode="json", by_alias=True, exclude_unset=True, warnings=False)
    return dumped
