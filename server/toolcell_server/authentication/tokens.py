"""
Static tokens: long random texts, of which the server knows the SHA-256.

Theory of operation.  A token has 256 random bits (`toolcell token new`), so a fast hash is enough:
there is nothing to guess, and a slow one would make each call slow.  The hash is looked up under
another, keyed with what this process drew at its start: how long a look-up compares tells something
about that one, of which nobody outside can say what belongs to it.

Tokens come from the settings, from a file of them, and from references; each source is read again
by itself, so that one that is broken does not keep another's revocation from being heard.
"""

from __future__ import annotations

import hashlib
import secrets
import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from toolcell_server.authentication.verified import Verified
from toolcell_server.reloading import Reloaded
from toolcell_server.settings.identities import TokenSettings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from toolcell_server.authentication.verified import Expand
    from toolcell_server.settings import AuthSettings

_MOST_DIGESTS = 1024  # arbitrary
MINIMUM_CHARACTERS = 20  # of a token that is kept by reference; far below what we make


@dataclass(frozen=True, slots=True)
class Table:
    """
    The tokens of one source, by place; and the principals that it names.
    """

    tokens: Mapping[bytes, Verified]
    names: frozenset[str]


def digest_of(token: str) -> bytes:
    """
    The SHA-256 by which a token is known.
    """
    return hashlib.sha256(token.encode()).digest()


class Digests:
    """
    `digest_of` tokens, of which the last ones are known by heart: under a hash that is keyed with
    what this process drew, so that no token stays in memory, and that takes a third of the time.
    """

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)
        self._known: dict[bytes, bytes] = {}

    def of(self, token: str) -> bytes:
        place = hashlib.blake2b(token.encode(), key=self._key).digest()
        digest = self._known.get(place)
        if digest is None:
            if len(self._known) >= _MOST_DIGESTS:
                self._known.clear()
            digest = self._known[place] = digest_of(token)
        return digest


class StaticTokens:
    """
    Who each token is of.  `failing` makes, for each source, what is told whether it is broken.

    Raises:
        SecretUnavailable: a reference, or the file of tokens, cannot be read.
        ValueError: what was read is no token.
        SettingsError: the file of tokens cannot be used.
    """

    def __init__(
        self,
        settings: AuthSettings,
        expand: Expand,
        failing: Callable[[], Callable[[bool], None]] = lambda: lambda _: None,
    ) -> None:
        self._expand = expand
        self._key = secrets.token_bytes(32)
        self._listed = self._table(token for token in settings.tokens if not token.reference)
        self._kept: list[Reloaded[Table]] = [
            Reloaded(
                f"token of {token.principal.name}",
                [token.reference],
                lambda data, token=token: self._referred(token, data),
                failing=failing(),
            )
            for token in settings.tokens
            if token.reference
        ]
        if settings.tokens_file:
            what = f"tokens of {settings.tokens_file.name}"
            references = [settings.tokens_file]
            self._kept.append(Reloaded(what, references, self._filed, failing=failing()))

    def find(self, digest: bytes) -> Verified | None:
        """
        Whose token it is that has this SHA-256; None: nobody's.  It may have expired.
        """
        place = self._place(digest)
        found = (table.tokens.get(place) for table in self._tables())
        return next(filter(None, found), None)

    def name(self, principal: str) -> bool:
        """
        Whether there is a token of a principal of that name.
        """
        return any(principal in table.names for table in self._tables())

    def _tables(self) -> Iterator[Table]:
        yield self._listed
        for each in self._kept:
            yield each.current()

    def _place(self, digest: bytes) -> bytes:
        return hashlib.blake2b(digest, key=self._key).digest()

    def _table(self, tokens: Iterable[TokenSettings]) -> Table:
        return self._made((token, token.digest) for token in tokens)

    def _made(self, tokens: Iterable[tuple[TokenSettings, bytes]]) -> Table:
        known = {
            self._place(digest): Verified(self._expand(token.principal), token.expires)
            for token, digest in tokens
        }
        return Table(known, frozenset(each.principal.name for each in known.values()))

    def _referred(self, token: TokenSettings, data: bytes) -> Table:
        text = data.decode("ascii", "replace").strip()
        if len(text) < MINIMUM_CHARACTERS or not text.isascii() or not text.isprintable():
            what = f"is no token of at least {MINIMUM_CHARACTERS} characters of printable ASCII"
            raise ValueError(f"{token.reference} {what}")
        return self._made([(token, digest_of(text))])

    def _filed(self, data: bytes) -> Table:
        try:
            found = tomllib.loads(data.decode())
        except (ValueError, RecursionError):  # its text could show a line of the file
            raise ValueError("is not TOML in UTF-8") from None
        if extra := found.keys() - {"tokens"}:
            raise ValueError(f"has {min(extra)!r}; write only [[tokens]]")
        return self._table(TokenSettings.build("tokens", found.get("tokens", []), inline=True))
