"""
Credentials that are added to requests: sent, never shown.  Pure.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from toolcell_server.egress.http_fields import ESSENTIAL, HOP_BY_HOP, TOKEN
from toolcell_server.hidden import Hidden

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

# What is shorter is found in many a header by chance, and is no secret.
ECHO_BYTES: Final = 8

_VALUE: Final = re.compile(r"[\x21-\x7e](?:[\t\x20-\x7e]*[\x21-\x7e])?")


class Secret(Hidden[str]):
    """
    A header value.
    """

    __slots__ = ()

    def __init__(self, value: str) -> None:
        """
        Raises:
            ValueError: a header cannot carry it.  The text does not hold it, nor does the cause.
        """
        if not _VALUE.fullmatch(value):
            raise ValueError("a secret must be printable ASCII, without blanks around it")
        super().__init__(value)


def check_names(extra_headers: Sequence[tuple[str, Secret]]) -> None:
    """
    Raises:
        ValueError: a name is not that of a header which may be added.
    """
    for name, _ in extra_headers:
        raw = name.encode("utf-8", "replace")
        if not TOKEN.fullmatch(raw) or raw.lower() in HOP_BY_HOP | ESSENTIAL | {b"expect"}:
            raise ValueError(f"{name!r} cannot be added to a request")


def with_secrets(
    headers: Iterable[tuple[bytes, bytes]], extra_headers: Sequence[tuple[str, Secret]]
) -> list[tuple[bytes, bytes]]:
    """
    The headers with these added; the client's own of the same names are gone.
    """
    added = [(name.encode(), secret.reveal().encode()) for name, secret in extra_headers]
    names = {_alike(name) for name, _ in added}
    return [each for each in headers if _alike(each[0]) not in names] + added


def _alike(name: bytes) -> bytes:
    """
    Names that a gateway (CGI, WSGI) takes for one: X_Key beside X-Key could win there.
    """
    return name.lower().replace(b"_", b"-")


class Echoes:
    """
    Finds in a response's head what was added to requests of the same connection.

    Best effort: it finds the value as it was sent, and the token behind a scheme ("Bearer x").  It
    does not find what the server encoded, and it does not look into bodies: a server that is
    trusted with a credential can always give it away.
    """

    def __init__(self) -> None:
        self._sent: set[bytes] = set()

    def remember(self, extra_headers: Sequence[tuple[str, Secret]]) -> None:
        for _, secret in extra_headers:
            value = secret.reveal().encode()
            tokens = {value, value.rpartition(b" ")[2]}
            self._sent |= {each for each in tokens if len(each) >= ECHO_BYTES}

    def found_in(self, *texts: bytes) -> bool:
        return any(each in text for each in self._sent for text in texts)

    def __repr__(self) -> str:
        return f"Echoes({len(self._sent)})"
