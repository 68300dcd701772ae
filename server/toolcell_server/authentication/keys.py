"""
Where the keys of an issuer are kept: a file, a secret, an address.

Theory of operation.  An issuer changes its keys and says so nowhere: a token names a key that we do
not have.  Then the set is fetched, once for all who wait for it, and not again for ten seconds,
because anybody can make up the name of a key.  So a rotation costs the first caller one request,
and a flood of made-up names costs the issuer six requests a minute.  A key that the issuer takes
back must go too: a set older than `refresh_seconds` is fetched again beside the calls, which do not
wait.

What cannot be fetched keeps the last good set, says so once in the log, and shows in a metric.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
import time
from typing import TYPE_CHECKING, Any, Final, Protocol

from toolcell_server.authentication.fetching import NotFetched, fetch
from toolcell_server.authentication.key_set import KeySet

if TYPE_CHECKING:
    from collections.abc import Callable

    from toolcell_server.reloading import Reloaded
    from toolcell_server.settings import JwtSettings

REFETCH_SECONDS: Final = 10.0  # arbitrary
_log = logging.getLogger(__name__)


class Keys(Protocol):
    """
    The keys of one issuer.
    """

    def generation(self) -> object:
        """
        Another object whenever a key may be gone.  Must not wait.
        """
        ...

    async def find(self, kid: str | None, algorithm: str) -> Any:
        """
        The key that a token names; None: there is none.
        """
        ...


class KeysInFile:
    """
    A key set in a file, read again when it changes.
    """

    def __init__(self, reloaded: Reloaded[KeySet]) -> None:
        self._reloaded = reloaded

    def generation(self) -> object:
        return self._reloaded.current()

    async def find(self, kid: str | None, algorithm: str) -> Any:
        return self._reloaded.current().find(kid, algorithm)


class SharedSecret:
    """
    The secret of HS* tokens, read again when it changes.  Whoever knows it can make tokens.
    """

    def __init__(self, reloaded: Reloaded[bytes]) -> None:
        self._reloaded = reloaded

    def generation(self) -> object:
        return self._reloaded.current()

    async def find(self, _kid: str | None, _algorithm: str) -> Any:
        return self._reloaded.current()


class KeysAtUrl:
    """
    A key set at an address.  Lives on one event loop, from `start` to `aclose`.
    """

    def __init__(
        self,
        settings: JwtSettings,
        failing: Callable[[bool], None] = lambda _: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._url = settings.jwks_url
        self._refresh_seconds = settings.refresh_seconds
        self._authorities = None
        if self._url.startswith("https:"):
            self._authorities = ssl.create_default_context(cafile=settings.ca_file or None)
        self._failing = failing
        self._clock = clock
        self._set = KeySet(())
        self._data = b""
        self._asked = 0.0
        self._complaint = ""
        self._fetching: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """
        Raises:
            NotFetched: there is no answer; says why.
            ValueError: the answer is no key set.
        """
        self._asked = self._clock()
        await self._fetch()
        self._failing(False)

    async def aclose(self) -> None:
        if self._fetching:
            self._fetching.cancel()
            await asyncio.wait([self._fetching])

    def generation(self) -> object:
        if self._clock() - self._asked >= self._refresh_seconds:
            self._begin()
        return self._set

    async def find(self, kid: str | None, algorithm: str) -> Any:
        key = self._set.find(kid, algorithm)
        if key is not None:
            return key
        if self._fetching is None and self._clock() - self._asked >= REFETCH_SECONDS:
            self._begin()
        if self._fetching is not None:
            # `wait` and not `await`: one caller that leaves must not end it for the others.
            await asyncio.wait([self._fetching])
        return self._set.find(kid, algorithm)

    def _begin(self) -> None:
        if self._fetching is None:
            self._asked = self._clock()
            self._fetching = asyncio.get_running_loop().create_task(self._refresh())

    async def _refresh(self) -> None:
        try:
            await self._fetch()
        except (NotFetched, ValueError) as exc:
            self._complain(str(exc))
        except Exception as exc:  # noqa: BLE001  # whatever it is, the last good set stays
            self._complain(type(exc).__name__)
        else:
            self._complaint = ""
            self._failing(False)
        finally:
            self._fetching = None

    async def _fetch(self) -> None:
        data = await fetch(self._url, self._authorities)
        if data != self._data:
            self._set = KeySet.parse(data)
            self._data = data

    def _complain(self, reason: str) -> None:
        if reason != self._complaint:
            fields = {"url": self._url, "reason": reason}
            _log.error("kept the last good key set", extra={"fields": fields})
        self._complaint = reason
        self._failing(True)
