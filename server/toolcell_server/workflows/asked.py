"""
What a run is asked to do.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from toolcell.v1 import workflow_pb2 as pb

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
    fingerprint: bytes
    labels: dict[str, str]
    session_id: str = ""  # that every call names


def fingerprint(request: pb.RunWorkflowRequest) -> bytes:
    """
    Equal for two that ask for the same, whatever the name that they ask for stands for by now.
    """
    asked = pb.RunWorkflowRequest()
    asked.CopyFrom(request)
    for name in ("request_id", "labels"):
        asked.ClearField(name)
    asked.inputs_json = asked.inputs_json or b"{}"
    return hashlib.sha256(asked.SerializeToString(deterministic=True)).digest()
