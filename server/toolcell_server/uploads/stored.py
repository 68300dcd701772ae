"""
One upload, as it is kept.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any, Self


@dataclass(slots=True)
class Stored:
    """
    `owners` are the principals that have uploaded it, who alone know of it; `needed` is when a tool
    was last known to need it, or somebody to be about to register one.  `unpacked` is how much room
    it takes then.
    """

    sha256: str
    file_name: str
    size: int
    signature: bytes
    owners: list[str]
    needed: float
    signed_by: str = ""
    unpacked: int = 0

    @property
    def key(self) -> str:
        """
        What its files are named by.  The name of a Python file is the name of its module: the same
        content by another name is other code, and that of others must not name one's own.
        """
        if not self.file_name.endswith(".py"):
            return self.sha256
        return f"{self.sha256}-{hashlib.sha256(self.file_name.encode()).hexdigest()[:16]}"

    @property
    def room(self) -> int:
        """
        How many bytes of the disk it takes.
        """
        return self.size + self.unpacked

    def describe(self) -> bytes:
        """
        What is written beside the content.
        """
        return json.dumps(
            {
                "file_name": self.file_name,
                "signature": self.signature.hex(),
                "owners": self.owners,
            }
        ).encode()

    @classmethod
    def read(cls, key: str, size: int, text: bytes, now: float) -> Self:
        """
        What is kept by a key.

        Raises:
            ValueError: it is not what `describe` writes.
        """
        value: Any = json.loads(text)
        try:
            owners = [str(owner) for owner in value["owners"]]
            signature = bytes.fromhex(value["signature"])
            name = str(value["file_name"])
            stored = cls(key.partition("-")[0], name, size, signature, owners, now)
        except (KeyError, TypeError, AttributeError) as exc:
            raise ValueError(f"it is no description of an upload ({exc})") from None
        if stored.key != key:
            raise ValueError("it is the description of another upload")
        return stored
