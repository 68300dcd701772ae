"""
Whoever calls, by whatever he shows: the one place that knows in which order credentials count.

Theory of operation.  A token in the metadata beats the certificate of the connection: a proxy or an
orchestrator has the certificate, whoever it speaks for has the token.  A token that is not valid is
refused, though the certificate may be: falling back would be another identity than was asked for.

Whoever signs tokens or certificates says whose they are.  A name that the operator himself gives to
somebody is not for them to give: else who can choose his name at an issuer could be anybody here.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from toolcell_server.authentication.failure import Kind, NotAuthentic
from toolcell_server.authentication.header import token_in
from toolcell_server.authentication.tokens import Digests

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from toolcell_server.authentication.certificates import Certificates
    from toolcell_server.authentication.jwts import Jwts
    from toolcell_server.authentication.tokens import StaticTokens
    from toolcell_server.authentication.verified import Verified
    from toolcell_server.principal import Principal


class Authenticator:
    """
    Finds out who calls.  Lives on one event loop.  `given` are names that the operator gives to
    somebody, beside those of the tokens.
    """

    def __init__(
        self,
        tokens: StaticTokens,
        jwts: Jwts | None = None,
        certificates: Certificates | None = None,
        given: frozenset[str] = frozenset(),
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._tokens = tokens
        self._digests = Digests()
        self._jwts = jwts
        self._certificates = certificates
        self._given = given
        self._clock = clock

    async def by_metadata(self, metadata: Iterable[tuple[str, str | bytes]]) -> Principal | None:
        """
        Who the token in the metadata is of; None: there is none, and the connection may say more.

        Raises:
            NotAuthentic: the token is nobody's; or there is none and nothing else counts.
        """
        token = token_in(metadata)
        if not token:
            if self._certificates is None:
                raise NotAuthentic(Kind.NONE)
            return None
        digest = self._digests.of(token)
        if static := self._tokens.find(digest):
            if static.expires <= self._clock():
                raise NotAuthentic(Kind.EXPIRED)
            return static.principal
        if self._jwts is None or token.count(".") != 2:
            raise NotAuthentic(Kind.UNKNOWN_TOKEN)
        return self._accepted(await self._jwts.verify(token, digest))

    def by_connection(self, peer: Mapping[str, Iterable[bytes]]) -> Principal:
        """
        Who the certificate of the connection is of.

        Raises:
            NotAuthentic: there is none, or it is nobody's.
        """
        verified = self._certificates.find(peer) if self._certificates else None
        if verified is None:
            raise NotAuthentic(Kind.NONE)
        return self._accepted(verified)

    def _accepted(self, verified: Verified) -> Principal:
        name = verified.principal.name
        if verified.claimed and (name in self._given or self._tokens.name(name)):
            raise NotAuthentic(Kind.NAME_TAKEN)
        return verified.principal
