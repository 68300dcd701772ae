"""
PINs: what a person knows and the model that calls for him does not.

Theory of operation.  A PIN of four digits is found by ten thousand guesses, so what protects it is
that guesses are few: each is counted, in the database, before it is looked at, so that neither
calls at the same time nor a restart give more of them.  An approval survives `attempts` wrong ones.
A model that asks for ever new approvals is stopped by a second count, over all of one principal:
after as many wrong ones in a row the principal is locked out, and each further lock lasts twice as
long.  Only the right PIN begins a new count.

The settings hold scrypt hashes (RFC 7914), which is all that can be done for a short secret whose
hash is stolen.  One check takes about 20 ms of the loop at the usual cost; a person types a PIN now
and then, and whoever guesses is locked out.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Self

if TYPE_CHECKING:
    from toolcell_server.database import Database

MAXIMUM_PIN: Final = 128  # characters
LONGEST_LOCK: Final = 24 * 3600.0  # seconds
_COST: Final = 13  # logarithm; 8 MiB and about 20 ms
_COSTS: Final = range(12, 16)
_MEMORY: Final = 64 * 2**20
_BYTES: Final = 32
_TABLE: Final = """
CREATE TABLE IF NOT EXISTS approval_pins (
    principal TEXT PRIMARY KEY,
    wrong INTEGER NOT NULL,
    locks INTEGER NOT NULL,
    locked_until REAL NOT NULL
) STRICT;
"""


@dataclass(frozen=True, slots=True)
class PinHash:
    """
    A hashed PIN: `scrypt$COST$SALT$HASH`, salt and hash in URL-safe base64.
    """

    cost: int
    salt: bytes = field(repr=False)
    digest: bytes = field(repr=False)

    @classmethod
    def parse(cls, text: str) -> Self:
        """
        Raises:
            ValueError: it is none; the text says why, and holds nothing of it.
        """
        parts = text.split("$")
        if len(parts) != 4 or parts[0] != "scrypt":
            raise ValueError("is no hash of a PIN")
        try:
            cost, salt, digest = int(parts[1]), _decoded(parts[2]), _decoded(parts[3])
        except (ValueError, binascii.Error):
            raise ValueError("is no hash of a PIN") from None
        if cost not in _COSTS or len(salt) < 16 or len(digest) != _BYTES:
            raise ValueError("is a hash of a PIN with a cost, a salt or a length that is not used")
        return cls(cost, salt, digest)

    @classmethod
    def of(cls, pin: str) -> Self:
        """
        The hash of a PIN, with a salt of its own.
        """
        salt = secrets.token_bytes(16)
        return cls(_COST, salt, _hashed(pin, _COST, salt))

    def text(self) -> str:
        """
        As the settings hold it.
        """
        return f"scrypt${self.cost}${_encoded(self.salt)}${_encoded(self.digest)}"

    def fits(self, pin: str) -> bool:
        """
        Whether this is the PIN.
        """
        return hmac.compare_digest(_hashed(pin, self.cost, self.salt), self.digest)


class PinCounts:
    """
    Wrong PINs in a row, by principal, in the database.  `attempts` of them lock a principal out
    for `lock_seconds`, twice as long each time.  Every method raises StoreFailed.
    """

    def __init__(self, database: Database, attempts: int, lock_seconds: float) -> None:
        self._database = database
        self._attempts = attempts
        self._lock_seconds = lock_seconds
        database.prepare(_TABLE)

    def locked_until(self, principal: str) -> float:
        """
        When the next PIN may be tried, in seconds since the epoch; 0.0: now.
        """
        return self._counts(principal)[2]

    def count(self, principal: str, now: float) -> None:
        """
        Count an attempt as a wrong one, until it turns out to be right.
        """
        wrong, locks, _ = self._counts(principal)
        wrong, until = wrong + 1, 0.0
        if wrong >= self._attempts:
            wrong, locks = 0, locks + 1
            until = now + min(self._lock_seconds * 2.0 ** min(locks - 1, 32), LONGEST_LOCK)
        statement = "INSERT OR REPLACE INTO approval_pins VALUES (?, ?, ?, ?)"
        self._database.execute(statement, (principal, wrong, locks, until))

    def forgive(self, principal: str) -> None:
        """
        It was right.
        """
        self._database.execute("DELETE FROM approval_pins WHERE principal = ?", (principal,))

    def _counts(self, principal: str) -> tuple[int, int, float]:
        statement = "SELECT wrong, locks, locked_until FROM approval_pins WHERE principal = ?"
        rows = self._database.query(statement, (principal,))
        return (int(rows[0][0]), int(rows[0][1]), float(rows[0][2])) if rows else (0, 0, 0.0)


def _hashed(pin: str, cost: int, salt: bytes) -> bytes:
    given = pin[:MAXIMUM_PIN].encode(errors="surrogatepass")
    return hashlib.scrypt(given, salt=salt, n=2**cost, r=8, p=1, maxmem=_MEMORY, dklen=_BYTES)


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _decoded(text: str) -> bytes:
    return base64.b64decode(f"{text}{'=' * (-len(text) % 4)}", altchars=b"-_", validate=True)
