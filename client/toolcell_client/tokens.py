"""
The bearer token of a client, and where it may be sent.

Theory of operation.  A token is whoever has it.  So it leaves this process over TLS, or to a place
that is this host's for sure; what is not recognised as such is refused, and so is an
`authorization` in the metadata.  gRPC sends calls of a plain-text channel through a proxy if the
environment names one, also those to this host: then that is switched off.

A token from a file is read again when the file changes, looked at once a second at most; one that
vanishes or is emptied keeps the last one, which the server will judge.
"""

from __future__ import annotations

import ipaddress
import os
import re
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

KEY: Final = "authorization"
PREFIX: Final = "tc_"  # of what `toolcell token new` makes: scanners for leaked secrets know it
LOOK_SECONDS: Final = 1.0
MAXIMUM_CHARACTERS: Final = 8192
_SIGNED: Final = "eyJ"  # how a JWT begins: {" in base64
_LONGEST_NAME: Final = 40  # characters of a name of a file that begins like a token
_TOKEN: Final = re.compile(r"[A-Za-z0-9\-._~+/]+={0,2}\Z", re.ASCII)
_ADDRESS: Final = re.compile(
    r"(?:\[(?P<six>[0-9a-fA-F:]+)\]|(?P<host>[^\s:/\[\],]+))(?::[0-9]+)?\Z"
)


class Token(Protocol):
    """
    Where a token comes from.
    """

    def current(self) -> str:
        """
        The token as it is now.

        Raises:
            ValueError: there is none that can be sent; the text does not hold it.
        """
        ...


class Given:
    """
    A token that was given as a text.
    """

    def __init__(self, token: str) -> None:
        self._token = checked(token, "token")

    def current(self) -> str:
        return self._token


class Called:
    """
    A token that a function makes or finds, called for each RPC: it must be quick.
    """

    def __init__(self, function: Callable[[], str]) -> None:
        self._function = function

    def current(self) -> str:
        return checked(self._function(), "what credentials() returned")


class InFile:
    """
    A token in a file.

    Raises:
        ValueError: the file cannot be read, or holds no token.
    """

    def __init__(self, path: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._path = path
        self._clock = clock
        try:
            self._version = self._seen()
            self._token = self._read()
        except OSError as exc:
            raise ValueError(_unread(path, exc)) from None
        self._next = clock() + LOOK_SECONDS

    def current(self) -> str:
        if self._clock() >= self._next:
            self._next = self._clock() + LOOK_SECONDS
            self._look()
        return self._token

    def _look(self) -> None:
        try:
            version = self._seen()
            if version != self._version:
                self._token = self._read()
                self._version = version
        except (OSError, ValueError):  # half-written, or gone for a moment: the last one stays
            return

    def _seen(self) -> tuple[int, int, int, int]:
        found = Path(self._path).stat()
        return found.st_dev, found.st_ino, found.st_mtime_ns, found.st_size

    def _read(self) -> str:
        with Path(self._path).open("rb") as file:
            text = file.read(MAXIMUM_CHARACTERS + 2)
        return checked(text.decode("ascii", "replace").strip(), f"token file {self._path}")


def _unread(path: str, error: OSError) -> str:
    """
    Why a file cannot be read; its name is not repeated if it is the token.
    """
    if path.startswith((PREFIX, _SIGNED)) and len(path) > _LONGEST_NAME:
        return "what was given as a token file is a token itself; give the name of a file with it"
    return f"token file {path} cannot be read: {error.strerror}; name one that is yours to read"


def checked(token: str, what: str) -> str:
    """
    A token that fits into the header.

    Raises:
        ValueError: it does not; the text does not hold it.
    """
    if not isinstance(token, str) or len(token) > MAXIMUM_CHARACTERS or not _TOKEN.match(token):
        allowed = f"1 to {MAXIMUM_CHARACTERS} letters, digits and - . _ ~ + /"
        raise ValueError(f"{what} is no bearer token: it must be {allowed}")
    return token


def source(
    token: str, token_file: str | os.PathLike[str], function: Callable[[], str] | None = None
) -> Token | None:
    """
    The one place that a token comes from; None: there is none.

    Raises:
        ValueError: there is more than one, or what is there cannot be used.
    """
    given = [name for name, value in (("token", token), ("token_file", token_file)) if value]
    given += ["credentials"] if function else []
    if len(given) > 1:
        raise ValueError(f"{' and '.join(given)} both say what the token is; give one of them")
    if token:
        return Given(token)
    if token_file:
        return InFile(os.fspath(token_file))
    return Called(function) if function else None


def stays_here(target: str) -> bool:
    """
    Whether what is sent to a target of gRPC stays on this host.
    """
    scheme, colon, rest = target.partition(":")
    if colon and scheme in ("unix", "unix-abstract"):
        return True
    if scheme in ("ipv4", "ipv6"):
        return all(map(_is_loopback, rest.split(",")))
    return _is_loopback(target.removeprefix("dns:").removeprefix("///"))


def _is_loopback(address: str) -> bool:
    found = _ADDRESS.match(address)
    host = (found["six"] or found["host"]) if found else ""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
