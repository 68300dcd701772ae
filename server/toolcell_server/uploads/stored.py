"""
One upload, as it is kept.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Self


@dataclass(slots=True)
class Stored:
    """
    `owners` are the principals that have uploaded it, who alone know of it; `needed` is when a tool
    was last known to need it, or somebody to be about to register one.
    """

    sha256: str
    file_name: str
    size: int
    signature: bytes
    owners: list[str]
    needed: float
    signed_by: str = ""

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
    def read(cls, sha256: str, size: int, text: bytes, now: float) -> Self:
        """
        Raises:
            ValueError: it is not what `describe` writes.
        """
        value: Any = json.loads(text)
        try:
            owners = [str(owner) for owner in value["owners"]]
            signature = bytes.fromhex(value["signature"])
            return cls(sha256, str(value["file_name"]), size, signature, owners, now)
        except (KeyError, TypeError, AttributeError) as exc:
            raise ValueError(f"it is no description of an upload ({exc})") from None
