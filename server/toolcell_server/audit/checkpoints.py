"""
Checkpoints: how many records there were, and the hash of the last, signed.  Pure.

Theory of operation.  A checkpoint is a record of the log itself, and the latest one is also put
where whoever can write the log cannot: another disk, another host, the central log.  The signature
finds a log that was written anew with hashes of its own; the copy finds one that was cut short, or
put back as it was last week.  What was appended since the latest checkpoint is chained, and not
signed: that much can be rewritten by whoever owns the file, no more.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final, Self

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from toolcell_server.audit.signing import PublicKey, Signer

TYPE: Final = "audit.checkpoint"
ALGORITHM: Final = "ed25519"
UNSIGNED: Final = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """
    The log `source` had `count` records, the last of which has the hash `head`.
    """

    source: str
    count: int
    head: str
    time: str
    algorithm: str = UNSIGNED
    key: str = ""
    signature: str = ""

    @classmethod
    def made(cls, source: str, count: int, head: str, time: str, signer: Signer | None) -> Self:
        """
        Signed, if there is a signer.
        """
        if signer is None:
            return cls(source=source, count=count, head=head, time=time)
        signature = signer.sign(_message(source, count, head, time))
        return cls(
            source=source,
            count=count,
            head=head,
            time=time,
            algorithm=ALGORITHM,
            key=signer.public.id,
            signature=signature,
        )

    @classmethod
    def parse(cls, value: Mapping[str, Any]) -> Self:
        """
        Raises:
            ValueError: it is none.
        """
        if set(value) != set(cls.__slots__):
            raise ValueError("is no checkpoint")
        for name, each in value.items():
            if type(each) is not (int if name == "count" else str):
                raise ValueError(f"is no checkpoint: {name}")
        return cls(**value)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    def text(self) -> bytes:
        """
        As a file of its own.
        """
        return json.dumps(self.to_json()).encode() + b"\n"

    def fault(self, keys: Sequence[PublicKey]) -> str:
        """
        Why none of these keys stands for it; empty if one does.
        """
        if self.algorithm != ALGORITHM:
            return "is not signed"
        message = _message(self.source, self.count, self.head, self.time)
        if any(key.id == self.key and key.confirms(self.signature, message) for key in keys):
            return ""
        known = any(key.id == self.key for key in keys)
        return "has a signature that is wrong" if known else "is signed by a key that was not given"


def read(text: bytes) -> Checkpoint:
    """
    The checkpoint of a file.

    Raises:
        ValueError: it holds none.
    """
    try:
        value = json.loads(text)
    except RecursionError:
        raise ValueError("is no checkpoint") from None
    if not isinstance(value, dict):
        raise ValueError("is no checkpoint")  # noqa: TRY004  # of what was read
    return Checkpoint.parse(value)


def _message(source: str, count: int, head: str, time: str) -> bytes:
    return f"toolcell audit checkpoint 1\n{source}\n{count}\n{head}\n{time}\n".encode()
