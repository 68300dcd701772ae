"""
The fields of a request that need no tool to be checked.  Pure.

Every field of the contract is declared from its first version; one that is set and not built yet
is refused by name, never ignored: a caller who sets `session_id` counts on its workspace.
`no_cache` is taken, because without a cache it holds.
is refused by name, never ignored: a caller who sets `approval_token` counts on being asked for it.
"""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING, Final

from toolcell.v1 import execution_pb2 as pb

from toolcell_server.durations import to_seconds
from toolcell_server.refusals import FieldNotSupported, InvalidField

if TYPE_CHECKING:
    from collections.abc import Mapping

Request = pb.ExecuteRequest | pb.RunRequest

MAXIMUM_CALL_ID: Final = 256  # bytes, as the contract says
MAXIMUM_REQUEST_ID: Final = 255
MAXIMUM_LABELS: Final = 16
MAXIMUM_LABEL_KEY: Final = 63
MAXIMUM_LABEL_VALUE: Final = 255
MAXIMUM_NAME: Final = 255  # of a tool or a version; longer ones are never registered
MAXIMUM_TIMEOUT: Final = 7 * 24 * 3600.0
MAXIMUM_APPROVAL_TOKEN: Final = 256  # with a PIN
_NOT_BUILT: Final = ("session_id",)


def check(request: Request) -> None:
    """
    Check the fields that are the same for every tool.

    Raises:
        FieldNotSupported: one is set that this server does not act on; names it.
        InvalidField: one is malformed; names it and what it must be.
    """
    for name in _NOT_BUILT:
        if getattr(request, name):
            raise FieldNotSupported(name)
    if not request.tool:
        raise InvalidField("tool", "must name a tool")
    check_text("tool", request.tool, MAXIMUM_NAME)
    check_text("version", request.version, MAXIMUM_NAME)
    check_text("call_id", request.call_id, MAXIMUM_CALL_ID)
    check_text("request_id", request.request_id, MAXIMUM_REQUEST_ID)
    check_text("approval_token", request.approval_token, MAXIMUM_APPROVAL_TOKEN)
    check_labels(request.labels)
    if request.minimum_isolation not in pb.IsolationLevel.values():
        raise InvalidField("minimum_isolation", "must be a level of this contract")


def timeout_seconds(request: Request) -> float | None:
    """
    The call's timeout in seconds; None if it sets none.

    Raises:
        InvalidField: it is not positive, malformed or absurd.
    """
    if not request.HasField("timeout"):
        return None
    seconds = to_seconds("timeout", request.timeout)
    if not 0 < seconds <= MAXIMUM_TIMEOUT:
        raise InvalidField("timeout", f"must be positive and at most {MAXIMUM_TIMEOUT:.0f} s")
    return seconds


def check_text(field: str, value: str, maximum: int) -> None:
    """
    Check for a text of at most so many bytes, without control characters.

    Raises:
        InvalidField: it is none.
    """
    if value.isascii() and value.isprintable() and len(value) <= maximum:
        return  # as nearly all of them
    if len(value.encode()) > maximum:
        raise InvalidField(field, f"must have at most {maximum} bytes")
    if any(unicodedata.category(character) == "Cc" for character in value):
        raise InvalidField(field, "must not have control characters")


def check_labels(labels: Mapping[str, str]) -> None:
    """
    Check a caller's labels.

    Raises:
        InvalidField: there are too many, or one is malformed.
    """
    if len(labels) > MAXIMUM_LABELS:
        raise InvalidField("labels", f"must be at most {MAXIMUM_LABELS}")
    for key, value in labels.items():
        if not key:
            raise InvalidField("labels", "must not have an empty key")
        check_text("labels", key, MAXIMUM_LABEL_KEY)
        check_text(f"labels[{key}]", value, MAXIMUM_LABEL_VALUE)
