"""
What a run is asked to do.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from toolcell_server.workflows.definition import Definition


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """
    A checked definition with checked inputs; `version` 0: it is not kept.
    """

    definition: Definition
    definition_json: bytes
    version: int
    inputs_json: bytes
    request_id: str
    labels: dict[str, str]

    @property
    def fingerprint(self) -> bytes:
        """
        Equal for two that ask for the same.
        """
        parts = (self.definition_json, self.inputs_json, str(self.version).encode())
        return hashlib.sha256(b"".join(hashlib.sha256(each).digest() for each in parts)).digest()
