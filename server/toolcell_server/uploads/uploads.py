"""
Takes uploads, and gives them to who may know of them.

Theory of operation.  An upload is code from somebody who is not trusted, so nothing here runs or
imports it: it is bytes, with a digest, a signature and owners.  Two principals that upload the same
bytes share the bytes and not the knowledge: each finds what it has uploaded itself.

What no tool needs is removed, an hour after it was last needed: a client uploads first and
registers then, and a call that runs may still import from it.  That is looked at when somebody
uploads, which is when it matters.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import hashlib
import logging
import time
from collections import Counter
from typing import TYPE_CHECKING, Final

from toolcell_server.database import StoreFailed
from toolcell_server.refusals import NotSigned, UnknownUpload, UploadRefused, UploadsFull
from toolcell_server.refusals import StoreFailed as CannotKeep
from toolcell_server.registering.turns import Turns
from toolcell_server.threads import in_thread
from toolcell_server.uploads import keys, unpacking
from toolcell_server.uploads.store import Altered, Store
from toolcell_server.uploads.stored import Stored

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from toolcell_server.carried import Carried
    from toolcell_server.principal import Principal
    from toolcell_server.settings.registry import RegistrySettings

KEPT_SECONDS: Final = 3600.0
SHARES: Final = 4  # no principal alone may take more than one of them
AT_ONCE: Final = 2  # of the largest uploads, of one principal, wait for their turn

_log = logging.getLogger(__name__)


class Uploads:
    """
    `needed` are the digests of the uploads that tools need; `may_all` says whether somebody may
    know of everybody's; `record` takes note, and may refuse.  Lives on one event loop.
    """

    def __init__(
        self,
        settings: RegistrySettings,
        state_dir: str,
        needed: Callable[[], Collection[str]],
        may_all: Callable[[Principal], bool],
        clock: Callable[[], float] = time.time,
        *,
        record: Callable[[Stored, Principal], None] = lambda *_: None,
    ) -> None:
        self._settings = settings
        self._store = Store(state_dir)
        self._needed = needed
        self._may_all = may_all
        self._clock = clock
        self._record = record
        self._known: dict[str, Stored] = {}
        self._changing, self._turns = asyncio.Lock(), Turns()
        self._coming: Counter[str] = Counter()

    def load(self) -> None:
        """
        Have what the last server left: verified, signed as the settings want it, and unpacked.
        What is not stays as it is, unknown, for the operator to look at.

        Raises:
            StoreFailed: the folders cannot be read.
        """
        try:
            self._load()
        except OSError as exc:
            raise StoreFailed(f"uploads cannot be kept: {exc}") from exc

    def _load(self) -> None:
        self._store.begin()
        for key, size, description in self._store.kept():
            try:
                stored = Stored.read(key, size, description, self._clock())
                content = self._store.content(stored)
                digest = bytes.fromhex(stored.sha256)
                stored.signed_by = keys.signer(self._settings.upload_keys, digest, stored.signature)
                self._check_signature(stored)
                files = unpacking.unpacked(content, stored.file_name)
                stored.unpacked = unpacking.room(files)
                self._store.unpack(key, files)
            except (Altered, NotSigned, UploadRefused, ValueError) as exc:
                fields = {"upload": key, "reason": str(exc)}
                _log.error("an upload cannot be used", extra={"fields": fields})
                continue
            self._known[key] = stored

    async def upload(
        self, content: bytes, file_name: str, signature: bytes, principal: Principal
    ) -> Stored:
        """
        Keep an upload.

        Raises:
            AuditFailed: it may not be kept without a record, and there is none.
            CannotKeep: the disk refuses.
            NotSigned: it is not signed as the operator wants it.
            UploadRefused: it is too large, or not what is unpacked here.
            UploadsFull: there is no room.
        """
        if not 0 < len(content) <= self._settings.upload_bytes:
            limit = self._settings.upload_bytes
            raise UploadRefused(f"has {len(content)} bytes; 1 to {limit} are allowed")
        stored = self._described(content, file_name, signature, principal)
        coming = self._coming[principal.name]
        if coming + len(content) > AT_ONCE * self._settings.upload_bytes:
            raise UploadsFull(f"{coming} bytes of this caller are on their way")
        self._coming[principal.name] += len(content)
        # Whoever hangs up meanwhile must not leave half of it.
        keeping = asyncio.ensure_future(self._take(stored, content, principal))
        keeping.add_done_callback(lambda kept: kept.cancelled() or kept.exception())
        return await asyncio.shield(keeping)

    def find(self, sha256: str, principal: Principal) -> Stored:
        """
        An upload of this principal, which stays for another hour.

        Raises:
            UnknownUpload: it has none with that digest.
        """
        same = [stored for stored in self._known.values() if stored.sha256 == sha256]
        own = [stored for stored in same if principal.name in stored.owners]
        found = own or (same if self._may_all(principal) else [])
        if not found:
            raise UnknownUpload(sha256)
        found[-1].needed = self._clock()
        return found[-1]

    def folder(self, stored: Stored) -> str:
        """
        Where its code is unpacked.
        """
        return self._store.folder(stored.key)

    def fault(self, carried: Carried) -> str:
        """
        Why the code of a tool cannot be used; empty: it can.
        """
        if all(folder.rpartition("/")[2] in self._known for folder in carried.code):
            return ""
        return "its code is gone, was altered, or is not signed as it must be; upload it again"

    def _described(
        self, content: bytes, file_name: str, signature: bytes, principal: Principal
    ) -> Stored:
        digest = hashlib.sha256(content)
        stored = Stored(
            sha256=digest.hexdigest(),
            file_name=file_name,
            size=len(content),
            signature=signature,
            owners=[principal.name],
            needed=self._clock(),
            signed_by=keys.signer(self._settings.upload_keys, digest.digest(), signature),
        )
        self._check_signature(stored)
        return stored

    async def _take(self, stored: Stored, content: bytes, principal: Principal) -> Stored:
        """
        Unpack and keep it, in its turn: what it unpacks to is in memory then only.
        """
        try:
            async with self._turns.of(principal.name):
                files = await in_thread(unpacking.unpacked, content, stored.file_name)
                stored.unpacked = unpacking.room(files)
                return await self._keep(stored, content, files, principal)
        finally:
            self._coming -= Counter({principal.name: len(content)})

    async def _keep(
        self, stored: Stored, content: bytes, files: Mapping[str, bytes], principal: Principal
    ) -> Stored:
        async with self._changing:
            await self._sweep()
            known = self._known.get(stored.key)
            if known is None or principal.name not in known.owners:
                self._check_room(stored, principal)
                self._record(stored, principal)
            if known is not None:
                return await self._shared(known, stored)
            try:
                await asyncio.to_thread(self._store.unpack, stored.key, files)
                await asyncio.to_thread(self._store.keep, stored, content)
            except OSError as exc:
                _log.exception("an upload cannot be kept")
                with contextlib.suppress(OSError):
                    await asyncio.to_thread(self._store.remove, stored.key)
                raise CannotKeep("keep an upload") from exc
            self._known[stored.key] = stored
        fields = {"sha256": stored.sha256, "bytes": stored.size, "signed_by": stored.signed_by}
        _log.info("code was uploaded", extra={"fields": fields})
        return stored

    def _check_signature(self, stored: Stored) -> None:
        if stored.signature and not stored.signed_by:
            raise NotSigned("its signature is of no key that the operator lists")
        if self._settings.require_signature and not stored.signed_by:
            raise NotSigned("it is not signed")

    async def _shared(self, known: Stored, again: Stored) -> Stored:
        """
        The same of another owner, who hears of his own only; a signature counts that it lacked.
        """
        known.needed = again.needed
        known.owners = list(dict.fromkeys((*known.owners, *again.owners)))
        if again.signed_by and not known.signed_by:
            known.signature, known.signed_by = again.signature, again.signed_by
        await asyncio.to_thread(self._store.keep, known)
        self._known[known.key] = self._known.pop(known.key)  # the one that he means last
        return dataclasses.replace(again, owners=known.owners)

    def _check_room(self, stored: Stored, principal: Principal) -> None:
        room, own = self._settings.uploads_bytes, 0
        for each in self._known.values():
            room -= each.room
            own += each.room if principal.name in each.owners else 0
        share = self._settings.uploads_bytes // SHARES
        if not self._may_all(principal) and own + stored.room > share:
            raise UploadsFull(f"this caller's take {own} of {share} bytes")
        if stored.key not in self._known and stored.room > room:
            raise UploadsFull(f"{max(room, 0)} bytes are left")

    async def _sweep(self) -> None:
        """
        Remove what has not been needed for an hour.
        """
        now, needed = self._clock(), set(self._needed())
        for key, stored in list(self._known.items()):
            if key in needed:
                stored.needed = now
            elif now - stored.needed > KEPT_SECONDS:
                del self._known[key]
                await asyncio.to_thread(self._store.remove, key)
